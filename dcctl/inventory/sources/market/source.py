"""A file of `kind: Cost` and the curves it names, read: the one place here that touches the world."""

from __future__ import annotations

from posixpath import dirname, join
from typing import TYPE_CHECKING

from dcctl.inventory.sources.files.documents import read_bytes, text_of
from dcctl.inventory.sources.jobs.cursor import STDIN
from dcctl.inventory.sources.jobs.curves import curves
from dcctl.inventory.sources.market.parse import parse

if TYPE_CHECKING:
    from dcctl.inventory.conditions import Curve
    from dcctl.inventory.market import Market


def read(path: str) -> Market:
    """Return what the file asks; `-` is standard input. Curves are named from the folder of the file."""
    where = STDIN if path == "-" else path

    def told(name: str, negative: bool) -> dict[str, Curve]:
        beside = join("" if path == "-" else dirname(path), name)
        return curves(text_of(read_bytes(beside), beside), beside, negative=negative)

    return parse(text_of(read_bytes(path), where), where, told)
