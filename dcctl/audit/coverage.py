"""How much of what was asked was told: a figure beside the findings, since silence is no success."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from dcctl.audit.check import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.audit.check import State
    from dcctl.audit.evaluate import Tally

_TOLD: tuple[State, ...] = ("pass", "fail", "manual")


class Coverage(NamedTuple):
    """What is known of the checks of a run."""

    checks: Mapping[State, int]
    """Checks by state."""
    subjects: Mapping[State, int]
    """Subjects by state, over all checks."""
    milli: int | None
    """The mean over checks that apply of the share of their subjects that was told; None: none applies."""


def coverage(tallies: Iterable[Tally]) -> Coverage:
    """Return the coverage of a run. Every check weighs the same, however many subjects it has."""
    checks: Counter[State] = Counter()
    subjects: Counter[State] = Counter()
    shares = []
    for tally in tallies:
        checks[state_of(tally)] += 1
        subjects.update(tally.counts)
        told = sum(tally.counts.get(state, 0) for state in _TOLD)
        asked = told + tally.counts.get("unknown", 0) + tally.counts.get("error", 0)
        if asked:
            shares.append(told * 1000 / asked)
    milli = int(sum(shares) / len(shares)) if shares else None
    return Coverage(_in_order(checks), _in_order(subjects), milli)


def state_of(tally: Tally) -> State:
    """Return the state of a check: the gravest of those of its subjects."""
    return next((state for state in STATES if tally.counts.get(state)), "na")


def _in_order(counts: Mapping[State, int]) -> dict[State, int]:
    return {state: counts.get(state, 0) for state in STATES}
