"""Places for all work of a wave: as a plan finds them, else by search; and proofs that there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.drain.fit.bounds import hopeless
from dcctl.drain.fit.search import searched
from dcctl.drain.fit.wave import emptied
from dcctl.packing.reasons import WORDS, Reason, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcctl.drain.fit.wave import Wave
    from dcctl.packing.greedy.place import Placed, Placer
    from dcctl.packing.problem import Job, Problem


class Homeless(NamedTuple):
    """Members of one workload that find no room."""

    workload: str
    members: int
    gpu_milli: int
    """What they ask for of devices, in thousandths of one."""
    why: Mapping[str, int]
    """Reason in words -> nodes; the counts add up to all nodes."""
    says: str = ""
    """What else keeps them from standing anywhere: a quota."""


class Places(NamedTuple):
    """What a wave's work finds."""

    ahead: tuple[Placed, ...]
    """Work that waited already and is more urgent than some that leaves."""
    placed: tuple[Placed, ...]
    """Work that leaves, in the order in which it is moved."""
    homeless: tuple[Homeless, ...]
    proved: bool
    """There are no places for all of it."""


def places_of(wave: Wave) -> Places:
    """Where all of the wave may stand, or most of it. The scene is as before afterwards.

    Work that waits and is more urgent has what it can get; of equally urgent, what ran is placed first.
    """
    placer = wave.scene.placer
    with emptied(wave):
        start, every = placer.mark(), wave.in_order()
        places = placer.place_all(job for job, _ in every)
        found = [(late, one) for (_, late), one in zip(every, places, strict=True)]
        ahead = tuple(one for late, one in found if late)
        placed = tuple(one for late, one in found if not late)
        proved = False
        if any(one.missing for one in placed):
            placer.undo(start)
            for one in ahead:
                replay(placer, one)
            placed, proved = _looked_for(wave, [one.job for one in placed], placed)
        return Places(ahead, placed, _homeless(wave, placed), proved)


def _looked_for(
    wave: Wave, jobs: Sequence[Job], first: tuple[Placed, ...]
) -> tuple[tuple[Placed, ...], bool]:
    """Places for all of the jobs, or what was found first for most of them, and whether there are none."""
    scene = wave.scene
    best, proved, start = first, hopeless(wave, jobs), scene.placer.mark()
    if not proved:
        again = tuple(scene.placer.place(job) for job in by_size(scene.problem, jobs))
        scene.placer.undo(start)
        best = min((first, again), key=_lack)
    if not proved and _lack(best)[0]:
        found, ended = searched(wave, jobs)
        scene.placer.undo(start)
        best, proved = found or best, ended and found is None
    for one in best:
        replay(scene.placer, one)
    return best, proved


def replay(placer: Placer, one: Placed) -> None:
    """The members stand where they were found a place before."""
    for stand in one.stands:
        placer.engine.put(stand.of, stand.put.bin, stand.put.devices)
    placer.spend(one.job, one)


def by_size(problem: Problem, jobs: Sequence[Job]) -> list[Job]:
    """The largest items first, whatever is urgent."""

    def largest(job: Job) -> tuple[int, ...]:
        needs = [problem.classes[task.of].need for task in job.tasks]
        return max((one.gpu_milli, *one.amounts) for one in needs)

    return sorted(
        jobs, key=lambda job: (largest(job), job.within is not None, job.size, job.id), reverse=True
    )


def _lack(placed: Sequence[Placed]) -> tuple[int, int]:
    """Workloads without room for all of their members, and these members."""
    return sum(one.missing > 0 for one in placed), sum(one.missing for one in placed)


def _homeless(wave: Wave, placed: Sequence[Placed]) -> tuple[Homeless, ...]:
    """Those who stand nowhere once all others do."""
    problem, found = wave.scene.problem, []
    known: dict[tuple[int | None, bool], Mapping[str, int]] = {}
    for one in placed:
        if one.missing:
            needs = [problem.classes[task.of].need.gpu_milli * len(task.members) for task in one.job.tasks]
            stand = sum(problem.classes[each.of].need.gpu_milli for each in one.stands)
            key = (one.refused_for, bool(one.quota))
            why = known[key] if key in known else known.setdefault(key, _why(wave, one))
            found.append(Homeless(one.job.id, one.missing, sum(needs) - stand, why, one.says))
    return tuple(found)


def _why(wave: Wave, one: Placed) -> Mapping[str, int]:
    """Under which reason each node refuses a missing member, the drained ones as they will be: cordoned."""
    if one.quota:
        return {WORDS[Reason.QUOTA]: len(wave.open)}
    of = one.job.tasks[0].of if one.refused_for is None else one.refused_for
    bits = wave.scene.placer.engine.refusals(of)
    bits = np.where(wave.open, bits, bits | int(Reason.CORDONED))
    bits = np.where(bits, bits, int(Reason.GANG))
    return {WORDS[reason]: count for reason, count in counted(bits).items()}
