"""Checks that other packages bring: entry points of the group `dcctl.checks`."""

from __future__ import annotations

import traceback
from functools import cache

from dcctl.errors import UsageError

GROUP = "dcctl.checks"


@cache
def load() -> None:
    """Import the modules that entry points name, which enters their checks. UsageError: one is broken."""
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            point.load()
        except Exception as error:  # whatever a stranger's module does, it is named
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{frame.filename}:{frame.lineno}"
            why = f"{type(error).__name__}: {error}"
            raise UsageError(f"{where} (entry point {point.name} of {GROUP})", why) from error
