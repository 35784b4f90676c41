"""Memory that was measured in published runs, beside what is estimated for them."""

from __future__ import annotations

from math import log
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.check.widths import Error, spread, together
from dcctl.assess.demand.memory import interval, memory
from dcctl.assess.demand.refusals import reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.assess.check.measured import Measured
    from dcctl.assess.demand.estimate import Estimate


class Peak(NamedTuple):
    """A run, its published peak on the most loaded accelerator, and ours, in bytes."""

    run: Measured
    published: int
    ours: Estimate
    """Its interval comes from the peaks that other projects measured."""
    printed: Estimate
    """As `dcctl assess demand` prints it."""

    @property
    def error(self) -> float:
        """Relative."""
        return self.ours.value / self.published - 1

    @property
    def within(self) -> bool:
        """Whether the published peak lies in the interval."""
        return self.ours.low <= self.published <= self.ours.high

    @property
    def as_printed(self) -> bool:
        """Whether it lies in the interval that is printed."""
        return self.printed.low <= self.published <= self.printed.high


class Judged(NamedTuple):
    """How far peaks are off."""

    peaks: int
    median: float
    worst: float
    coverage: float
    printed: float
    """Share in the interval that is printed."""


def peaks(runs: Iterable[Measured]) -> list[Peak]:
    """Return every run with a published peak; its interval is as wide as those of others ask for."""
    errors = off(runs)
    widths = {
        project: asked([one for one in errors if together(one.run) != project])
        for project in {together(one.run) for one in errors}
    }
    return [_peak(one.run, widths[together(one.run)]) for one in errors]


def _peak(run: Measured, width: float) -> Peak:
    printed = memory(run.spec).total
    return Peak(run, run.run.peak_bytes or 0, interval(printed.value, width), printed)


def asked(errors: Sequence[Error]) -> float:
    """Return the width that they ask for: each project has the same weight, since software tells most."""
    return spread(errors, together)


def off(runs: Iterable[Measured]) -> list[Error]:
    """Return how far the estimate of each published peak is off."""
    return [Error(one, abs(log(_ours(one) / one.run.peak_bytes))) for one in runs if one.run.peak_bytes]


def judged(found: Sequence[Peak]) -> Judged:
    """Return how good the estimates are."""
    errors = [abs(one.error) for one in found]
    inside, printed = sum(one.within for one in found), sum(one.as_printed for one in found)
    return Judged(len(found), median(errors), max(errors), inside / len(found), printed / len(found))


def refused(runs: Iterable[Measured]) -> list[tuple[Measured, str]]:
    """Return the runs that `dcctl assess demand` would call impossible though they ran, with the reason."""
    found = []
    for run in runs:
        where, why = next(reasons(run.spec), ("", ""))
        if where:
            found.append((run, f"{where}: {why}"))
    return found


def _ours(run: Measured) -> float:
    return memory(run.spec).total.value
