"""The relaxed plan, of which only sums are bounded, laid out in single bins: a plan to start a search from.

Its patterns go to bins of their group in random order, each to the bin with most left of what is scarce for
every device. The last two devices of a bin get the pair of patterns that leaves least of it.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.improve.guide import Guide, Pattern
    from dcctl.packing.improve.movable import Loose
    from dcctl.packing.improve.rooms import Kind, Room

    Ints = NDArray[np.int64]

_Place = tuple[bool, float, int]
"""A bin by how roomy it is: whether no device is untouched, what is scarce for each of them, its position."""

_LAST = 2
"""Devices of a bin whose patterns are chosen together."""
_PAIRED = 128
"""Patterns of a group that are tried there: the most frequent."""
_TRIES = 8
"""Bins looked at for a pattern that takes no device, or several."""


def lay_out(
    guide: Guide, loose: Loose, rooms: Sequence[Room], stock: list[int], rng: np.random.Generator
) -> None:
    """As much of the relaxed plan as fits is in these empty bins, and out of stock (items by kind)."""
    alike: dict[int, list[Room]] = defaultdict(list)
    for room in rooms:
        alike[guide.group[room.bin]].append(room)
    for group, inside in alike.items():
        if group in guide.patterns:
            _Layout(loose, inside, stock, guide.patterns[group]).fill(rng)


class _Piece(NamedTuple):
    """A pattern, and what it takes of a bin."""

    pattern: Pattern
    amounts: Mapping[int, int]
    """By dimension."""
    devices: int
    share: int
    """Of its one device, in thousandths; 0: it takes none, or whole ones."""

    @classmethod
    def made(cls, pattern: Pattern, kinds: Sequence[Kind]) -> _Piece:
        """What the items of a pattern take together."""
        amounts: dict[int, int] = defaultdict(int)
        whole = share = 0
        for numbers, count in pattern:
            kind = kinds[numbers[0]]
            whole += kind.whole * count
            share += kind.share * count
            for at, amount in kind.amounts:
                amounts[at] += amount * count
        return cls(pattern, amounts, whole or int(share > 0), share)


class _Layout:
    """The bins of one group on their way to hold its patterns."""

    def __init__(
        self,
        loose: Loose,
        rooms: Sequence[Room],
        stock: list[int],
        patterns: Sequence[tuple[Pattern, float]],
    ) -> None:
        self._loose, self._rooms, self._stock = loose, rooms, stock
        self._pieces = [_Piece.made(pattern, loose.kinds) for pattern, _ in patterns]
        self._number = _rounded(np.array([times for _, times in patterns]))
        """How many of each piece are still to be put in."""
        self._untouched = [sum(milli > 0 for milli in loose.milli[room.bin]) for room in rooms]
        """Devices by bin that no piece is on."""
        self._scarce = self._scarcest()

    def _scarcest(self) -> int:
        """The dimension of which the pieces take the largest share."""
        wanted: dict[int, int] = defaultdict(int)
        for piece, number in zip(self._pieces, self._number.tolist(), strict=True):
            for at, amount in piece.amounts.items():
                wanted[at] += amount * number
        free = {at: sum(max(0, room.free[at]) for room in self._rooms) for at in wanted}
        return max(wanted, key=lambda at: wanted[at] / max(1, free[at]), default=0)

    def fill(self, rng: np.random.Generator) -> None:
        """Pieces that take several devices or none are put in first."""
        single = np.array([piece.devices == 1 for piece in self._pieces])
        heap = self._heap()
        for piece in sorted(np.flatnonzero(~single).tolist(), key=self._largest_first):
            self._spread(piece, heap)
        self._number *= single
        self._mix(rng.permutation(np.repeat(np.arange(len(single)), self._number)).tolist())
        pairs = _Pairs(self._pieces, self._number, self._scarce)
        for at in rng.permutation(len(self._rooms)).tolist():
            self._finish(at, pairs)

    def _largest_first(self, piece: int) -> tuple[int, int]:
        one = self._pieces[piece]
        return -one.devices, -one.amounts.get(self._scarce, 0)

    def _place(self, at: int) -> _Place:
        untouched = self._untouched[at]
        return not untouched, -self._rooms[at].free[self._scarce] / max(1, untouched), at

    def _heap(self, least: int = 0) -> list[_Place]:
        """Bins with so many untouched devices, the roomiest first."""
        heap = [self._place(at) for at, more in enumerate(self._untouched) if more >= least]
        heapq.heapify(heap)
        return heap

    def _spread(self, piece: int, heap: list[_Place]) -> None:
        """All of a piece are in, each in the roomiest bin that takes it, until none does."""
        found = True
        while found and self._number[piece]:
            tried: list[int] = []
            found = False
            while heap and len(tried) < _TRIES and not found:
                tried.append(heapq.heappop(heap)[-1])
                found = self._put(piece, tried[-1])
            for at in tried:
                heapq.heappush(heap, self._place(at))

    def _mix(self, pieces: Sequence[int]) -> None:
        """Each is in the roomiest bin; a bin gets no more with few devices left, or once one did not fit."""
        heap = self._heap(_LAST + 1)
        for piece in pieces:
            if not heap:
                break
            at = heap[0][-1]
            if self._put(piece, at) and self._untouched[at] > _LAST:
                heapq.heapreplace(heap, self._place(at))
            else:
                heapq.heappop(heap)

    def _finish(self, at: int, pairs: _Pairs) -> None:
        """The last devices of a bin hold the best pairs that fit."""
        while self._untouched[at]:
            pair = pairs.best(self._rooms[at].free, self._number, single=self._untouched[at] < _LAST)
            if not pair or not all(self._put(piece, at) for piece in pair):
                break

    def _put(self, piece: int, at: int) -> bool:
        """Whether a bin took all items of a piece."""
        one, room = self._pieces[piece], self._rooms[at]
        wanted = [(self._in_stock(numbers, count), count) for numbers, count in one.pattern]
        items = [(number, count) for number, count in wanted if number is not None]
        if len(items) < len(wanted) or not room.holds(one.amounts.items()):
            return False
        usable = [self._loose.devices(number, room.bin) or () for number, _ in items]
        if one.share:
            shared = [device for device in usable[0] if all(device in others for others in usable)]
            usable = [room.fullest(one.share, shared)] * len(items)
        for (number, count), devices in zip(items, usable, strict=True):
            missing = room.fill(number, self._loose.kinds[number], count, devices)
            self._stock[number] -= count - missing
            if missing:
                return False
        self._number[piece] -= 1
        self._untouched[at] -= one.devices
        return True

    def _in_stock(self, numbers: Sequence[int], count: int) -> int | None:
        """A kind of which so many are left."""
        return next((number for number in numbers if self._stock[number] >= count), None)


class _Pairs:
    """Pieces on one device each, two and two or alone: those first that take most of what is scarce."""

    def __init__(self, pieces: Sequence[_Piece], number: Ints, scarce: int) -> None:
        """`number`: how many there are of each; those of which there are none are in no pair."""
        frequent = np.argsort(-number, kind="stable")[:_PAIRED]
        chosen = frequent[number[frequent] > 0]
        every = [*(pieces[at].amounts for at in chosen.tolist()), {}]
        self._dimensions = sorted({scarce, *(at for one in every for at in one)})
        amounts = np.array([[one.get(at, 0) for at in self._dimensions] for one in every], np.int64)
        first, second = np.triu_indices(len(chosen), 0, len(chosen) + 1)
        taken = amounts[first] + amounts[second]
        order = np.argsort(-taken[:, self._dimensions.index(scarce)], kind="stable")
        self._taken, names = taken[order], np.append(chosen, -1)
        self._first, self._second = names[first[order]], names[second[order]]

    def best(self, free: Sequence[int], number: Ints, *, single: bool) -> list[int]:
        """The pair, or the one, that fits into so much and of which there are enough; empty: none."""
        alone = self._second < 0
        fits = (self._taken <= [free[at] for at in self._dimensions]).all(axis=1)
        fits &= number[self._first] > (self._first == self._second)
        fits &= alone | (not single and number[self._second] > 0)
        if not fits.any():
            return []
        best = fits.argmax()
        return [piece for piece in (int(self._first[best]), int(self._second[best])) if piece >= 0]


def _rounded(times: NDArray[np.float64]) -> Ints:
    """Whole numbers of the same sum: those with the largest rest are rounded up."""
    down = np.floor(times)
    up = np.argsort(down - times, kind="stable")[: round(float((times - down).sum()))]
    number = down.astype(np.int64)
    number[up] += 1
    return number
