"""In which of the bins that hold an item it is put: one key per bin, the lowest wins, then the bin's name.

Keys are 64-bit integers, so that every policy is a total order and a plan can be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from dcctl.packing.problem import CPU, UNLIMITED, WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dcctl.packing.fit.feasibility import Feasibility
    from dcctl.packing.fit.state import View

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

REFUSED: Final = np.iinfo(np.int64).max
"""The key of a bin that does not hold the item."""
_SCALE: Final = 1 << 30
"""Steps of a share that is compared as an integer."""


class Policy(Protocol):
    """A rule that chooses among bins in which an item fits."""

    def keys(self, of: int, view: View) -> Ints:
        """A key for each of these bins, all of which hold one item more of class `of`; the lowest is best."""

    def pick(self, of: int, view: View) -> Ints:
        """What the item takes of each device in these bins: [bins, devices] thousandths."""


class FirstFit:
    """The first bin in order of name."""

    def __init__(self, items: Feasibility, popularity: Mapping[int, int]) -> None:
        """Popularity means nothing to it."""
        self._items = items

    def keys(self, of: int, view: View) -> Ints:
        """All the same: the name decides."""
        return np.zeros(len(view.at), np.int64)

    def pick(self, of: int, view: View) -> Ints:
        """See Wanted.pick."""
        return self._items.wanted[of].pick(view)


class BestFit(FirstFit):
    """The bin with least CPU and devices left, each as a share of the largest bin's, weighed equally."""

    def __init__(self, items: Feasibility, popularity: Mapping[int, int]) -> None:
        """Learn what the largest bin has."""
        super().__init__(items, popularity)
        self._most = _largest(items)

    def keys(self, of: int, view: View) -> Ints:
        """What is left after the placement."""
        need = self._items.wanted[of].need
        left = _cpu_and_devices(view) - (need.amounts[CPU], need.gpu_milli)
        return _as_keys((left / self._most).sum(axis=1))


class DotProduct(FirstFit):
    """The bin with the smallest dot product of the request and what is free (after Tetris, SIGCOMM 2014)."""

    def __init__(self, items: Feasibility, popularity: Mapping[int, int]) -> None:
        """Learn what the largest bin has."""
        super().__init__(items, popularity)
        self._most = _largest(items)

    def keys(self, of: int, view: View) -> Ints:
        """Request times free, both as shares of the largest bin's."""
        need = self._items.wanted[of].need
        asked = np.array((need.amounts[CPU], need.gpu_milli)) / self._most
        return _as_keys((_cpu_and_devices(view) / self._most * asked).sum(axis=1))


def _largest(items: Feasibility) -> Floats:
    """CPU and devices of the bin that has most of each."""
    most = [1, 1]
    for one in items.bins:
        most[0] = max(most[0], one.total[CPU] if one.total[CPU] < UNLIMITED else 0)
        most[1] = max(most[1], one.device_count * WHOLE)
    return np.array(most, np.float64)


def _cpu_and_devices(view: View) -> Floats:
    """[bins, 2]: free CPU, and free thousandths of devices."""
    both = np.empty((len(view.at), 2))
    both[:, 0] = view.free[:, CPU]
    both[:, 1] = np.maximum(view.milli, 0).sum(axis=1)
    return both


def _as_keys(share: Floats) -> Ints:
    return (share * _SCALE).astype(np.int64)
