"""Whom schedulers push out for work of a wave that finds no room: what is less urgent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.drain.fit.placing import replay
from dcctl.drain.fit.wave import emptied
from dcctl.packing.greedy.place import left_of
from dcctl.packing.preemption.blocking import in_the_way
from dcctl.packing.preemption.stoppable import Stoppable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.drain.fit.placing import Places
    from dcctl.drain.fit.wave import Wave
    from dcctl.packing.problem import Held, Job

_WORKLOADS = 8
"""Of so many without room, the most urgent, it is told at most."""


def preempted_by(wave: Wave, found: Places) -> Mapping[str, tuple[str, ...]]:
    """By workload without room, work that its scheduler stops for it unasked. The scene is as before then.

    A scheduler may choose other work than this; that it chooses some is certain.
    """
    missing = [left_of(one.job, one) for one in found.placed if one.missing and not one.quota]
    least = _least_urgent(wave)
    jobs = [job for job in missing if least is not None and least < job.priority and _preempts(wave, job)]
    if not jobs:
        return {}
    with emptied(wave):
        for one in (*found.ahead, *found.placed):
            replay(wave.scene.placer, one)
        told = {job.id: _victims(wave, job) for job in _most_urgent(jobs)}
    return {job: names for job, names in told.items() if names}


def _most_urgent(jobs: list[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: (-job.priority, job.id))[:_WORKLOADS]


def _least_urgent(wave: Wave) -> int | None:
    """The lowest priority of all that stays; None: nobody does."""
    running = wave.scene.problem.running
    return min((known.priority for job, known in running.items() if _stays(wave, job)), default=None)


def _stays(wave: Wave, job: str) -> bool:
    return not wave.scene.running(job).fixed and job not in wave.stopped and bool(wave.scene.of(job))


def _preempts(wave: Wave, job: Job) -> bool:
    return all(wave.scene.problem.classes[task.of].template.preempts for task in job.tasks)


def _victims(wave: Wave, job: Job) -> tuple[str, ...]:
    """Whose absence gives room to one member: each preempts for itself, whether or not all fit then."""
    first = job.tasks[0]
    one = replace(job, tasks=(replace(first, members=first.members[:1]),), minimum=0, within=None, homes=())
    is_open = wave.open.tolist()

    def may_stop(held: Held) -> bool:
        less = wave.scene.running(held.job).priority < job.priority
        return less and is_open[held.bin] and held.job not in wave.stopped

    units = in_the_way(wave.scene, one, Stoppable(wave.scene, may_stop))
    return tuple(dict.fromkeys(unit[0].job for unit in units))
