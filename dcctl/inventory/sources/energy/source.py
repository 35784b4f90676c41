"""Files of figures, read: the one place here that touches the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.sources.energy.parse import parse
from dcctl.inventory.sources.files.documents import read_bytes, text_of
from dcctl.inventory.sources.jobs.cursor import STDIN

if TYPE_CHECKING:
    from dcctl.inventory.energy import Figures


def read(path: str) -> Figures:
    """Return the figures of a file; `-` is standard input. UsageError with the place of what is wrong."""
    where = STDIN if path == "-" else path
    return parse(text_of(read_bytes(path), where), where)
