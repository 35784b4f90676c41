"""Runs of audits for tests: findings, tallies and records in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import Outcome, Tally
from dcctl.audit.finding import Finding, identity

if TYPE_CHECKING:
    from dcctl.audit.check import Severity, State


def finding(check: str, key: str, severity: Severity = "high", nodes: tuple[str, ...] = ()) -> Finding:
    return Finding(identity(check, key, ""), check, key, severity, f"{key} is wrong", "", nodes)


def tally(check: str, *outcomes: tuple[State, str], **counts: int) -> Tally:
    """What came of one check: (state, subject) for what is told, and counts of the rest."""
    one = CATALOGUE[check]
    told = tuple(
        Outcome(one, state, subject, "is wrong" if state == "fail" else "403", "", one.severity)
        for state, subject in outcomes
    )
    sums: dict[State, int] = {}
    for state, _ in outcomes:
        sums[state] = sums.get(state, 0) + 1
    return Tally(one, {**sums, **counts}, told)  # type: ignore[dict-item]  # names of states
