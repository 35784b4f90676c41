"""Checks that other packages bring: entry points of the group `dcctl.checks`."""

from __future__ import annotations

import importlib
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dcctl
from dcctl.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "dcctl.checks"
_OURS: Final = ("<frozen ", *(f"{Path(one.__file__ or '').parent}/" for one in (dcctl, importlib)))
"""How the names of files begin in which no package has its checks."""


@cache
def load() -> None:
    """Import the modules that entry points name, which enters their checks. UsageError: one is broken."""
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            point.load()
        except Exception as error:  # whatever a stranger's module does, it is named
            where = f"{_where(error, point)} (entry point {point.name} of {GROUP})"
            raise UsageError(where, f"{type(error).__name__}: {error}") from error


def _where(error: Exception, point: EntryPoint) -> str:
    """Return the line of the package that broke; the name of its module where none of it was run."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith(_OURS)]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else point.value
