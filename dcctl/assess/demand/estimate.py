"""A figure with what is known of its error, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from dcctl.render.report import Unit


class Estimate(Struct, frozen=True):
    """A figure and its 90 % interval, in the SI unit that the name of its owner tells."""

    value: float
    low: float
    high: float
    formula: str = ""
    """As it was computed, in symbols."""
    source: str = ""
    """Of the formula, its constants, and the cases behind the interval."""

    @classmethod
    def exact(cls, value: float, formula: str = "", source: str = "") -> Estimate:
        """Arithmetic: nothing is uncertain but the inputs."""
        return cls(value, value, value, formula, source)

    def __mul__(self, factor: float) -> Estimate:
        """The figure and its interval times a positive number."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor, self.formula, self.source)

    def __add__(self, other: Estimate) -> Estimate:
        """The sum, from the lowest to the highest of both."""
        ends = self.low + other.low, self.high + other.high
        return Estimate(self.value + other.value, *ends, self.formula, self.source)


class Figure(Struct, frozen=True):
    """One line of an answer."""

    key: str
    """Its name in machine formats; the unit stands at the end."""
    title: str
    """Its name for people."""
    unit: Unit
    """How its value is shown."""
    estimate: Estimate | None
    """None: unknown, or without bound."""
