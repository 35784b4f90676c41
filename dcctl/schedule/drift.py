"""What of a plan does not hold any more: every assignment is put in order into the problem as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec.structs import replace

from dcctl.packing.choices import DEFAULT_POLICY
from dcctl.packing.greedy.place import Placer
from dcctl.packing.reasons import WORDS, first
from dcctl.packing.solve import engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.packing.fit.parts import Split
    from dcctl.packing.plan import Assignment
    from dcctl.packing.problem import Job, Problem


class Drift(NamedTuple):
    """One assignment that does not hold, and why."""

    job: str
    member: str
    node: str
    why: str


def drift(places: Sequence[Assignment], problem: Problem) -> tuple[Drift, ...]:
    """The assignments that do not hold, in order; `problem` asks for their work on the nodes as they are now.

    Feasibility is that of the packing core, so what a new plan would refuse is refused here. Boards are those
    that are told, as long as they are free.
    """
    check = _Check(places, problem)
    told = ((one, check.put(one)) for one in places)
    return tuple(Drift(one.job, one.member, one.node, why) for one, why in told if why)


class _Check:
    """Assignments put in one after the other."""

    def __init__(self, places: Sequence[Assignment], problem: Problem) -> None:
        self._bins, self._places = problem.bins, places
        self._placer = Placer(engine_of(problem, DEFAULT_POLICY), problem)
        self._at = {one.name: at for at, one in enumerate(problem.bins)}
        self._known = {
            (job.id, member): (job, task.of)
            for job in problem.jobs
            for task in job.tasks
            for member in task.members
        }
        self._parts: dict[str, tuple[int, tuple[Split, ...]]] = {}
        self._short = dict(self._beyond_quotas(problem))

    def _beyond_quotas(self, problem: Problem) -> Iterator[tuple[str, str]]:
        """Jobs for whose told members a quota is too small beside those before them, and why in words."""
        asked = {(one.job, one.member) for one in self._places}
        for job in problem.jobs:
            tasks = (
                replace(task, members=tuple(name for name in task.members if (job.id, name) in asked))
                for task in job.tasks
            )
            mine = replace(job, tasks=tuple(tasks))
            if short := self._placer.ledger.short(mine):
                yield job.id, "; ".join(map(str, short))
            else:
                classes = (task.of for task in mine.tasks for _ in task.members)
                self._placer.ledger.count(job.quotas, classes)

    def put(self, one: Assignment) -> str:
        """Why the member may not stand there, in words; empty: it does now."""
        at, known = self._at.get(one.node), self._known.get((one.job, one.member))
        if at is None:
            return "the node is not there any more"
        if known is None:
            return "is not waiting any more"
        job, of = known
        engine = self._placer.engine
        if bits := engine.refusals_at(of, at):
            return WORDS[first(bits)]
        if not self._is_within(job, at):
            return f"not within one {job.within} with the others"
        if job.id in self._short:
            return self._short[job.id]
        devices = self._told(one, of, at)
        if devices is None:
            engine.put_in(of, at)
        else:
            engine.put(of, at, devices)
        return ""

    def _is_within(self, job: Job, at: int) -> bool:
        """Whether the bin lies in the part of those of its job that stand before it."""
        if job.within is None:
            return True
        home = self._placer.home(job)
        if home is not None and not home[at]:
            return False
        start, splits = self._parts.get(job.id, (at, self._placer.parts.within(job.within)))
        alike = tuple(each for each in splits if each.of[at] == each.of[start] >= 0)
        if alike:
            self._parts[job.id] = start, alike
        return bool(alike)

    def _told(self, one: Assignment, of: int, at: int) -> tuple[int, ...] | None:
        """Positions of the told devices; None: none are told, or one of them would not do now."""
        engine = self._placer.engine
        need = engine.state.needs[of]
        usable = engine.items.wanted[of].usable(engine.state.view(np.array([at])))[0]
        free = [
            (device.index, position)
            for position, device in enumerate(self._bins[at].devices)
            if usable[position] >= need.each_milli
        ]
        found = []
        for number in one.devices:
            place = next((pair for pair in free if pair[0] == number), None)
            if place is None:
                return None
            free.remove(place)
            found.append(place[1])
        return tuple(found) if len(found) == (need.devices or bool(need.share_milli)) else None


def told(found: Sequence[Drift], most: int = 3) -> str:
    """Return the drift in one sentence: by node, those with most members first, and how many more."""
    nodes: dict[tuple[str, str], list[Drift]] = {}
    for one in found:
        nodes.setdefault((one.node, one.why), []).append(one)
    rows = sorted(nodes.items(), key=lambda row: (-len(row[1]), row[0]))
    parts = [f"{node}: {why} ({_pods(rows_of)})" for (node, why), rows_of in rows[:most]]
    more = f"; {len(rows) - most:,} more" if len(rows) > most else ""
    return "; ".join(parts) + more


def _pods(rows: Sequence[Drift]) -> str:
    first = f"{rows[0].job} {rows[0].member}"
    return first if len(rows) == 1 else f"{first} and {len(rows) - 1:,} more"
