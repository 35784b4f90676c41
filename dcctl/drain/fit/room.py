"""Whether the work of a wave finds room elsewhere, from wave to wave."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.drain.campaign import WORST
from dcctl.drain.fit.bounds import untold
from dcctl.drain.fit.placing import Places, places_of
from dcctl.drain.fit.preempted import preempted_by
from dcctl.drain.fit.reliefs import Effort, reliefs_of
from dcctl.drain.fit.sure import sure_of
from dcctl.drain.fit.turns import in_turns
from dcctl.drain.fit.wave import Wave, wave_of
from dcctl.inventory.asked import Asked
from dcctl.inventory.model import ENDED
from dcctl.packing.changed import opened
from dcctl.packing.greedy.place import left_of
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.problem import Held
from dcctl.packing.scene import Scene
from dcctl.packing.solve import solved

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dcctl.drain.campaign import Relief, Verdict
    from dcctl.drain.fit.placing import Homeless
    from dcctl.inventory.model import Fleet, Node
    from dcctl.packing.problem import Job, Problem


class Judged(NamedTuple):
    """What becomes of the work of one wave. Nothing is changed by it before `Room.carry`."""

    verdict: Verdict
    """The worst of all."""
    verdicts: Mapping[str, Verdict]
    """By workload."""
    places: Mapping[tuple[str, str], str]
    """(workload, member) -> node, of all that leave; of a gang that has to stand in one part every member."""
    order: tuple[str, ...]
    """Workloads in the order in which they are moved, each once the one before it stands again.

    Where all of them fit for certain, any order will do.
    """
    homeless: tuple[Homeless, ...]
    """Those of which members find no room."""
    preempts: Mapping[str, tuple[str, ...]]
    """By workload of those: work of lower priority that its scheduler stops for it unasked."""
    ahead: tuple[str, ...]
    """Workloads that waited before, are more urgent, and take room first."""
    asked: Wave
    found: Places
    ends: frozenset[str]
    """Workloads that end by themselves."""


class Room:
    """A fleet during a drain: what is displaced in one wave stands in its new place for the next one.

    A wave after the first is certain to fit only if it is wherever those before it may have sent their work.
    """

    def __init__(
        self, fleet: Fleet, targets: Collection[str], now_s: int, effort: Effort | None = None
    ) -> None:
        """`targets`: all nodes of the campaign. Those that it cordoned are open while nobody closes them.

        `effort`: what is tried for reliefs, in all waves together.
        """
        problem = problem_of(fleet, fleet.nodes, Asked(), pending=True, now_s=now_s)
        ours = {one.name for one in fleet.nodes if one.name in targets and _was_open(one)}
        bins = tuple(opened(one) if one.name in ours else one for one in problem.bins)
        self._scene = Scene(solved(replace(problem, bins=bins, now_s=now_s, jobs=())))
        self._queue = [job for job in problem.jobs if _may_start(problem, job, now_s)]
        self._at = {one.name: at for at, one in enumerate(bins)}
        self._moved: dict[tuple[str, str], Held] = {}
        """Members that were displaced before, where the plan puts them."""
        self._unread = _unread(fleet)
        self._effort = effort or Effort()

    def judge(
        self, closed: Collection[str], members: Mapping[str, Collection[str]], waits: Collection[str] = ()
    ) -> Judged:
        """What becomes of these members, by workload, when they leave. The room is as before afterwards.

        `closed`: nodes that take no work, now and to come. `waits`: workloads that end by themselves; what
        they hold on other nodes is free from the next wave on.
        """
        wave = self._wave(closed, members)
        sure, found = _sure_of(wave), places_of(wave)
        verdicts: dict[str, Verdict] = dict.fromkeys(members, "fits")
        for one in found.placed:
            if one.missing:
                lost = found.proved and not untold(wave, one)
                verdicts[one.job.id] = "does not fit" if lost else "unknown"
            elif one.job.id not in sure:
                verdicts[one.job.id] = "fits after reordering"
        verdicts |= {job: "unknown" for job, names in members.items() if self._is_unread(job, names)}
        bins = self._scene.problem.bins
        worst: Verdict = min(verdicts.values(), key=WORST.index, default="fits")
        return Judged(
            verdict=worst,
            verdicts=verdicts,
            places={
                (one.job.id, stand.member): bins[stand.put.bin].name
                for one in found.placed
                for stand in one.stands
            },
            order=tuple(members) if worst == "fits" else in_turns(wave, members, found),
            homeless=found.homeless,
            preempts=preempted_by(wave, found) if found.homeless else {},
            ahead=tuple(one.job.id for one in found.ahead if one.stands),
            asked=wave,
            found=found,
            ends=frozenset(waits),
        )

    def reliefs(self, judged: Judged) -> tuple[Relief, ...]:
        """The least changes after which what finds no room does, each proved by placing it.

        To be asked before anything is carried.
        """
        return reliefs_of(judged.asked, judged.found, self._scene.problem.now_s, self._effort)

    def carry(self, judged: Judged) -> None:
        """From now on it is so: what was displaced stands in its new place, or waits; what ends is gone."""
        scene = self._scene
        gone = dict.fromkeys(chain.from_iterable(judged.asked.stopped.values()))
        gone |= dict.fromkeys(one for job in judged.ends for one in scene.of(job))
        stands = {
            (one.job.id, each.member): Held(one.job.id, each.member, each.put.bin, each.of, each.put.devices)
            for one in judged.found.placed
            for each in one.stands
        }
        scene.settle(gone, stands.values())
        for one in gone:
            self._moved.pop((one.job, one.member), None)
        self._moved |= stands
        self._queue += [left_of(one.job, one) for one in judged.found.placed if one.missing]

    def _wave(self, closed: Collection[str], members: Mapping[str, Collection[str]]) -> Wave:
        leaving = {}
        for job, names in members.items():
            wanted = set(names)
            leaving[job] = [one for one in self._scene.of(job) if one.member in wanted]
        shut = frozenset(self._at[name] for name in closed if name in self._at)
        return wave_of(self._scene, shut, leaving, tuple(self._queue), self._moved.values())

    def _is_unread(self, job: str, names: Collection[str]) -> bool:
        return not self._unread.get(job, frozenset()).isdisjoint(names)


def _sure_of(wave: Wave) -> frozenset[str]:
    """What finds room for certain, whether the others of a gang stay where they are or are made anew too."""
    wholes = wave.as_wholes()
    return sure_of(wave) if wholes.stopped == wave.stopped else sure_of(wave) & sure_of(wholes)


def _was_open(one: Node) -> bool:
    """Whether it takes work once it is returned: nobody but dcctl closed it."""
    return one.cordon is not None and one.cordon.by == "dcctl" and one.cordon.was_schedulable is not False


def _may_start(problem: Problem, job: Job, now_s: int) -> bool:
    """Whether its scheduler looks for room for it now."""
    held_back = any(problem.classes[task.of].template.gates for task in job.tasks)
    return not held_back and not job.after and (job.earliest_s or 0) <= now_s


def _unread(fleet: Fleet) -> dict[str, frozenset[str]]:
    """Members that ask for nobody knows what, by workload."""
    found = {
        work.id: frozenset(
            one.name for one in work.members if one.requests is None and one.phase not in ENDED
        )
        for work in fleet.workloads
    }
    return {job: names for job, names in found.items() if names}
