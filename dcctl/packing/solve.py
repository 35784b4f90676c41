"""From a problem to a plan: the solvers behind one interface."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from dcctl.packing.feasibility import Feasibility
from dcctl.packing.greedy import Engine
from dcctl.packing.labels import takes_work
from dcctl.packing.place import Placer
from dcctl.packing.plan import Assignment, Plan, Unplaced
from dcctl.packing.policies import POLICIES
from dcctl.packing.problem import WHOLE
from dcctl.packing.reasons import WORDS
from dcctl.packing.relations import Relations
from dcctl.packing.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.packing.place import Placed
    from dcctl.packing.problem import Job, Problem

DEFAULT_POLICY = "best-fit"


class Options(NamedTuple):
    """How to plan."""

    policy: str = DEFAULT_POLICY
    seed: int = 0
    """Of what is chosen by chance: the same seed gives the same plan."""


def engine_of(problem: Problem, policy: str) -> Engine:
    """An engine for a problem, before anything is placed."""
    needs = [one.need for one in problem.classes]
    state = State(problem.bins, needs, len(problem.space.dimensions))
    items = Feasibility(problem.space, problem.bins, problem.classes, state, problem.tolerated)
    relations = Relations(items.labels, [one.template for one in problem.classes])
    engine = Engine(items, relations, POLICIES[policy](items, popularity(problem.jobs)))
    engine.stands(problem.held)
    return engine


def popularity(jobs: Iterable[Job]) -> Mapping[int, int]:
    """How many items of each class are to be placed."""
    counts: Counter[int] = Counter()
    for job in jobs:
        for task in job.tasks:
            counts[task.of] += len(task.members)
    return counts


class Solution(NamedTuple):
    """A plan, and the state of the bins that it ends in: questions about it need not plan again."""

    problem: Problem
    placer: Placer
    placed: tuple[Placed, ...]
    plan: Plan


def solve(problem: Problem, options: Options = Options()) -> Plan:  # noqa: B008  # a constant
    """A plan for all jobs, the most urgent first; of equal ones those with the largest items first."""
    return solved(problem, options).plan


def solved(problem: Problem, options: Options = Options()) -> Solution:  # noqa: B008  # a constant
    """As `solve`, with the state that the plan ends in."""
    placer = Placer(engine_of(problem, options.policy), problem.bins, problem.quotas)
    placed = placer.place_all(urgent_first(problem))
    return Solution(problem, placer, tuple(placed), plan_of(problem, placer, placed, options))


def urgent_first(problem: Problem) -> list[Job]:
    """The most urgent jobs first, then gangs, then by the largest item: devices, CPU; alike ones together."""
    needs = [one.need for one in problem.classes]

    def key(job: Job) -> tuple[int, ...]:
        of = max(
            (task.of for task in job.tasks), key=lambda of: (needs[of].gpu_milli, needs[of].amounts[0], -of)
        )
        gang = job.minimum > 1 or job.within is not None
        return -job.priority, not gang, -needs[of].gpu_milli, -needs[of].amounts[0], of

    return sorted(problem.jobs, key=key)


def plan_of(problem: Problem, placer: Placer, placed: Sequence[Placed], options: Options) -> Plan:
    """What was placed, as a plan; reasons are those of the state that the plan ends in."""
    assignments = tuple(one for found in placed for one in _assignments(problem, found))
    stands = [stand for found in placed for stand in found.stands]
    needs = [one.need for one in problem.classes]
    return Plan(
        assignments=assignments,
        unplaced=tuple(_unplaced(placer, found) for found in placed if found.missing),
        policy=options.policy,
        seed=options.seed,
        snapshot=problem.snapshot,
        placed=len(assignments),
        gpu_milli=sum(needs[stand.of].gpu_milli for stand in stands),
        held_gpu_milli=sum(one.held_count for one in problem.bins) * WHOLE,
        free_gpu_milli=sum(
            device.free_milli
            for one in problem.bins
            if takes_work(one, problem.tolerated)
            for device in one.devices
        ),
        total_gpu_milli=sum(one.device_count for one in problem.bins) * WHOLE,
    )


def _assignments(problem: Problem, found: Placed) -> Iterable[Assignment]:
    for stand in found.stands:
        one = problem.bins[stand.put.bin]
        yield Assignment(
            found.job.id,
            stand.member,
            one.name,
            tuple(one.devices[at].index for at in stand.put.devices),
            problem.classes[stand.of].need.share_milli,
        )


def _unplaced(placer: Placer, found: Placed) -> Unplaced:
    why, fits = placer.why(found)
    return Unplaced(
        found.job.id, found.missing, {WORDS[reason]: count for reason, count in why.items()}, fits
    )
