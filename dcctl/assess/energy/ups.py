"""Losses of a UPS: P_loss/P_nom = a + b L + c L^2 with the load L (no load, proportional, square-law).

Source: Schneider Electric, White Paper 108, "Making Large UPS Systems More Efficient".
"""

from __future__ import annotations

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
    """The curve through the points of a data sheet, by least squares. It needs three different loads."""
    points = [
        (load, load * (1000 / point.efficiency_milli - 1))
        for point in model.points
        for load in [point.load_milli / 1000]
    ]
    moments = [sum(load**power for load, _ in points) for power in range(5)]
    matrix = [[moments[row + column] for column in range(3)] for row in range(3)]
    right = [sum(loss * load**row for load, loss in points) for row in range(3)]
    a, b, c = _solved(matrix, right)
    curve = LossCurve(a, b, c, 0.0)
    return LossCurve(a, b, c, max(abs(curve.loss(load) - loss) for load, loss in points))


def _solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> tuple[float, float, float]:
    """The solution of three linear equations, by Cramer's rule."""
    whole = _determinant(matrix)
    columns = []
    for at in range(3):
        changed = [[*row[:at], value, *row[at + 1 :]] for row, value in zip(matrix, right, strict=True)]
        columns.append(_determinant(changed) / whole)
    return columns[0], columns[1], columns[2]


def _determinant(m: Sequence[Sequence[float]]) -> float:
    return (
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
        - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    )
