"""When and where it is worth trying a whole job, by the gaps of its classes."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.timed.slices import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dcctl.packing.problem import Job
    from dcctl.packing.timed.gaps import Gaps
    from dcctl.packing.timed.timeline import Timeline

    Bools = NDArray[np.bool_]


class Chances:
    """Starts and bins of jobs: outside of them nothing can fit."""

    def __init__(self, gaps: Gaps, timeline: Timeline, drawn: Sequence[bool]) -> None:
        """`drawn`: by class, whether others can make a place for it by standing somewhere."""
        self._gaps, self._timeline, self._drawn = gaps, timeline, drawn

    def drawn(self, job: Job) -> bool:
        """Whether it may fit once somebody else stands somewhere."""
        return any(self._drawn[task.of] for task in job.tasks)

    def bins(self, job: Job, start_s: int) -> Bools:
        """Where a member may stand that starts then."""
        return np.logical_or.reduce([self._gaps.bins(task.of, start_s, job.duration_s) for task in job.tasks])  # type: ignore[no-any-return]

    def first_s(self, job: Job, from_s: int) -> int:
        """The first start at which there may be room; NEVER: there is none."""
        counts, every = _least(job)
        while from_s < NEVER:
            starts = [self._gaps.covered_s(of, count, job.duration_s, from_s) for of, count in counts]
            found = max(starts) if every else min(starts)
            if found == from_s or not every:
                return found
            from_s = found
        return NEVER

    def next_s(self, job: Job, after_s: int) -> int:
        """The first start after one that was tried at which there may be room that there was not then."""
        if self.drawn(job):
            moments = self._timeline.moments
            at = bisect_right(moments, after_s)
            return self.first_s(job, moments[at] if at < len(moments) else NEVER)
        starts = (self._gaps.next_s(task.of, job.duration_s, after_s) for task in job.tasks)
        return self.first_s(job, min(starts))


def is_gang(job: Job) -> bool:
    """Whether its members start together or not at all."""
    return job.minimum > 1 or job.within is not None


def _least(job: Job) -> tuple[list[tuple[int, int]], bool]:
    """(class, how many members of it must have room), and whether all of these must hold or any is enough."""
    if is_gang(job):
        spare = job.size - max(1, job.minimum)
        counts = [(task.of, len(task.members) - spare) for task in job.tasks if len(task.members) > spare]
        if counts:
            return counts, True
    return [(task.of, 1) for task in job.tasks], False
