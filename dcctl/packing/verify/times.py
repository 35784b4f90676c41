"""Whether a plan in time holds: who starts too early or ends too late, and what is there at a moment.

For `verify` alone: it shares nothing with the solvers.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.packing.problem import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dcctl.packing.problem import Bin, Held, Job, Problem


class Run(NamedTuple):
    """One member in time. A start of None is now, an end of None never."""

    name: str
    job: Job
    where: Bin
    start_s: int | None
    end_s: int | None


def at_moment(problem: Problem, at_s: int) -> Problem:
    """The problem as it is at a moment: who has ended by then holds nothing."""
    ended = [one for one in problem.held if _has_ended(problem, one, at_s)]
    if not ended:
        return problem
    by_bin: dict[int, list[Held]] = defaultdict(list)
    for one in ended:
        by_bin[one.bin].append(one)
    bins = list(problem.bins)
    for at, gone in by_bin.items():
        bins[at] = _freed(problem, bins[at], gone)
    left = set(ended)
    return replace(problem, bins=tuple(bins), held=tuple(one for one in problem.held if one not in left))


def _has_ended(problem: Problem, one: Held, at_s: int) -> bool:
    known = problem.running.get(one.job)
    return known is not None and known.ends_s is not None and problem.now_s < known.ends_s <= at_s


def _freed(problem: Problem, where: Bin, gone: Sequence[Held]) -> Bin:
    needs = [problem.classes[one.of].need for one in gone]
    freed = (sum(column) for column in zip(*(need.amounts for need in needs), strict=True))
    milli = [device.free_milli for device in where.devices]
    memory = [device.held_memory_bytes for device in where.devices]
    for one, need in zip(gone, needs, strict=True):
        for device in one.devices:
            milli[device] += WHOLE if need.devices else need.share_milli
            memory[device] -= 0 if need.devices else need.device_memory_bytes
    devices = tuple(
        replace(device, free_milli=now, held_memory_bytes=held)
        for device, now, held in zip(where.devices, milli, memory, strict=True)
    )
    free = tuple(have + more for have, more in zip(where.free, freed, strict=True))
    return replace(where, free=free, devices=devices)


def wrong_times(problem: Problem, runs: Sequence[Run]) -> Iterator[str]:
    """Who starts too early, ends too late, runs for too short, or while its node is closed."""
    ends = _ends(problem, runs)
    for one in runs:
        job, start_s = one.job, problem.now_s if one.start_s is None else one.start_s
        last = [ends.get(name) for name in job.after]
        early = start_s < max(problem.now_s, job.earliest_s or 0)
        if one.start_s is not None and (early or any(end is None or end > start_s for end in last)):
            yield f"{one.name} starts too early"
        if one.end_s is not None and job.deadline_s is not None and one.end_s > job.deadline_s:
            yield f"{one.name} ends after its deadline"
        if one.end_s is not None and one.end_s - start_s < (job.duration_s or 0):
            yield f"{one.name} has less time than it needs"
        for from_s, to_s in one.where.closed_windows:
            if start_s < to_s and (one.end_s is None or from_s < one.end_s):
                yield f"{one.name} runs on {one.where.name} while that is closed"


def _ends(problem: Problem, runs: Iterable[Run]) -> Mapping[str, int | None]:
    """When work has ended; None, or not in it: nobody knows."""
    ends: dict[str, int | None] = dict.fromkeys(problem.ended, problem.now_s)
    for name, known in problem.running.items():
        ends[name] = known.ends_s if known.ends_s is not None and known.ends_s > problem.now_s else None
    by_job: dict[str, list[Run]] = defaultdict(list)
    for one in runs:
        by_job[one.job.id].append(one)
    for job in problem.jobs:
        there = by_job[job.id]
        known_ends = [one.end_s for one in there if one.end_s is not None]
        enough = len(there) >= (job.minimum if job.minimum > 1 else job.size)
        ends[job.id] = max(known_ends) if enough and known_ends and len(known_ends) == len(there) else None
    return ends


def apart_in_time(problem: Problem, runs: Iterable[Run]) -> Iterator[str]:
    """Gangs whose members do not run at the same time."""
    times: dict[str, set[tuple[int | None, int | None]]] = defaultdict(set)
    for one in runs:
        times[one.job.id].add((one.start_s, one.end_s))
    for job in problem.jobs:
        if (job.minimum > 1 or job.within is not None) and len(times[job.id]) > 1:
            yield f"members of {job.id} do not run at the same time"
