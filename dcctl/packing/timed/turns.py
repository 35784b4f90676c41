"""In which order jobs are planned in time: the most urgent first, and before each those it waits for.

Of alike ones those with the earliest deadline come first, then the longest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.packing.solve import urgency
from dcctl.packing.timed.slices import NEVER

if TYPE_CHECKING:
    from dcctl.packing.problem import Job, Problem


def in_turn(problem: Problem) -> list[Job]:
    """All jobs: as `urgent_first`, but who is waited for comes before who waits."""
    key = urgency(problem)

    def turn(job: Job) -> tuple[tuple[int, ...], int, int, str]:
        deadline_s = NEVER if job.deadline_s is None else job.deadline_s
        return key(job), deadline_s, -(NEVER if job.duration_s is None else job.duration_s), job.id

    jobs = {job.id: job for job in problem.jobs}
    done: dict[str, Job] = {}
    for first in sorted(problem.jobs, key=turn):
        stack, seen = [first], set[str]()
        while stack:
            job = stack[-1]
            seen.add(job.id)
            waits = (name for name in job.after if name in jobs and name not in done and name not in seen)
            before = next(waits, None)
            if before is None:
                done.setdefault(job.id, stack.pop())
            else:
                stack.append(jobs[before])
    return list(done.values())


def waits_for(problem: Problem, name: str) -> int | None:
    """When work that is not to be planned has ended, in Unix time; None: nobody knows."""
    if name in problem.ended:
        return problem.now_s
    known = problem.running.get(name)
    if known is None or known.ends_s is None or known.ends_s <= problem.now_s:
        return None
    return known.ends_s
