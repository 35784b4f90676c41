"""What an explanation says besides the counts: what no node could ever give, a gate, a deadline, a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.render.report import Note
from dcctl.schedule.broken_budgets import broken_by, budget_notes
from dcctl.schedule.never import never
from dcctl.schedule.plan_time import too_late
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.packing.problem import Problem
    from dcctl.packing.questions.cures import Cure
    from dcctl.packing.questions.why import Verdict
    from dcctl.schedule.commands import Typed


def why_notes(found: Verdict, asked: Typed) -> Iterable[Note]:
    """What else is to be said. `asked`: what was typed."""
    if gates_of(found):
        text = f"{', '.join(gates_of(found))}: no scheduler looks at it before this is taken away"
        yield Note("held by a gate", text, "warn")
    if found.cuts and found.stands:
        nodes = plural(len(found.cuts), "board")
        yield Note("first", f"{nodes} to cut", command=asked.asking("plan"))
    if found.unplaced is None:
        return
    for text in never(found.problem, found.job):
        yield Note("never", text, "warn")
    text = too_late(found.job, found.unplaced, found.problem.now_s)
    if text:
        links = asked.naming("explain", found.job.id, "--links=FILE")
        yield Note("also", text, "warn", links if text.endswith("--links FILE") else "")


def cure_notes(cures: Iterable[Cure], problem: Problem) -> Iterable[Note]:
    """Which disruption budgets those who would be evicted are protected by."""
    for one in cures:
        if one.way == "evict":
            yield from budget_notes("evict", broken_by(problem, one.members))


def gates_of(found: Verdict) -> list[str]:
    """What keeps its pods from their scheduler."""
    classes = (found.problem.classes[task.of] for task in found.job.tasks)
    return sorted({gate for one in classes for gate in one.template.gates})
