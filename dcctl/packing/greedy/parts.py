"""Which bins lie together in which part of the data centre, as rows of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.problem import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dcctl.inventory.placement import Level
    from dcctl.packing.problem import Bin

    Ints = NDArray[np.int64]


class Parts:
    """Which bins lie in which part of the data centre."""

    def __init__(self, bins: Sequence[Bin]) -> None:
        """Look at every path once."""
        self.rows: dict[Level, Ints] = {}
        self.names: dict[Level, tuple[str, ...]] = {}
        for depth, level in enumerate(LEVELS):
            values: dict[str, int] = {}
            told = (_apart(one.path, depth) for one in bins)
            rows = (values.setdefault(path, len(values)) if path else -1 for path in told)
            self.rows[level] = np.fromiter(rows, np.int64, len(bins))
            self.names[level] = tuple(values)


def _apart(path: tuple[str, ...], depth: int) -> str:
    """The part by a name that no other has: racks of one name in two sites are two racks."""
    return "" if not path[depth] else "/".join((*reversed(path[depth + 1 :]), path[depth])).lstrip("/")
