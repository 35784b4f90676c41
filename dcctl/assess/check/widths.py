"""How wide an interval has to be: as the errors of other runs of the same kind ask for."""

from __future__ import annotations

from collections import Counter
from math import exp
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.demand.predict import SPREADS, kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dcctl.assess.check.measured import Measured
    from dcctl.assess.demand.predict import Kind

INSIDE: Final = 0.9


class Error(NamedTuple):
    """How far the prediction of a run is off: the absolute value of the logarithm of the ratio."""

    run: Measured
    size: float


class Widths:
    """Errors by kind: independent runs where a kind has any, else those that were looked at."""

    def __init__(self, errors: Iterable[Error]) -> None:
        """Keep them."""
        self._errors: dict[Kind, list[Error]] = {}
        for one in errors:
            self._errors.setdefault(kind(one.run.spec), []).append(one)
        self._kept: dict[tuple[Kind, str], Mapping[Kind, float]] = {}

    def of(self, which: Kind) -> float:
        """Return the width that all of them ask for."""
        return spread(judging(self._errors[which]))

    def beside(self, run: Measured) -> Mapping[Kind, float]:
        """Return the widths for a run that does not count: neither it nor what is measured with it."""
        mine = kind(run.spec)
        key = mine, together(run)
        if key not in self._kept:
            others = judging([one for one in self._errors.get(mine, ()) if together(one.run) != key[1]])
            self._kept[key] = {**SPREADS, mine: spread(others)} if others else SPREADS
        return self._kept[key]


def judging(errors: Sequence[Error]) -> Sequence[Error]:
    """Return those of independent runs where there are any, else all."""
    return [one for one in errors if one.run.group.independent] or errors


def together(run: Measured) -> str:
    """Who measured it; of what was looked at, the runs that are held out together."""
    return run.group.independent or "/".join(run.held_out)


def table(run: Measured) -> str:
    """Where it was published."""
    return run.group.table


def spread(errors: Sequence[Error], alike: Callable[[Measured], str] = table) -> float:
    """Return by how much 90 % are off at most, as a ratio less 1; what is alike has one weight."""
    counts = Counter(alike(one.run) for one in errors)
    reached = 0.0
    for one in sorted(errors, key=lambda one: one.size):
        reached += 1 / counts[alike(one.run)]
        if reached >= INSIDE * len(counts):
            return exp(one.size) - 1
    return exp(max(one.size for one in errors)) - 1
