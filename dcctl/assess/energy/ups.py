"""Losses of a UPS: P_loss/P_nom = a + b L + c L^2 with the load L (no load, proportional, square-law).

Source: Schneider Electric, White Paper 108, "Making Large UPS Systems More Efficient".
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.energy import UpsModel


class LossCurve(Struct, frozen=True):
    """Coefficients, as shares of what the UPS is built for."""

    a: float
    b: float
    c: float
    misfit: float
    """The largest distance of a point from the curve, as a share of what the UPS is built for."""

    def loss(self, load: float) -> float:
        """Loss as a share of what the UPS is built for, at a load given so too."""
        return self.a + self.b * load + self.c * load * load

    def efficiency_milli(self, load: float) -> int:
        """Output over input, in thousandths; 0 at no load."""
        return round(1000 * load / (load + self.loss(load))) if load > 0 else 0

    @property
    def best_load(self) -> float:
        """Where the efficiency is highest: at sqrt(a/c), at most full load."""
        return min(1.0, (self.a / self.c) ** 0.5) if self.a > 0 and self.c > 0 else 1.0


def fit(model: UpsModel) -> LossCurve:
    """The curve through the points of a data sheet, by least squares. It needs three different loads.

    No part of a loss is below nothing: of the curves without negative coefficients it is the nearest.
    """
    points = [
        (load, load * (1000 / point.efficiency_milli - 1))
        for point in model.points
        for load in [point.load_milli / 1000]
    ]
    curves = [
        LossCurve(*found, 0.0)
        for size in (3, 2, 1)
        for powers in combinations(range(3), size)
        if min(found := _least_squares(points, powers)) >= 0
    ]
    best = min(curves, key=lambda curve: sum((curve.loss(load) - loss) ** 2 for load, loss in points))
    return LossCurve(best.a, best.b, best.c, max(abs(best.loss(load) - loss) for load, loss in points))


def _least_squares(
    points: Sequence[tuple[float, float]], powers: Sequence[int]
) -> tuple[float, float, float]:
    """Coefficients of these powers of the load, the others 0."""
    moments = [sum(load**power for load, _ in points) for power in range(5)]
    matrix = [[moments[row + column] for column in powers] for row in powers]
    right = [sum(loss * load**row for load, loss in points) for row in powers]
    found = dict(zip(powers, _solved(matrix, right), strict=True))
    return found.get(0, 0.0), found.get(1, 0.0), found.get(2, 0.0)


def _solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The solution of one to three linear equations, by Cramer's rule."""
    whole = _determinant(matrix)
    return [
        _determinant([[*row[:at], value, *row[at + 1 :]] for row, value in zip(matrix, right, strict=True)])
        / whole
        for at in range(len(right))
    ]


def _determinant(m: Sequence[Sequence[float]]) -> float:
    """By the first row."""
    if len(m) == 1:
        return m[0][0]
    minors = ([[*row[:at], *row[at + 1 :]] for row in m[1:]] for at in range(len(m)))
    return sum((1 - at % 2 * 2) * m[0][at] * _determinant(minor) for at, minor in enumerate(minors))
