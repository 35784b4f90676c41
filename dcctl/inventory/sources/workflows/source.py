"""A file of `kind: Dag`, read: the one place here that touches the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.sources.files.documents import read_bytes, text_of
from dcctl.inventory.sources.workflows.parse import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.workflow import Crew, Workflow


def read(path: str, crew: Callable[[str], Crew]) -> Workflow:
    """Return the workflow in a file; `-` is standard input. See parse for `crew` and errors."""
    where = "stdin" if path == "-" else path
    return parse(text_of(read_bytes(path), where), where, crew)
