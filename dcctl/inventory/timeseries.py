"""What is asked of a store of time series and what it answers: windows, queries, series. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, TypeAlias

from msgspec import Struct

Point: TypeAlias = tuple[int, float]
"""(Unix time in seconds, value)."""


class Window(Struct, frozen=True):
    """A stretch of time in steps: the values of the step that ends at `start_s` are not in it."""

    start_s: int
    end_s: int
    step_s: int

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return (self.end_s - self.start_s) // self.step_s

    def index(self, time_s: float) -> int:
        """Return the step whose values are told at a time: 0 for the first."""
        return round((time_s - self.start_s) / self.step_s) - 1

    def parts(self, number: int) -> tuple[Window, ...]:
        """Return so many windows of whole steps, or fewer, that make up this one."""
        number = max(1, min(number, self.steps))
        ends = [self.start_s + self.steps * part // number * self.step_s for part in range(number + 1)]
        return tuple(Window(start_s, end_s, self.step_s) for start_s, end_s in pairwise(ends))


class Query(Struct, frozen=True):
    """One question. `range` has a value for each step; `window` one for each part of the time asked about.

    In a window's expression `$window` stands for the range of its subquery. Values of parts are added up, or
    the largest counts.
    """

    key: str
    """For people: what it asks for."""
    expression: str
    kind: Literal["range", "window"] = "range"
    combine: Literal["sum", "max"] = "sum"

    def at(self, window: Window) -> str:
        """Return the expression for a window.

        A subquery has the steps that are multiples of its step; one second less than the window leaves out
        the first, which belongs to the window before, whether or not the server counts the left edge.
        """
        length_s = window.end_s - window.start_s
        return self.expression.replace("$window", f"[{length_s - 1}s:{window.step_s}s]")


class Series(Struct, frozen=True):
    """One series of an answer. What is not a number is left out."""

    labels: dict[str, str]
    points: tuple[Point, ...]
    unknown_s: tuple[int, ...] = ()
    """Times at which it has a value that is no number."""

    def label(self, name: str) -> str:
        """Return a label; empty: it has none of that name, which is the same to Prometheus."""
        return self.labels.get(name, "")

    @property
    def last(self) -> float | None:
        """The value of a series that has one; None: it was not a number."""
        return self.points[-1][1] if self.points else None
