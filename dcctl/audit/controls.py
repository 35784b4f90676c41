"""The controls of a standard, with the checks that refer to them: what an auditor asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dcctl.audit.coverage import STATES, state_of
from dcctl.audit.listing import STANDARDS
from dcctl.audit.shape import CONTROLS
from dcctl.errors import UsageError
from dcctl.render.report import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.audit.evaluate import Tally
    from dcctl.render.report import Row

_NUMBER = re.compile(r"(\d+)")
_EVIDENCE = 3
"""So many sentences are evidence; the findings have the rest."""


def check_standard(name: str) -> None:
    """Return when there is such a standard. UsageError names those that there are."""
    if name not in STANDARDS:
        raise UsageError(f"--standard {name}", f"known: {', '.join(STANDARDS)}", "dcctl audit list")


def controls(name: str, tallies: Iterable[Tally]) -> tuple[str, Table]:
    """Return (the answer in one line, one row per control): its state is the gravest of its checks."""
    by: dict[str, list[Tally]] = {}
    for tally in tallies:
        for ref in tally.check.refs:
            standard, _, control = ref.partition(":")
            if standard == name:
                by.setdefault(control, []).append(tally)
    rows = tuple(_row(control, by[control]) for control in sorted(by, key=_natural))
    counts = {state: sum(row[1] == state for row in rows) for state in STATES}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return f"{STANDARDS[name]}: {len(rows)} controls with checks: {told or 'none'}", Table(
        "items", CONTROLS.items, rows
    )


def _natural(control: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in _NUMBER.split(control)]


def _row(control: str, tallies: Sequence[Tally]) -> Row:
    states = {state_of(one) for one in tallies}
    state = next(each for each in STATES if each in states)
    says = [
        f"{one.subject}: {one.says}".removeprefix(": ")
        for tally in tallies
        for one in tally.outcomes
        if one.state == state
    ]
    more = [f"{len(says) - _EVIDENCE} more"] if len(says) > _EVIDENCE else []
    titles = "; ".join(one.check.title for one in tallies)
    return (
        control,
        state,
        titles,
        tuple(one.check.id for one in tallies),
        "; ".join([*says[:_EVIDENCE], *more]),
    )
