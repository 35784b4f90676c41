"""Fragmentation gradient descent: the published state of the art, to compare with.

Weng and others, "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient
Descent", USENIX ATC 2023. The fragment of a bin to a class is all that is free on its devices where the class
cannot run there (too little CPU, no such device, too few of them), else what is free on those devices that
are each too small for one device of the class. F is the sum over the classes that cover 95 % of the items,
each weighed by its popularity. The score of a placement is floor(100 · sigmoid((F_before − F_after) / 1000)),
in thousandths of a device, so ties are frequent; they go to the lowest name. (Their program gives every node
a random prefix first: who shuffles the names does the same.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from dcctl.packing.fit.state import View
from dcctl.packing.greedy.policies import FirstFit
from dcctl.packing.problem import CPU

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dcctl.packing.fit.feasibility import Feasibility

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

_COVERED: Final = 0.95
_AT_ONCE: Final = 4096
"""Rows whose fragments are computed together."""


class Fgd(FirstFit):
    """The bin, and the device in it, whose fragments grow least."""

    def __init__(self, items: Feasibility, popularity: Mapping[int, int]) -> None:
        """`popularity`: how many items of each class come."""
        super().__init__(items, popularity)
        rows = _typical(popularity)
        needs = [items.wanted[of].need for of in rows]
        counts = np.array([popularity[of] for of in rows], np.float64)
        self._popularity = counts / counts.sum() if len(counts) else counts
        self._cpu = np.array([need.amounts[CPU] for need in needs], np.int64)
        self._each = np.array([need.each_milli for need in needs], np.int64)
        self._count = np.array([1 if need.share_milli else need.devices for need in needs], np.int64)
        self._open = np.array([items.wanted[of].fixed == 0 for of in rows], np.bool_)

    def keys(self, of: int, view: View) -> Ints:
        """The best score of the bin's devices, from 0 to 100, the other way round."""
        scores = self._scores(of, view)
        best: Ints = scores.max(axis=1) if scores.ndim == 2 else scores
        keys: Ints = 100 - best
        return keys

    def pick(self, of: int, view: View) -> Ints:
        """A share goes to the device with the best score, the first of several."""
        wanted = self._items.wanted[of]
        if not wanted.share:
            return wanted.pick(view)
        best = self._scores(of, view).argmax(axis=1)
        taken: Ints = (np.arange(view.milli.shape[1]) == best[:, None]) * wanted.share
        return taken

    def _scores(self, of: int, view: View) -> Ints:
        """[bins]; of a share [bins, devices], -1 where it does not fit."""
        wanted = self._items.wanted[of]
        before = self._fragments(view)
        if not wanted.share:
            return _score(before - self._fragments(view.less(wanted.need, wanted.pick(view))))
        usable, devices = wanted.usable(view), view.milli.shape[1]
        row, device = np.nonzero((usable >= wanted.share) & _first_of_its_kind(usable))
        taken = (np.arange(devices) == device[:, None]) * wanted.share
        tried = View(view.at[row], view.free[row], view.milli[row], view.memory[row])
        after = self._fragments(tried.less(wanted.need, taken))
        scores = np.full(usable.shape, -1, np.int64)
        scores[row, device] = _score(before[row] - after)
        return scores

    def _fragments(self, view: View) -> Floats:
        """F of each bin."""
        parts = [
            self._some(view.at[low:high], view.free[low:high], view.milli[low:high])
            for low, high in _slices(len(view.at))
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _some(self, at: Ints, free: Ints, milli: Ints) -> Floats:
        left = np.maximum(milli, 0)
        total = left.sum(axis=1)
        can = self._open[:, at].T & (self._count > 0) & (free[:, 0, None] >= self._cpu)
        fragments = np.repeat(total[:, None], len(self._each), axis=1).astype(np.float64)
        for each in np.unique(self._each[self._each > 0]):
            fits = left >= each
            columns = np.flatnonzero(self._each == each)
            runs = can[:, columns] & (fits.sum(axis=1)[:, None] >= self._count[columns])
            small = (left * ~fits).sum(axis=1)
            fragments[:, columns] = np.where(runs, small[:, None], fragments[:, columns])
        return fragments @ self._popularity


def _first_of_its_kind(usable: Ints) -> Bools:
    """Whether no device before it has the same left: those that have are scored the same."""
    same = usable[:, :, None] == usable[:, None, :]
    first: Bools = same.argmax(axis=2) == np.arange(usable.shape[1])
    return first


def _slices(count: int) -> list[tuple[int, int]]:
    return [(low, min(count, low + _AT_ONCE)) for low in range(0, count, _AT_ONCE)]


def _typical(popularity: Mapping[int, int]) -> list[int]:
    """The most popular classes, until they cover 95 % of the items."""
    order = sorted(popularity, key=lambda of: (-popularity[of], of))
    total, covered, found = sum(popularity.values()), 0, []
    for of in order:
        if covered >= _COVERED * total:
            break
        covered += popularity[of]
        found.append(of)
    return sorted(found)


def _score(gain: Floats) -> Ints:
    return np.floor(100 / (1 + np.exp(-gain / 1000))).astype(np.int64)
