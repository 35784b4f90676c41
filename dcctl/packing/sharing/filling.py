"""Progressive filling: claims rise together, each at its rate, until something that they use is used up."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ZERO = Fraction(0)


def fill(
    rows: Iterable[tuple[Mapping[int, int], int]],
    rates: Sequence[Fraction],
    start: Mapping[int, Fraction],
    most: Mapping[int, Fraction],
) -> dict[int, Fraction]:
    """Return shares by claim as a level rises from zero: exact, and nothing is used beyond its room.

    Each claim stands at level x rate, but not below its start and not above its most. `rows` say how much
    each claim uses with a share of one, and the room that there is; starts must fit together.
    """
    shared, tops = [], dict(most)
    for uses, room in rows:
        if len(uses) == 1:  # a limit of one claim alone, such as its quota
            ((at, amount),) = uses.items()
            tops[at] = max(start[at], min(tops[at], Fraction(room, amount)))
        elif uses:
            shared.append((uses, room))
    return _Filling(shared, rates, start).run(tops)


class _Filling:
    """The state at one level. A claim is closed when it can rise no more."""

    def __init__(
        self,
        rows: Sequence[tuple[Mapping[int, int], int]],
        rates: Sequence[Fraction],
        start: Mapping[int, Fraction],
    ) -> None:
        self._rates, self._shares = rates, dict(start)
        self._uses = [uses for uses, _ in rows]
        self._left = [room - sum((n * start[at] for at, n in uses.items()), _ZERO) for uses, room in rows]
        self._speed = [_ZERO] * len(rows)
        self._rows_of: dict[int, list[int]] = {}
        for row, uses in enumerate(self._uses):
            for at in uses:
                self._rows_of.setdefault(at, []).append(row)
        self._level = _ZERO
        self._rising: set[int] = set()
        self._closed: set[int] = set()

    def run(self, most: Mapping[int, Fraction]) -> dict[int, Fraction]:
        """The shares at the end."""
        for row, left in enumerate(self._left):
            if not left:
                self._use_up(row)
        wanting = [at for at, share in self._shares.items() if share < most[at]]
        joins = [(self._shares[at] / self._rates[at], False, at) for at in wanting]
        stops = [(most[at] / self._rates[at], True, at) for at in wanting]
        for level, stops_here, at in sorted(joins + stops):
            self._rise(level)
            if at not in self._closed and stops_here:
                self._close(at)
            elif at not in self._closed:
                self._rising.add(at)
                self._speed_up(at, 1)
        return self._shares

    def _rise(self, level: Fraction) -> None:
        """Go up to a level, closing on the way who uses what is used up."""
        while True:
            speeds = zip(self._left, self._speed, strict=True)
            times = [(self._level + left / v, row) for row, (left, v) in enumerate(speeds) if v]
            first, row = min(times, default=(level, -1))
            if row < 0 or first > level:
                break
            self._advance(first)
            self._use_up(row)
        self._advance(level)

    def _advance(self, level: Fraction) -> None:
        for row, speed in enumerate(self._speed):
            if speed:
                self._left[row] -= speed * (level - self._level)
        self._level = level

    def _use_up(self, row: int) -> None:
        for at in self._uses[row]:
            self._close(at)

    def _close(self, at: int) -> None:
        """The claim keeps what it has at this level."""
        self._closed.add(at)
        if at in self._rising:
            self._rising.remove(at)
            self._shares[at] = self._level * self._rates[at]
            self._speed_up(at, -1)

    def _speed_up(self, at: int, sign: int) -> None:
        for row in self._rows_of.get(at, ()):
            self._speed[row] += sign * self._uses[row][at] * self._rates[at]
