"""Throughput of measured runs, predicted from other runs alone."""

from __future__ import annotations

from math import log
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.check.fit import Normal, fit
from dcctl.assess.check.widths import Error, Widths
from dcctl.assess.demand.predict import OVERLAP, interval, limits, step_seconds
from dcctl.assess.demand.steptime import Parts, step_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.assess.check.measured import Measured
    from dcctl.assess.demand.estimate import Estimate

OVERLAPS: Final = (1.0, 2.0, 3.0, 4.0, 8.0)
"""1: work and wire one after the other; the higher, the better one hides behind the other."""


class Known(NamedTuple):
    """A measured run and its parts."""

    run: Measured
    parts: Parts
    seconds: float
    """Of one step, measured."""
    outside: str
    """Why the prediction is not held to it; empty: it is."""

    @property
    def row(self) -> dict[str, float]:
        """The parts over what was measured."""
        return {name: value / self.seconds for name, value in self.parts.busy.items()}

    @property
    def fits(self) -> bool:
        """Whether the coefficients are fitted on it, too: no part of it can be bounded by the wire."""
        return not (self.outside or self.parts.wire or self.run.run.recalled or self.independent)

    @property
    def independent(self) -> bool:
        """Whether nobody who made the formulas had seen it."""
        return bool(self.run.group.independent)


class Predicted(NamedTuple):
    """A run and what was predicted without it, in tokens per second and accelerator."""

    known: Known
    ours: Estimate

    @property
    def published(self) -> float:
        """As measured."""
        return self.known.run.tokens_per_s

    @property
    def error(self) -> float:
        """Relative."""
        return self.ours.value / self.published - 1

    @property
    def within(self) -> bool:
        """Whether the measured value lies in the stated interval."""
        return self.ours.low <= self.published <= self.ours.high

    @property
    def scored(self) -> bool:
        """Whether it is held to the bars."""
        return not (self.known.outside or self.known.independent)

    @property
    def judges(self) -> bool:
        """Whether it shows what estimates are worth elsewhere: it is independent and can be asked for."""
        return self.known.independent and not self.known.run.run.outside


class Score(NamedTuple):
    """How good the predictions are that are held to the bars."""

    runs: int
    median: float
    worst: float
    coverage: float


def known(runs: Sequence[Measured]) -> list[Known]:
    """Return the runs with a throughput, and their parts."""
    found = []
    for run in runs:
        if not run.tokens_per_s:
            continue
        seconds = run.spec.step_tokens / (run.tokens_per_s * run.run.gpus)
        outside = run.run.outside or limits(run.spec)
        found.append(Known(run, step_parts(run.spec), seconds, outside))
    return found


def fitted(runs: Sequence[Known]) -> tuple[Normal, dict[str, float]]:
    """Return the coefficients of all runs that may be fitted, and their equations."""
    rows = [one.row for one in runs if one.fits]
    equations = Normal(sorted({name for row in rows for name in row}))
    equations.add(rows)
    return equations, fit(equations)


def wire(runs: Sequence[Known], busy: Mapping[str, float]) -> dict[str, float]:
    """Return the coefficient of the wire and how well work hides it, from the runs that it bounds."""
    bound = [one for one in runs if one.parts.wire and not (one.outside or one.independent)]
    if not bound:
        return {}
    return min((_wired(bound, busy, power) for power in OVERLAPS), key=lambda entry: entry[0])[1]


def _wired(bound: Sequence[Known], busy: Mapping[str, float], power: float) -> tuple[float, dict[str, float]]:
    """(sum of squared errors, coefficients) of one overlap: half the runs are slower, half faster."""
    scales = []
    for one in bound:
        worked = step_seconds(Parts(one.parts.busy, {}, 0.0), busy)
        waited = max(one.seconds**power - worked**power, 0.0) ** (1 / power)
        scales.append(waited / sum(one.parts.wire.values()))
    found = {name: median(scales) for name in bound[0].parts.wire} | {OVERLAP: power}
    errors = [step_seconds(one.parts, {**busy, **found}) / one.seconds - 1 for one in bound]
    return sum(error**2 for error in errors), found


def predicted(runs: Sequence[Known]) -> list[Predicted]:
    """Return each run as predicted without those of its model, accelerator and software, and its interval."""
    without = _coefficients(runs)
    rates = [_rate(one, without[one.run.held_out]) for one in runs]
    errors = [
        Error(one.run, abs(log(rate / one.run.tokens_per_s)))
        for one, rate in zip(runs, rates, strict=True)
        if not one.run.run.outside or one.run.experts
    ]
    widths = Widths(errors)
    return [
        Predicted(one, interval(one.run.spec, rate, widths.beside(one.run)))
        for one, rate in zip(runs, rates, strict=True)
    ]


def _coefficients(runs: Sequence[Known]) -> dict[tuple[str, str, str], Mapping[str, float]]:
    """For each key of runs that are held out together: what is fitted without them."""
    equations, whole = fitted(runs)
    start = frozenset(at for at, name in enumerate(equations.names) if whole[name] > 0)
    found: dict[tuple[str, str, str], Mapping[str, float]] = {}
    for key in sorted({one.run.held_out for one in runs}):
        mine = [one for one in runs if one.run.held_out == key]
        rows = [one.row for one in mine if one.fits]
        equations.add(rows, -1)
        others = [one for one in runs if one.run.held_out != key]
        busy = fit(equations, start) if rows else whole
        found[key] = busy | wire(others, busy) if any(one.parts.wire for one in mine) else busy
        equations.add(rows)
    return found


def _rate(one: Known, coefficients: Mapping[str, float]) -> float:
    seconds = step_seconds(one.parts, coefficients)
    return one.run.spec.step_tokens / one.run.run.gpus / seconds


def score(found: Iterable[Predicted]) -> Score:
    """Return how far predictions are off."""
    held = list(found)
    errors = [abs(one.error) for one in held]
    return Score(len(held), median(errors), max(errors), sum(one.within for one in held) / len(held))
