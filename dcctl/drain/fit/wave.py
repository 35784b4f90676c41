"""One wave as it is asked about: who leaves, which nodes are closed, and who waits for the same room."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.problem import Held, Job
    from dcctl.packing.scene import Scene


class Wave(NamedTuple):
    """What is asked of a scene."""

    scene: Scene
    shut: frozenset[int]
    """Bins that take no work."""
    leaving: Mapping[str, Sequence[Held]]
    """Those who are asked to leave, by workload."""
    stopped: Mapping[str, Sequence[Held]]
    """All that look for room with them: of a gang that stands in one part of the data centre every member."""
    anew: Mapping[str, Sequence[Held]]
    """Those of them that somebody makes anew."""
    queue: Sequence[Job]
    """Work that waits for room already."""
    moved: Sequence[Held] = ()
    """Members that were displaced before: they may stand elsewhere than the plan says."""

    @property
    def open(self) -> NDArray[np.bool_]:
        """Bins that take work."""
        found = np.ones(len(self.scene.problem.bins), np.bool_)
        found[list(self.shut)] = False
        return found

    def leaves_out(self, bins: Collection[int]) -> Wave:
        """The wave without these bins: they take work, and whoever stands there stays."""
        kept = {job: tuple(one for one in held if one.bin not in bins) for job, held in self.leaving.items()}
        return wave_of(self.scene, self.shut.difference(bins), kept, self.queue, self.moved)

    def as_wholes(self) -> Wave:
        """The wave in which all that stop look for room: some controllers make a whole gang anew."""
        stopped = {job: tuple(self.scene.stops_with(held)) for job, held in self.leaving.items()}
        return _with(self, stopped)

    def rivals(self) -> list[Job]:
        """What waits and is no less urgent than all that leaves."""
        least = min((self.scene.running(job).priority for job in self.anew), default=None)
        return [] if least is None else [job for job in self.queue if job.priority >= least]

    def in_order(self) -> list[tuple[Job, bool]]:
        """All that looks for room up to the last of those who leave, and whether it waited before."""
        every = self.scene.placed_in_order(self.anew, self.rivals())
        last = max((at for at, (_, late) in enumerate(every) if not late), default=-1)
        return every[: last + 1]


def wave_of(
    scene: Scene,
    shut: frozenset[int],
    leaving: Mapping[str, Sequence[Held]],
    queue: Sequence[Job],
    moved: Iterable[Held],
) -> Wave:
    """The wave in which these leave. What belongs to its node goes with it and is no part of it.

    `moved`: all members that were displaced before.
    """
    away = {job: held for job, held in leaving.items() if held and not scene.running(job).fixed}
    whole = (job for job in away if scene.running(job).within)
    stopped = {**away, **{job: tuple(scene.stops_with(away[job])) for job in whole}}
    return _with(Wave(scene, shut, away, {}, {}, queue, tuple(moved)), stopped)


def _with(wave: Wave, stopped: Mapping[str, Sequence[Held]]) -> Wave:
    """The same wave, in which these look for room."""
    anew = {job: held for job, held in stopped.items() if wave.scene.running(job).made_anew}
    gone = set(chain.from_iterable(stopped.values()))
    moved = tuple(one for one in wave.moved if one not in gone)
    return wave._replace(stopped=stopped, anew=anew, moved=moved)


@contextmanager
def emptied(wave: Wave) -> Iterator[None]:
    """For a while all that stop stand nowhere, and nothing more is placed in the closed bins."""
    placer = wave.scene.placer
    mark = placer.mark()
    wave.scene.close(wave.shut)
    placer.give_back(chain.from_iterable(wave.stopped.values()))
    try:
        yield
    finally:
        placer.undo(mark)
