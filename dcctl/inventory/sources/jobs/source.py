"""Files of work, read: the one place here that touches the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import UsageError
from dcctl.inventory.sources.files.documents import read_bytes, text_of
from dcctl.inventory.sources.jobs.cursor import STDIN
from dcctl.inventory.sources.jobs.parse import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.asked import Asked


def read(paths: Sequence[str]) -> Asked:
    """Return what the files ask for together; `-` is standard input. UsageError with the place."""
    for at, path in enumerate(paths):
        if path in paths[:at]:
            raise UsageError(path, "is given twice")
    return parse((where, text_of(read_bytes(path), where)) for path, where in map(_named, paths))


def _named(path: str) -> tuple[str, str]:
    return path, STDIN if path == "-" else path
