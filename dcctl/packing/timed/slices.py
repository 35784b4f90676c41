"""Amounts that change over time, of many bins: rows of one array, found by bin and moment.

What a bin has from one moment to the next is a slice. All slices lie in one order, by bin and then by moment,
so that those of many bins are found at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

NEVER: Final = 1 << 62
"""When that ends of which nobody knows the end."""
_BITS: Final = 41
_LAST: Final = (1 << _BITS) - 1
"""Seconds after the beginning that count as never: 70,000 years."""


class Pieces(NamedTuple):
    """Slices of some bins: by bin in the order asked for, then by time."""

    bin: Ints
    start_s: Ints
    """At most the beginning of all time for the first of a bin."""
    end_s: Ints
    """NEVER for the last of a bin."""
    rows: Ints


class Slices:
    """What each bin has from each moment at which it changes."""

    def __init__(self, rows: Ints, began_s: int) -> None:
        """So much each bin has at any time. Nothing changes before `began_s`."""
        self._rows, self._used = rows.copy(), len(rows)
        self._began_s = began_s - 1
        self._keys: Ints = np.arange(len(rows), dtype=np.int64) << _BITS
        """Of each slice the bin, and the seconds after the beginning at which it begins."""
        self._places: Ints = np.arange(len(rows))
        """Of each slice its row."""
        self._shown = np.full((2, len(rows)), -1, np.int64)
        """Rows of the first and the last slice that `stale` told of each bin; -1: it changed since."""
        self.log: list[int] = []
        """Bins that changed, in order."""

    def _after_s(self, at_s: int) -> int:
        return min(max(at_s - self._began_s, 0), _LAST)

    def add(self, at: int, start_s: int, end_s: int, change: Ints) -> None:
        """A bin has so much more (or, below zero, less) from start to end."""
        first, last = self._split(at, start_s), self._split(at, end_s)
        self._rows[self._places[first:last]] += change
        self._shown[:, at] = -1
        self.log.append(at)

    def _split(self, at: int, at_s: int) -> int:
        """The position of the slice of a bin that begins at a moment; of NEVER, that after its last one."""
        after_s = self._after_s(at_s)
        key = (at << _BITS) + after_s
        here = int(self._keys.searchsorted(key))
        if after_s == _LAST or (here < len(self._keys) and self._keys[here] == key):
            return here
        if self._used == len(self._rows):
            self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)))
        self._rows[self._used] = self._rows[self._places[here - 1]]
        self._keys = np.concatenate((self._keys[:here], (key,), self._keys[here:]))
        self._places = np.concatenate((self._places[:here], (self._used,), self._places[here:]))
        self._used += 1
        return here

    def _span(self, bins: Ints, start_s: int, end_s: int) -> tuple[Ints, Ints]:
        """Positions of the first slice of each bin in an interval, and of that after the last one."""
        base = bins << _BITS
        first = self._keys.searchsorted(base + self._after_s(start_s), "right") - 1
        return first, np.maximum(self._keys.searchsorted(base + self._after_s(end_s)), first + 1)

    def least(self, bins: Ints, start_s: int, end_s: int) -> Ints:
        """What each of these bins has all the time from start to end: a row each."""
        first, last = self._span(bins, start_s, end_s)
        return self._lowest(first, last)

    def _lowest(self, first: Ints, last: Ints) -> Ints:
        counts = last - first
        if not len(counts) or counts.max() == 1:
            return self._rows[self._places[first]]
        begins = counts.cumsum() - counts
        rows = self._rows[self._places[_ranges(first, counts)]]
        return np.minimum.reduceat(rows, begins, axis=0)

    def stale(self, bins: Ints, start_s: int, end_s: int) -> tuple[Ints, Ints]:
        """As `least`, of those bins alone whose slices are others than when it was last asked."""
        first, last = self._span(bins, start_s, end_s)
        ends = self._places[first], self._places[last - 1]
        some = np.flatnonzero((ends[0] != self._shown[0, bins]) | (ends[1] != self._shown[1, bins]))
        changed = bins[some]
        self._shown[0, changed], self._shown[1, changed] = ends[0][some], ends[1][some]
        return changed, self._lowest(first[some], last[some])

    def pieces(self, bins: Ints) -> Pieces:
        """All slices of these bins."""
        first = self._keys.searchsorted(bins << _BITS)
        counts = self._keys.searchsorted((bins + 1) << _BITS) - first
        at = _ranges(first, counts)
        start_s = (self._keys[at] & _LAST) + self._began_s
        end_s = np.append(start_s[1:], NEVER)
        end_s[counts.cumsum() - 1] = NEVER
        return Pieces(bins.repeat(counts), start_s, end_s, self._rows[self._places[at]])

    def next_s(self, bins: Ints, after_s: int) -> Ints:
        """When something changes next in each of these bins; NEVER: not again."""
        here = self._keys.searchsorted((bins << _BITS) + self._after_s(after_s), "right")
        keys = self._keys[np.minimum(here, len(self._keys) - 1)]
        same = (here < len(self._keys)) & (keys >> _BITS == bins)
        return np.where(same, (keys & _LAST) + self._began_s, NEVER)


def _ranges(first: Ints, counts: Ints) -> Ints:
    """First, first + 1, … of each, so many."""
    begins = counts.cumsum() - counts
    return (first - begins).repeat(counts) + np.arange(int(counts.sum()))
