"""Coefficients of the step time from measured runs: least squares of the relative error, none below zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Row: TypeAlias = "Mapping[str, float]"
"""Seconds of each part over the seconds that were measured: with the right coefficients they sum to 1."""
RIDGE: Final = 1e-4
"""Keeps parts apart that no run tells apart."""
LEAST: Final = {"optimizer": 1.0}
"""Memory and links are not faster than they are said to be. Messages may hide, attention may skip."""


class Normal:
    """The normal equations of some rows; rows are added and taken away again."""

    def __init__(self, names: Sequence[str]) -> None:
        """No rows yet."""
        self.names = tuple(names)
        self._at = {name: at for at, name in enumerate(names)}
        size = len(self.names)
        self.matrix = [[RIDGE if one == other else 0.0 for other in range(size)] for one in range(size)]
        self.right = [0.0] * size

    def beyond(self, least: Sequence[float]) -> Normal:
        """Return the equations for what the coefficients have above `least`."""
        found = Normal(self.names)
        found.matrix = self.matrix
        found.right = [
            value - sum(one * low for one, low in zip(row, least, strict=True) if low)
            for value, row in zip(self.right, self.matrix, strict=True)
        ]
        return found

    def add(self, rows: Iterable[Row], times: float = 1.0) -> None:
        """Add rows; with `times` -1 take them away."""
        for row in rows:
            found = [(self._at[name], value) for name, value in row.items()]
            for one, value in found:
                self.right[one] += times * value
                for other, second in found:
                    self.matrix[one][other] += times * value * second


def fit(equations: Normal, start: frozenset[int] = frozenset()) -> dict[str, float]:
    """Return the coefficients; `start`: those expected above zero, which only saves time.

    Active sets: what comes out negative is set to zero, what would lower the error is let in again
    (Lawson & Hanson 1974, chapter 23).
    """
    size = len(equations.names)
    least = [LEAST.get(name, 0.0) for name in equations.names]
    equations = equations.beyond(least)
    active = set(start or range(size))
    for _ in range(3 * size):
        solved = _solve(equations, sorted(active))
        negative = min(solved, key=lambda at: solved[at], default=None)
        if negative is not None and solved[negative] <= 0:
            active.discard(negative)
            continue
        outside = _most_wanted(equations, solved)
        if outside is None:
            break
        active.add(outside)
    return {name: least[at] + solved.get(at, 0.0) for at, name in enumerate(equations.names)}


def _most_wanted(equations: Normal, solved: Mapping[int, float]) -> int | None:
    best, worst = None, 1e-9
    for at, row in enumerate(equations.matrix):
        if at not in solved:
            slope = equations.right[at] - sum(row[other] * value for other, value in solved.items())
            if slope > worst:
                best, worst = at, slope
    return best


def _solve(equations: Normal, active: Sequence[int]) -> dict[int, float]:
    """Gaussian elimination on the active part; it is positive definite, so no pivots are sought."""
    rows = [[equations.matrix[one][other] for other in active] + [equations.right[one]] for one in active]
    size = len(rows)
    for at in range(size):
        pivot = rows[at]
        for below in rows[at + 1 :]:
            factor = below[at] / pivot[at]
            if factor:
                for column in range(at, size + 1):
                    below[column] -= factor * pivot[column]
    found = [0.0] * size
    for at in reversed(range(size)):
        rest = sum(rows[at][column] * found[column] for column in range(at + 1, size))
        found[at] = (rows[at][size] - rest) / rows[at][at]
    return dict(zip(active, found, strict=True))
