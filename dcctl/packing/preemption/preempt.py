"""Room for urgent work that does not fit now: running work of lower priority is pushed out, the least of it.

Who is pushed out is known by name, and is planned again like all other work that waits.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.packing.changed import without
from dcctl.packing.greedy.place import Placer
from dcctl.packing.plan import Plan
from dcctl.packing.preemption.blocking import in_the_way
from dcctl.packing.preemption.stoppable import Stoppable
from dcctl.packing.scene import Scene
from dcctl.packing.solve import Solution, engine_of, urgent_first
from dcctl.packing.timed.backfill import planned

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.packing.problem import Held, Job, Problem
    from dcctl.packing.solve import Options


class Victims(NamedTuple):
    """Members that are pushed out for one job."""

    by: str
    members: tuple[Held, ...]


class Preempted(NamedTuple):
    """A plan that pushes work out."""

    problem: Problem
    """Without those who are pushed out; they are among its jobs."""
    plan: Plan
    victims: tuple[Victims, ...]
    solution: Solution | None = None
    """The state that the plan ends in, of a plan that holds at once; None: it was not kept."""


def preempting(problem: Problem, options: Options) -> Preempted:
    """The plan with room made for jobs that do not fit; nobody is pushed out for one that fits all the same.

    A job that has no place at once in the plan that is made in the end pushes nobody out.
    """
    hopeless: set[str] = set()
    while True:
        room = _Room(problem, options, hopeless)
        changed = room.made()
        plan = planned(changed, options)
        late = [one.by for one in room.victims if not _at_once(changed, plan, one.by)]
        if not late:
            return Preempted(changed, plan, tuple(_moved(problem, plan, room.victims)))
        hopeless.update(late)


def _at_once(problem: Problem, plan: Plan, job: str) -> bool:
    starts = [one.start_s for one in plan.assignments if one.job == job]
    size = next(one.size for one in problem.jobs if one.id == job)
    return len(starts) == size and all(start in (None, problem.now_s) for start in starts)


def _moved(problem: Problem, plan: Plan, victims: Iterable[Victims]) -> Iterable[Victims]:
    """The victims without those who may stay where they are."""
    stay = {
        (one.job, one.member, one.node) for one in plan.assignments if one.start_s in (None, problem.now_s)
    }
    for one in victims:
        rest = tuple(
            each for each in one.members if (each.job, each.member, problem.bins[each.bin].name) not in stay
        )
        if rest:
            yield Victims(one.by, rest)


class _Room:
    """Jobs placed one after the other at once; for whom there is no room, it is made."""

    def __init__(self, problem: Problem, options: Options, hopeless: set[str]) -> None:
        self.problem, self._hopeless = problem, hopeless
        placer = Placer(engine_of(problem, options.policy), problem)
        self._scene = Scene(Solution(problem, placer, (), Plan()))
        self._waiting = {job.id for job in problem.jobs}
        self._stoppable: dict[tuple[int, bool], Stoppable] = {}
        self._gone: list[Held] = []
        self.victims: list[Victims] = []

    def made(self) -> Problem:
        """The problem with those pushed out among its jobs."""
        rest: Sequence[Job] = [job for job in urgent_first(self.problem) if self._starts_now(job)]
        count = 1
        while rest:
            done = self._first_without(rest[:count])
            rest, count = rest[done:], 2 * count if done == count else 1
        again: dict[str, list[Held]] = {}
        for one in chain.from_iterable(each.members for each in self.victims):
            again.setdefault(one.job, []).append(one)
        jobs = tuple(self._again(job, members) for job, members in again.items())
        changed = without(self.problem, tuple(chain.from_iterable(again.values())))
        return replace(changed, jobs=(*changed.jobs, *jobs))

    def _again(self, job: str, members: Sequence[Held]) -> Job:
        """Who is pushed out may be split again only where the link carries it, if that is known."""
        found = self._scene.again(job, members)
        return replace(found, sites=()) if self._scene.placer.links.knows(job) else found

    def _starts_now(self, job: Job) -> bool:
        return not job.after and (job.earliest_s or 0) <= self.problem.now_s

    def _first_without(self, jobs: Sequence[Job]) -> int:
        """Place jobs up to the first that needs room, which is made; how many jobs that are."""
        placer = self._scene.placer
        mark = placer.mark()
        placed = placer.place_all(jobs)
        at = next((at for at, one in enumerate(placed) if one.missing and self._may_push(one.job)), None)
        if at is None:
            return len(jobs)
        placer.undo(mark)
        placer.place_all(jobs[:at])
        self._make_room(jobs[at])
        return at + 1

    def _make_room(self, job: Job) -> None:
        stoppable = self._stoppable_for(job)
        members = tuple(chain.from_iterable(in_the_way(self._scene, job, stoppable)))
        self._scene.release(members)
        self._scene.placer.place(job)
        if members:
            self._gone += members
            for each in self._stoppable.values():
                each.stop(members)
            self.victims.append(Victims(job.id, members))

    def _stoppable_for(self, job: Job) -> Stoppable:
        """Who may be pushed out for a job: the same for all of its priority that preempt alike."""
        preempts = all(self.problem.classes[task.of].template.preempts for task in job.tasks)
        key = job.priority, preempts
        if key not in self._stoppable:
            found = Stoppable(self._scene, lambda one: self._may_stop(one, *key))
            found.stop(self._gone)
            self._stoppable[key] = found
        return self._stoppable[key]

    def _may_push(self, job: Job) -> bool:
        lowest = min((one.priority for one in self.problem.running.values()), default=job.priority)
        return lowest < job.priority and job.id not in self._hopeless

    def _may_stop(self, one: Held, priority: int, preempts: bool) -> bool:
        """Of lower priority, and preemptible itself or all that is lower may be pushed out."""
        known = self._scene.running(one.job)
        if known.spared or known.priority >= priority or one.job in self._waiting:
            return False
        return known.preemptible or preempts
