"""Words of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def some(names: Iterable[str], most: int = 3) -> str:
    """Return the first names, each once, and how many more there are: `a, b, c and 4 more`."""
    found = list(dict.fromkeys(names))
    more = len(found) - most
    return ", ".join(found[:most]) + (f" and {more:,} more" if more > 0 else "")
