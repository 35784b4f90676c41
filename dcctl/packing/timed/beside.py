"""What depends on where other members stand, over time.

Spread and affinity are judged against those who stand there at the start, as a scheduler does. A port and
whom a member must not stand beside are judged against all who stand there at any time while it runs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from dcctl.packing.fit.relations import Relations
from dcctl.packing.reasons import Reason
from dcctl.packing.timed.slices import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dcctl.inventory.placement import Template
    from dcctl.packing.fit.labels import Labels

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_ALL_THE_TIME = int(Reason.PORT | Reason.APART)
_START: Final = attrgetter("start_s")
_END: Final = attrgetter("end_s")


class Stay(Struct):
    """A member in a bin for a time, and whether it counts in what is shown."""

    bin: int
    of: int
    start_s: int
    end_s: int
    at_start: bool = False
    ever: bool = False


class TimedRelations(Relations):
    """Where members stand at the start of an interval, and where at any time in it."""

    def __init__(self, labels: Labels, templates: Sequence[Template]) -> None:
        """`templates` are those of the classes, by position."""
        super().__init__(labels, templates)
        self._ever = Relations(labels, templates)
        self.stays: list[Stay] = []
        """All that any rule may count, in the order in which they were planned."""
        self._by_start: list[Stay] = []
        self._by_end: list[Stay] = []
        self._shown = (NEVER, NEVER)
        self.drawn = [
            any(one.required for one in each.spreads)
            or any(not (one.apart or one.weight) for one in each.neighbours)
            for each in templates
        ]
        """By class: whether others can make a place for it by standing somewhere."""

    def add(self, at: int, of: int, sign: int = 1) -> None:
        """A member is put there for the interval that is shown (or, with `sign` -1, taken away)."""
        super().add(at, of, sign)
        self._ever.add(at, of, sign)

    def stay(self, at: int, of: int, start_s: int, end_s: int) -> None:
        """A member of class `of` stands in bin `at` from start to end."""
        if self.counted[of]:
            one = Stay(at, of, start_s, end_s)
            self.stays.append(one)
            insort(self._by_start, one, key=_START)
            insort(self._by_end, one, key=_END)
            self._judge(one)

    def show(self, start_s: int, end_s: int) -> None:
        """Those who stand somewhere from start to end count, and no others."""
        before, self._shown = self._shown, (start_s, end_s)
        for one, other in zip(before, self._shown, strict=True):
            low, high = min(one, other), max(one, other)
            for stays, key in ((self._by_start, _START), (self._by_end, _END)):
                first, last = bisect_left(stays, low, key=key), bisect_right(stays, high, key=key)
                for stay in stays[first:last]:
                    self._judge(stay)

    def _judge(self, one: Stay) -> None:
        """Whether it counts in what is shown."""
        start_s, end_s = self._shown
        ever = one.start_s < end_s and start_s < one.end_s
        at_start = one.start_s <= start_s < one.end_s
        if ever != one.ever:
            self._ever.add(one.bin, one.of, 1 if ever else -1)
        if at_start != one.at_start:
            super().add(one.bin, one.of, 1 if at_start else -1)
        one.ever, one.at_start = ever, at_start

    def refusals(self, of: int) -> Ints:
        """Reasons of each bin against one more item of class `of` for the interval that is shown."""
        later = self._ever.refusals(of) & _ALL_THE_TIME
        return super().refusals(of) | later
