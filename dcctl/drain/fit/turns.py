"""In which order work is moved that finds room, if only it is moved in the right one."""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING

from dcctl.drain.fit.placing import by_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.drain.fit.placing import Places
    from dcctl.drain.fit.wave import Wave
    from dcctl.packing.problem import Job


def in_turns(wave: Wave, members: Iterable[str], found: Places) -> tuple[str, ...]:
    """`members`, which are workloads, in the order in which they move: those that need no room come first.

    Those with the largest members go before others: a scheduler that spreads small ones over all nodes leaves
    no room for large ones. Where one of these would have to wait for room that a later one frees, or some
    find none, it is as they were placed.
    """
    placed = [one.job for one in found.placed]
    wanted = dict.fromkeys(job.id for job in placed)
    free = tuple(job for job in members if job not in wanted)
    largest = by_size(wave.scene.problem, placed)
    order = placed if found.homeless or not _finds_room(wave, free, largest) else largest
    return (*free, *(job.id for job in order))


def _finds_room(wave: Wave, free: Sequence[str], order: Sequence[Job]) -> bool:
    """Whether each finds room when its turn comes, while all after it stand where they stood."""
    scene, placer = wave.scene, wave.scene.placer
    mark = placer.mark()
    scene.close(wave.shut)
    try:
        for job in free:
            scene.release(wave.stopped.get(job, ()))
        for jobs in _steps(wave, order):
            scene.release(chain.from_iterable(wave.stopped[each.id] for each in jobs))
            if any(one.missing for one in placer.place_all(jobs)):
                return False
        return True
    finally:
        placer.undo(mark)


def _steps(wave: Wave, order: Iterable[Job]) -> Iterator[Sequence[Job]]:
    """Neighbours of which it is all the same when each leaves, together; each other job alone."""
    for alike, jobs in groupby(order, key=lambda job: _frees_nothing(wave, job)):
        if alike:
            yield tuple(jobs)
        else:
            yield from ((job,) for job in jobs)


def _frees_nothing(wave: Wave, job: Job) -> bool:
    """Whether others find no more room once it is gone: its nodes are closed, and no rule counts it."""
    relations = wave.scene.placer.engine.relations
    counts = any(relations.counted[task.of] or relations.related[task.of] for task in job.tasks)
    by_itself = job.minimum < 2 and job.within is None and not job.quotas
    return by_itself and not counts and all(one.bin in wave.shut for one in wave.stopped[job.id])
