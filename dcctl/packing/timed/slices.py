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
_LEAST_ROOM: Final = 16
"""Slices for which every bin has places at first."""


class Pieces(NamedTuple):
    """Slices of some bins: by bin in the order asked for, then by time."""

    bin: Ints
    start_s: Ints
    """At most the beginning of all time for the first of a bin."""
    end_s: Ints
    """NEVER for the last of a bin."""
    rows: Ints


class Slices:
    """What each bin has from each moment at which it changes.

    The slices of a bin lie in a region of its own with places to spare, whose keys sort behind all others of
    it: so all keys are in order, and a new slice moves none but those of its bin.
    """

    def __init__(self, rows: Ints, began_s: int) -> None:
        """So much each bin has at any time. Nothing changes before `began_s`."""
        self._rows, self._used = rows.copy(), len(rows)
        self._began_s = began_s - 1
        self._counts: Ints = np.ones(len(rows), np.int64)
        """Of each bin how many slices it has."""
        self._shown = np.full((2, len(rows)), -1, np.int64)
        """Rows of the first and the last slice that `stale` told of each bin; -1: it changed since."""
        self.log: list[int] = []
        """Bins that changed, in order."""
        first: Ints = np.arange(len(rows))
        self._lay_out(first << _BITS, first)

    def _lay_out(self, keys: Ints, places: Ints) -> None:
        """All slices, in order, in new regions: half of each is to spare.

        A key is the bin, and the seconds after the beginning at which the slice begins; a place is its row.
        """
        rooms = np.maximum(_LEAST_ROOM, 2 * self._counts)
        self._ends: Ints = rooms.cumsum()
        """Of each bin where its region ends."""
        self._begins: Ints = self._ends - rooms
        bins: Ints = np.arange(len(rooms))
        self._keys: Ints = ((bins << _BITS) + _LAST).repeat(rooms)
        self._places: Ints = np.full(len(self._keys), -1, np.int64)
        at = _ranges(self._begins, self._counts)
        self._keys[at], self._places[at] = keys, places

    def _after_s(self, at_s: int) -> int:
        return min(max(at_s - self._began_s, 0), _LAST)

    def add(self, bins: Ints, start_s: int, end_s: int, changes: Ints) -> None:
        """Each of these bins, named once, has a row so much more (below zero: less) from start to end."""
        if (self._counts[bins] + 2 > self._ends[bins] - self._begins[bins]).any():
            at = _ranges(self._begins, self._counts)
            self._lay_out(self._keys[at], self._places[at])
        first = self._split(bins, start_s)
        counts = self._split(bins, end_s) - first
        self._rows[self._places[_ranges(first, counts)]] += changes.repeat(counts, axis=0)
        self._shown[:, bins] = -1
        self.log += bins.tolist()

    def _split(self, bins: Ints, at_s: int) -> Ints:
        """Positions of the slices that begin at a moment; of NEVER, those after the last ones."""
        after_s = self._after_s(at_s)
        keys = (bins << _BITS) + after_s
        here = self._keys.searchsorted(keys)
        if after_s == _LAST:
            return here
        new = np.flatnonzero(self._keys[np.minimum(here, len(self._keys) - 1)] != keys)
        self._copy(self._places[here[new] - 1])
        ends = self._begins[bins] + self._counts[bins]
        for number, at in enumerate(new.tolist(), self._used - len(new)):
            first, last = int(here[at]), int(ends[at])
            self._keys[first + 1 : last + 1] = self._keys[first:last]
            self._places[first + 1 : last + 1] = self._places[first:last]
            self._keys[first], self._places[first] = keys[at], number
        self._counts[bins[new]] += 1
        return here

    def _copy(self, places: Ints) -> None:
        """These rows once more, behind all others."""
        more = self._used + len(places)
        if more > len(self._rows):
            self._rows = np.concatenate((self._rows, np.zeros((more, self._rows.shape[1]), np.int64)))
        self._rows[self._used : more] = self._rows[places]
        self._used = more

    def _span(self, bins: Ints, start_s: int, end_s: int) -> tuple[Ints, Ints]:
        """Positions of the first slice of each bin in an interval, and of that after the last one."""
        base = bins << _BITS
        first = self._keys.searchsorted(base + min(self._after_s(start_s), _LAST - 1), "right") - 1
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
        counts = self._counts[bins]
        at = _ranges(self._begins[bins], counts)
        start_s = (self._keys[at] & _LAST) + self._began_s
        end_s = np.append(start_s[1:], NEVER)
        end_s[counts.cumsum() - 1] = NEVER
        return Pieces(bins.repeat(counts), start_s, end_s, self._rows[self._places[at]])

    def next_s(self, bins: Ints, after_s: int) -> Ints:
        """When something changes next in each of these bins; NEVER: not again."""
        here = self._keys.searchsorted((bins << _BITS) + self._after_s(after_s), "right")
        keys = self._keys[np.minimum(here, len(self._keys) - 1)]
        later = (here < self._begins[bins] + self._counts[bins]) & (keys >> _BITS == bins)
        return np.where(later, (keys & _LAST) + self._began_s, NEVER)


def _ranges(first: Ints, counts: Ints) -> Ints:
    """First, first + 1, … of each, so many."""
    begins = counts.cumsum() - counts
    return (first - begins).repeat(counts) + np.arange(int(counts.sum()))
