"""What no plan can ever give a job: more than any node has, or more at once than all nodes have together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.packing.fit.feasibility import accepts, suits
from dcctl.packing.problem import BASIC, UNLIMITED, WHOLE
from dcctl.units import cores, memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dcctl.packing.problem import Bin, Job, Need, Problem

_MODELS = 8
"""Models that are told by name."""


def never(problem: Problem, job: Job) -> list[str]:
    """What it asks for that is not there, busy or not: one sentence each."""
    told = [text for task in job.tasks for text in _never(problem, task.of)]
    return list(dict.fromkeys([*told, *together(problem, job)]))


def together(problem: Problem, job: Job) -> Iterable[str]:
    """Whether it asks for more accelerators at once than all nodes have; a gang its least members.

    Members of other work can run one after the other where it is known how long they take.
    """
    members = sorted(
        (problem.classes[task.of].need for task in job.tasks for _ in task.members),
        key=lambda need: need.gpu_milli,
    )
    if job.minimum < 2 and job.duration_s is not None:
        return
    members = members[: job.minimum] if job.minimum > 1 else members
    asked = sum(need.gpu_milli for need in members)
    accepting = [need for need in dict.fromkeys(members) if need.gpu_milli]
    there = sum(_devices(problem, one, accepting) for one in problem.bins) * WHOLE
    if asked > there > 0:
        models = dict.fromkeys(model for need in accepting for model in need.models)
        of = f" of {' or '.join(models)}" if models else ""
        amount = cores(asked)
        yield f"{amount} accelerators asked for at once; all nodes together have {there // WHOLE:,}{of}"


def _devices(problem: Problem, one: Bin, needs: Iterable[Need]) -> int:
    """Devices of a node that would do for one of these needs."""
    good = {at for at in one.kinds if any(suits(need, problem.space.kinds[at]) is None for need in needs)}
    if good == set(one.kinds):
        return one.device_count
    return sum(device.kind in good for device in one.devices)


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
