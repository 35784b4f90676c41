"""What depends on where other members stand, over time.

Spread and affinity are judged against those who stand there at the start, as a scheduler does. A port and
whom a member must not stand beside are judged against all who stand there at any time while it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.packing.fit.relations import Relations
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dcctl.inventory.placement import Template
    from dcctl.packing.fit.labels import Labels

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_ALL_THE_TIME = int(Reason.PORT | Reason.APART)


class _Stay(Struct):
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
        self._stays: list[_Stay] = []

    def add(self, at: int, of: int, sign: int = 1) -> None:
        """A member is put there for the interval that is shown (or, with `sign` -1, taken away)."""
        super().add(at, of, sign)
        self._ever.add(at, of, sign)

    def stay(self, at: int, of: int, start_s: int, end_s: int) -> None:
        """A member of class `of` stands in bin `at` from start to end."""
        if self.counted[of]:
            self._stays.append(_Stay(at, of, start_s, end_s))

    def show(self, start_s: int, end_s: int) -> None:
        """Those who stand somewhere from start to end count, and no others."""
        for one in self._stays:
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
