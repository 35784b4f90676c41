"""What an explanation says besides the counts: what no node could ever give, a gate, a deadline, a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.packing.fit.feasibility import accepts
from dcctl.packing.problem import BASIC, UNLIMITED
from dcctl.render.report import Note
from dcctl.schedule.broken_budgets import broken_by, budget_notes
from dcctl.schedule.plan_time import too_late
from dcctl.units import cores, memory, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dcctl.packing.problem import Bin, Need, Problem
    from dcctl.packing.questions.cures import Cure
    from dcctl.packing.questions.why import Verdict
    from dcctl.schedule.commands import Typed

_MODELS = 8
"""Models that are told by name."""


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
    for text in dict.fromkeys(text for task in found.job.tasks for text in _never(found.problem, task.of)):
        yield Note("never", text, "warn")
    text = too_late(found.job, found.unplaced)
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


def _never(problem: Problem, of: int) -> Iterable[str]:
    """What a member asks for and no node has, busy or not."""
    need, bins = problem.classes[of].need, problem.bins
    yield from _models(problem, need)
    for at, name in enumerate(problem.space.resources, len(BASIC)):
        if need.amounts[at] and not (need.devices and name == need.resource):
            yield from _larger(_Asked(name, need.amounts[at], [one.total[at] for one in bins], str), bins)
    if need.devices:
        yield from _larger(
            _Asked(need.resource or "accelerators", need.devices, [one.device_count for one in bins], str),
            bins,
        )
    for at, name, words in ((0, "CPU", cores), (1, "memory", memory)):
        yield from _larger(_Asked(name, need.amounts[at], [one.total[at] for one in bins], words), bins)


class _Asked(NamedTuple):
    """An amount that a member asks for."""

    name: str
    amount: int
    has: Sequence[int]
    """By bin."""
    words: Callable[[int], str]


def _larger(asked: _Asked, bins: Sequence[Bin]) -> Iterable[str]:
    """Whether it is more than any node has in all; where nobody counts it, any amount is there."""
    most = max(asked.has, default=0)
    if most >= min(asked.amount, UNLIMITED):
        return
    if most <= 0:
        yield f"{asked.name}: no node has any"
    else:
        yield (
            f"{asked.name}: a member asks for {asked.words(asked.amount)}, "
            f"the largest node has {asked.words(most)} ({bins[asked.has.index(most)].name})"
        )


def _models(problem: Problem, need: Need) -> Iterable[str]:
    known = sorted({kind.model for kind in problem.space.kinds if kind.model})
    if not need.models or any(accepts(need.models, model) for model in known):
        return
    more = f" and {len(known) - _MODELS:,} more" if len(known) > _MODELS else ""
    there = f"there are {', '.join(known[:_MODELS])}{more}" if known else "nobody tells the models there are"
    yield f"no node has the model {' or '.join(need.models)}; {there}"
