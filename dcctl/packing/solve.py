"""From a problem to a plan: the solvers behind one interface."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.packing.choices import DEFAULT_POLICY
from dcctl.packing.fit.feasibility import Feasibility
from dcctl.packing.fit.labels import shut_at
from dcctl.packing.fit.relations import Relations
from dcctl.packing.fit.state import State
from dcctl.packing.greedy.choice import POLICIES
from dcctl.packing.greedy.engine import Engine
from dcctl.packing.greedy.place import Placer
from dcctl.packing.improve.bound import bound, simple_bound
from dcctl.packing.improve.exact import polish
from dcctl.packing.improve.search import improve
from dcctl.packing.plan import Assignment, Plan, Unplaced
from dcctl.packing.problem import CPU
from dcctl.packing.reasons import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dcctl.packing.choices import Effort, PolicyName
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Job, Problem

_STEPS: Mapping[Effort, tuple[int, int, int]] = {
    "normal": (16, 4_000, 20_000),
    "best": (64, 5_000, 200_000),
}
"""Steps of the search: for each bin, at least, at most. A step takes about a third of a millisecond."""
_EXACT_S = 10.0
"""Deterministic seconds of the exact solver."""


class Options(NamedTuple):
    """How to plan."""

    policy: PolicyName = DEFAULT_POLICY
    seed: int = 0
    """Of what is chosen by chance: the same seed gives the same plan."""
    effort: Effort = "fast"
    """Of no effect on a plan in time."""
    wait_s: int = 0
    """How much later than it could a job without a deadline may start, for a better price."""
    cut: bool = True
    """Whether boards may be cut into slices, or made whole again, where more fits then."""
    preempt: bool = False
    """Whether urgent work may push out running work of lower priority."""


def engine_of(problem: Problem, policy: PolicyName, *, timed: bool = False) -> Engine:
    """An engine for a problem, before anything is placed: bins are as they are now.

    `timed`: whoever plans in time leaves them out himself while they are closed in their windows.
    """
    bins = problem.bins if timed else shut_at(problem.bins, problem.now_s)
    needs = [one.need for one in problem.classes]
    state = State(problem.bins, needs, len(problem.space.dimensions))
    items = Feasibility(problem.space, bins, problem.classes, state, problem.tolerated)
    relations = Relations(items.labels, [one.template for one in problem.classes])
    engine = Engine(items, relations, POLICIES[policy](items, popularity(problem)))
    engine.stands(problem.held)
    return engine


def popularity(problem: Problem) -> Mapping[int, int]:
    """How many items of each class there are, standing and waiting: what is expected to come again."""
    counts = Counter(one.of for one in problem.held)
    for job in problem.jobs:
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
    """As `solve`, with the state that the plan ends in.

    The bound is that of `bound`, or what is free and asked for where no more than one pass is made.
    """
    placer = Placer(engine_of(problem, options.policy), problem)
    placed: Sequence[Placed] = placer.place_all(urgent_first(problem))
    most = simple_bound(problem)
    if options.effort != "fast":
        placed, most = _searched(problem, placer, placed, options)
    plan = replace(ended(problem, placer, placed, options), bound_gpu_milli=most)
    return Solution(problem, placer, tuple(placed), plan)


def _searched(
    problem: Problem, placer: Placer, placed: Sequence[Placed], options: Options
) -> tuple[Sequence[Placed], int]:
    """What a search made of it, and the bound."""
    each, least, most = _STEPS[options.effort]
    steps = min(max(each * len(problem.bins), least), most)
    found = improve(problem, placer.engine, placed, steps, options.seed)
    members = sum(len(one.stands) for one in found)
    limit = bound(problem, engine_of(problem, options.policy).items, members)
    if options.effort != "best" or taken_milli(problem, found) >= limit:
        return found, limit
    try:
        polished = polish(problem, placer.engine, found, options.seed, _EXACT_S)
    except UsageError:  # the extra is not installed: the search alone then
        return found, limit
    return polished.placed, taken_milli(problem, polished.placed) if polished.proved else limit


def urgent_first(problem: Problem) -> list[Job]:
    """The most urgent jobs first, then gangs, then by the largest item: devices, CPU; alike ones together."""
    key = urgency(problem)
    return sorted(problem.jobs, key=lambda job: (key(job), job.id))


def urgency(problem: Problem) -> Callable[[Job], tuple[int, ...]]:
    """By what `urgent_first` orders jobs."""
    needs = [one.need for one in problem.classes]

    def key(job: Job) -> tuple[int, ...]:
        of = max(
            (task.of for task in job.tasks), key=lambda of: (needs[of].gpu_milli, needs[of].amounts[CPU], -of)
        )
        gang = job.minimum > 1 or job.within is not None
        return -job.priority, not gang, -needs[of].gpu_milli, -needs[of].amounts[CPU], of

    return key


def ended(problem: Problem, placer: Placer, placed: Sequence[Placed], options: Options) -> Plan:
    """What was placed, as a plan; reasons are those of the state that the placer is in."""
    assignments = [one for found in placed for one in assigned(problem, found)]
    unplaced = (_unplaced(placer, found) for found in placed if found.missing)
    return plan_of(problem, assignments, unplaced, taken_milli(problem, placed), options)


def plan_of(
    problem: Problem,
    assignments: Iterable[Assignment],
    unplaced: Iterable[Unplaced],
    gpu_milli: int,
    options: Options,
) -> Plan:
    """What was placed, as a plan; `gpu_milli` is all that it takes."""
    assignments = tuple(assignments)
    return Plan(
        assignments=assignments,
        unplaced=tuple(unplaced),
        policy=options.policy,
        seed=options.seed,
        snapshot=problem.snapshot,
        clusters=problem.clusters,
        placed=len(assignments),
        gpu_milli=gpu_milli,
    )


def taken_milli(problem: Problem, placed: Iterable[Placed]) -> int:
    """Accelerators that those who were placed take, in thousandths."""
    needs = [one.need.gpu_milli for one in problem.classes]
    return sum(needs[stand.of] for found in placed for stand in found.stands)


def assigned(
    problem: Problem, found: Placed, start_s: int | None = None, end_s: int | None = None
) -> Iterable[Assignment]:
    """Where the members of one job stand."""
    for stand in found.stands:
        one = problem.bins[stand.put.bin]
        yield Assignment(
            found.job.id,
            stand.member,
            one.name,
            tuple(one.devices[at].index for at in stand.put.devices),
            problem.classes[stand.of].need.share_milli,
            start_s,
            end_s,
        )


def _unplaced(placer: Placer, found: Placed) -> Unplaced:
    why, fits = placer.why(found)
    told = {WORDS[reason]: count for reason, count in why.items()}
    return Unplaced(found.job.id, found.missing, told, fits, says=found.says)
