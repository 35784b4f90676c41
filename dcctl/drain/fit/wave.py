"""One wave as it is asked about: who leaves, which nodes are closed, and who waits for the same room."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.problem import Held, Job
    from dcctl.packing.scene import Scene


class Wave(NamedTuple):
    """What is asked of a scene."""

    scene: Scene
    shut: frozenset[int]
    """Bins that take no work."""
    stopped: Mapping[str, Sequence[Held]]
    """All that stop, by workload."""
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

    def rivals(self) -> list[Job]:
        """What waits and is no less urgent than all that leaves."""
        least = min((self.scene.running(job).priority for job in self.anew), default=None)
        return [] if least is None else [job for job in self.queue if job.priority >= least]

    def in_order(self) -> list[tuple[Job, bool]]:
        """All that looks for room up to the last of those who leave, and whether it waited before."""
        every = self.scene.placed_in_order(self.anew, self.rivals())
        last = max((at for at, (_, late) in enumerate(every) if not late), default=-1)
        return every[: last + 1]


@contextmanager
def emptied(wave: Wave, more: Collection[int] = ()) -> Iterator[None]:
    """For a while all that stop stand nowhere, and the closed bins are closed but for `more`."""
    placer = wave.scene.placer
    mark = placer.mark()
    wave.scene.close(wave.shut.difference(more))
    placer.give_back(chain.from_iterable(wave.stopped.values()))
    try:
        yield
    finally:
        placer.undo(mark)
