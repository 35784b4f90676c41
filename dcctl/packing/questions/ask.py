"""A what-if as a whole: nodes lost or added, work evicted; what becomes of all who run and who wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.packing.changed import closed, standing, with_more, without
from dcctl.packing.planning import decided
from dcctl.packing.preemption.budgets import Budgets
from dcctl.packing.problem import Held
from dcctl.packing.scene import Scene
from dcctl.packing.solve import solved, urgent_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.packing.plan import Assignment
    from dcctl.packing.preemption.budgets import Broken
    from dcctl.packing.problem import Job, Problem
    from dcctl.packing.scene import Loss
    from dcctl.packing.solve import Options


class Change(NamedTuple):
    """What is different."""

    added: tuple[tuple[int, int], ...] = ()
    """(how many, position of the bin that they are like)."""
    removed: frozenset[int] = frozenset()
    """Bins that are lost."""
    evicted: frozenset[str] = frozenset()
    """Jobs that no longer hold anything."""


class Waiting(NamedTuple):
    """What a plan says of one job that waits."""

    job: Job
    placed: int
    """Members that have a place."""
    nodes: tuple[str, ...]
    """Where."""
    start_s: int | None = None
    """When the first of them starts; None: at once, or never."""

    @property
    def missing(self) -> int:
        """Members without a place."""
        return self.job.size - self.placed


class Answer(NamedTuple):
    """What the change does."""

    problem: Problem
    """With the added bins."""
    loss: Loss
    """What becomes of those who stood on the removed bins."""
    before: tuple[Waiting, ...]
    """The waiting jobs in the plan without the change, the most urgent first."""
    after: tuple[Waiting, ...]
    """The same jobs in the plan with it."""
    broken: tuple[Broken, ...] = ()
    """Disruption budgets that do not allow so many of their members to be evicted."""
    pushed_before: tuple[Held, ...] = ()
    """Who is pushed out for waiting jobs in the plan without the change,"""
    pushed_after: tuple[Held, ...] = ()
    """and in the plan with it."""
    evicted: tuple[Held, ...] = ()
    """Members of work that is evicted."""


class Changed(NamedTuple):
    """The problem with a change, of which nothing is planned anew but what it stops."""

    wider: Problem
    """With the added bins alone."""
    problem: Problem
    """With all of the change; who stops and finds room elsewhere stands there."""
    loss: Loss
    evicted: tuple[Held, ...]


def changed_by(problem: Problem, change: Change, options: Options) -> Changed:
    """The problem once the change is made."""
    wider = problem
    for count, like in change.added:
        wider = with_more(wider, count, like)
    evicted = tuple(one for one in wider.held if one.job in change.evicted)
    freed = without(wider, evicted)
    now = [job for job in freed.jobs if not job.after and (job.earliest_s or 0) <= freed.now_s]
    running = solved(replace(freed, jobs=()), options._replace(effort="fast"))  # nothing to search for
    loss = Scene(running).lose(change.removed, now)
    again = (
        Held(hit.job, stand.member, stand.put.bin, stand.of, stand.put.devices)
        for hit in loss.hits
        for stand in hit.placed.stands
    )
    changed = standing(closed(without(freed, loss.stopped), change.removed), again)
    return Changed(wider, changed, loss, evicted)


def ask(problem: Problem, change: Change, options: Options) -> Answer:
    """What the change does to work that runs, and to work that waits: it is planned as `plan_for` does."""
    wider, changed, loss, evicted = changed_by(problem, change, options)
    broken = Budgets(wider.running).after(evicted).broken()
    (before, pushed_before), (after, pushed_after) = _waiting(problem, options), _waiting(changed, options)
    return Answer(wider, loss, before, after, broken, pushed_before, pushed_after, evicted)


def _waiting(problem: Problem, options: Options) -> tuple[tuple[Waiting, ...], tuple[Held, ...]]:
    """What the plan says of each waiting job, and who is pushed out in it."""
    made = decided(problem, options)
    stands: dict[str, list[Assignment]] = {job.id: [] for job in made.problem.jobs}
    for one in made.plan.assignments:
        stands[one.job].append(one)
    pushed = tuple(member for one in made.victims for member in one.members)
    return tuple(_one(job, stands[job.id]) for job in urgent_first(problem)), pushed


def _one(job: Job, stands: Sequence[Assignment]) -> Waiting:
    starts = (one.start_s for one in stands if one.start_s is not None)
    return Waiting(
        job, len(stands), tuple(dict.fromkeys(one.node for one in stands)), min(starts, default=None)
    )


def only_for(problem: Problem, job: str, options: Options) -> Problem:
    """The problem without other jobs that do not fit either: room that is made does not go to them."""
    plan = decided(problem, options).plan
    placed = {one.job for one in plan.assignments}
    return replace(problem, jobs=tuple(one for one in problem.jobs if one.id == job or one.id in placed))
