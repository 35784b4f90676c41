"""Disruption budgets that a change would break, by name."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from dcctl.packing.preemption.budgets import Budgets
from dcctl.render.report import Note
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.packing.preemption.budgets import Broken
    from dcctl.packing.problem import Held, Problem

_NAMED = 3


def broken_by(problem: Problem, members: Iterable[Held]) -> tuple[Broken, ...]:
    """The budgets of which too many would stop, if all these did."""
    return Budgets(problem.running).after(members).broken()


def budget_notes(label: str, broken: tuple[Broken, ...]) -> Iterable[Note]:
    """The first of them by name. `label`: what breaks them."""
    for one in islice(broken, _NAMED):
        yield Note(label, f"breaks the disruption budget {_words(one)}", "warn")
    if len(broken) > _NAMED:
        more = plural(len(broken) - _NAMED, "more disruption budget", "more disruption budgets")
        yield Note(label, f"breaks {more}", "warn")


def _words(one: Broken) -> str:
    """`nlp/pg: allows 0, 2 would stop`."""
    allowed = one.budget.allowed
    allows = "nobody knows how many it allows" if allowed is None else f"allows {allowed:,}"
    return f"{one.budget.name}: {allows}, {one.stops:,} would stop"
