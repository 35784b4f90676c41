"""In which order work is moved that finds room, if only it is moved in the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.fit.placing import by_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.drain.fit.placing import Places
    from dcctl.drain.fit.wave import Wave
    from dcctl.packing.problem import Job


def in_turns(wave: Wave, members: Iterable[str], found: Places) -> tuple[str, ...]:
    """`members`, which are workloads, in the order in which they move: those that need no room come first.

    Those with the largest members go before others: a scheduler that spreads small ones over all nodes leaves
    no room for large ones. Where one of these would have to wait for room that a later one frees, it is as
    they were placed.
    """
    placed = [one.job for one in found.placed]
    wanted = dict.fromkeys(job.id for job in placed)
    free = tuple(job for job in members if job not in wanted)
    largest = by_size(wave.scene.problem, placed)
    order = largest if _finds_room(wave, free, largest) else placed
    return (*free, *(job.id for job in order))


def _finds_room(wave: Wave, free: Sequence[str], order: Sequence[Job]) -> bool:
    """Whether each finds room when its turn comes, while all after it stand where they stood."""
    scene, placer = wave.scene, wave.scene.placer
    mark = placer.mark()
    scene.close(wave.shut)
    try:
        for job in free:
            scene.release(wave.stopped.get(job, ()))
        for each in order:
            scene.release(wave.stopped[each.id])
            if placer.place(each).missing:
                return False
        return True
    finally:
        placer.undo(mark)
