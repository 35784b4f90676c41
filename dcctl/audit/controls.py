"""The controls of a standard as a table: what an auditor asks for."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

from dcctl.audit.check import STATES
from dcctl.audit.shape import CONTROLS
from dcctl.audit.standards import compliance
from dcctl.errors import UsageError
from dcctl.render.report import Control, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.audit.check import State
    from dcctl.audit.evaluate import Tally
    from dcctl.audit.scene import Scene
    from dcctl.audit.standards import Judged, Standard
    from dcctl.render.report import Row

_EVIDENCE: Final = 3
"""So many sentences are evidence; the findings have the rest."""


def named(name: str, standards: Iterable[Standard]) -> Standard:
    """Return the standard of that name. UsageError names those that there are, and the nearest."""
    by = {one.id: one for one in standards}
    if name in by:
        return by[name]
    near = _nearest(name.lower(), list(by))
    meant = f"did you mean {near}? " if near else ""
    raise UsageError(
        f"no standard {name!r}",
        f"{meant}there are {', '.join(by)}",
        f"dcctl audit --standard {near or 'cis-1.12'}",
    )


def _nearest(name: str, known: list[str]) -> str:
    """Return which one is meant: of cis, cis-1.12; of iso-27001, iso; empty: none."""
    from difflib import get_close_matches

    starts = [each for each in known if name and (each.startswith(name) or name.startswith(each))]
    return (starts or get_close_matches(name, known, n=1) or [""])[0]


def controls(standard: Standard, tallies: Iterable[Tally], scene: Scene) -> tuple[Control, ...]:
    """Return every control that something decides: its state is the gravest of what decides it."""
    return tuple(map(told, compliance(standard, tallies, scene)))


def headline(title: str, found: tuple[Control, ...]) -> str:
    """Return the answer in one line."""
    counts = Counter(one.state for one in found)
    told = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"{title}: {len(found)} controls: {told or 'none'}"


def table(found: tuple[Control, ...]) -> Table:
    """Return one row per control, with the head of its evidence."""
    return Table("items", CONTROLS.items, tuple(map(_row, found)))


def told(one: Judged) -> Control:
    """Return a control as outputs have it: what is wrong or not known, and how many others were answered."""
    says = (
        f"{each.subject}: {each.says}".removeprefix(": ") for each in one.proofs if each.state == one.state
    )
    why = tuple(dict.fromkeys(says)) or (f"{one.counts.get(one.state, 0):,} looked at",)
    return Control(one.control.id, one.control.title, one.state, one.checks, (*_beside(one), *why))


def _beside(one: Judged) -> tuple[str, ...]:
    """How many others were answered, and are as they should be or need not be."""
    states: tuple[State, ...] = ("pass", "na") if one.state not in ("pass", "na") else ()
    others = (f"{one.counts[each]:,} {each}" for each in states if one.counts.get(each))
    return tuple(islice(others, 1))


def _row(one: Control) -> Row:
    left = len(one.evidence) - _EVIDENCE
    more = [f"{left} more"] if left > 0 else []
    return one.id, one.state, one.title, one.checks, "; ".join([*one.evidence[:_EVIDENCE], *more])
