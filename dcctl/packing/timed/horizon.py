"""How early the work of a plan could have ended at best: the bound to when its last member ends."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from dcctl.packing.timed.timeline import ends_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.packing.fit.feasibility import Feasibility
    from dcctl.packing.plan import Assignment
    from dcctl.packing.problem import Problem


def least_end_s(problem: Problem, items: Feasibility, assignments: Iterable[Assignment]) -> int | None:
    """No plan of these members ends them all before; None: some never end, or there are none.

    The latest of two: who could end last if it alone were there, and when the accelerators that some of them
    accept have done the work of all that accept no others, were they never idle.
    """
    needs = {
        (job.id, name): (job.duration_s, max(problem.now_s, job.earliest_s or 0), task.of)
        for job in problem.jobs
        for task in job.tasks
        for name in task.members
    }
    work: dict[frozenset[int], int] = defaultdict(int)
    least_s: int | None = None
    for one in assignments:
        lasts_s, ready_s, of = needs[one.job, one.member]
        if lasts_s is None:
            return None
        least_s = max(least_s or 0, ready_s + lasts_s)
        need = items.wanted[of].need
        if need.gpu_milli:
            good = frozenset(kind for kind in range(len(problem.space.kinds)) if items.takes(need, kind))
            work[good] += need.gpu_milli * lasts_s
    if least_s is None:
        return None
    kinds = (_done_s(problem, good, _inside(work, good)) for good in work)
    return max([least_s, *(end_s for end_s in kinds if end_s is not None)])


def _inside(work: dict[frozenset[int], int], good: frozenset[int]) -> int:
    return sum(amount for kinds, amount in work.items() if kinds <= good)


def _done_s(problem: Problem, good: frozenset[int], work: int) -> int | None:
    """When so many thousandths of accelerators times seconds are done at the earliest; None: nobody knows."""
    free = sum(
        max(0, device.free_milli)
        for one in problem.bins
        for device in one.devices
        if not one.closed and device.kind in good
    )
    at_s = problem.now_s
    for end_s, one in ends_of(problem):
        if work <= free * (end_s - at_s):
            break
        work, at_s = work - free * (end_s - at_s), end_s
        held = problem.classes[one.of].need.each_milli
        devices = [problem.bins[one.bin].devices[at] for at in one.devices]
        free += sum(held for device in devices if device.kind in good)
    return at_s - -work // free if free else None
