"""Whether a plan holds: checked from the problem alone, with nothing that a solver uses."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from dcctl.packing.problem import LEVELS, WHOLE
from dcctl.packing.verify.beside import Member, clashes, misplaced
from dcctl.packing.verify.cuts import cut
from dcctl.packing.verify.sites import crossings, crowded_data, late_data, overloaded, split_gangs
from dcctl.packing.verify.times import Run, apart_in_time, at_moment, wrong_times
from dcctl.packing.verify.where import refused, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.packing.plan import Assignment, Plan
    from dcctl.packing.problem import Bin, Device, Job, Need, Problem


class _Stand(NamedTuple):
    """An assignment whose names were found."""

    told: Assignment
    job: Job
    of: int
    bin: int

    @property
    def name(self) -> str:
        return f"{self.job.id}/{self.told.member}"


def verify(plan: Plan, problem: Problem) -> tuple[str, ...]:
    """What of the plan does not hold, in words; empty: it holds.

    `problem` is that before any cut. Members that cannot have been placed so in any order are named; a spread
    that became uneven by members placed later is none of them.
    """
    wrong: list[str] = []
    problem = cut(plan, problem, wrong)
    stands = _stands(plan, problem, wrong)
    wrong += _refusals(problem, stands)
    moments = _moments(problem, stands)
    for at_s, together in moments:
        there = at_moment(problem, at_s)
        wrong += _overfull(there, together)
        wrong += clashes(there, _members(there, together))
    if len(moments) == 1:
        there = at_moment(problem, moments[0][0])
        wrong += misplaced(there, _members(there, stands))
    wrong += _gangs(problem, stands)
    wrong += split_gangs(problem, [(one.job, one.of, problem.bins[one.bin]) for one in stands])
    wrong += _quotas(problem, stands)
    runs = [Run(one.name, one.job, problem.bins[one.bin], one.told.start_s, one.told.end_s) for one in stands]
    wrong += wrong_times(problem, runs)
    wrong += apart_in_time(problem, runs)
    wrong += late_data(problem, runs)
    crossing = crossings(problem, ((one.job, one.of, run) for one, run in zip(stands, runs, strict=True)))
    wrong += overloaded(problem, crossing, {one.job.id for one in stands if one.job.sites})
    wrong += crowded_data(problem, runs, crossing)
    wrong += _counts(plan, problem, stands)
    return tuple(dict.fromkeys(wrong))


def _stands(plan: Plan, problem: Problem, wrong: list[str]) -> list[_Stand]:
    """Assignments of known members to known bins, once each; all others are `wrong`."""
    bins = {one.name: at for at, one in enumerate(problem.bins)}
    members = {
        (job.id, name): (job, task.of) for job in problem.jobs for task in job.tasks for name in task.members
    }
    found: list[_Stand] = []
    for told in plan.assignments:
        name = f"{told.job}/{told.member}"
        known = members.pop((told.job, told.member), None)
        if known is None:
            wrong.append(f"{name} is placed twice, or nobody asked for it")
        elif told.node not in bins:
            wrong.append(f"{name} is on {told.node}, which does not exist")
        else:
            found.append(_Stand(told, *known, bins[told.node]))
    return found


def _members(problem: Problem, stands: Iterable[_Stand]) -> list[Member]:
    """All members of which another may ask where they stand."""
    held = (Member(f"{one.job}/{one.member}", one.bin, one.of, placed=False) for one in problem.held)
    return [*held, *(Member(one.name, one.bin, one.of, placed=True) for one in stands)]


def _refusals(problem: Problem, stands: Iterable[_Stand]) -> Iterator[str]:
    known: dict[tuple[int, int], str] = {}
    for one in stands:
        key = (one.of, one.bin)
        if key not in known:
            known[key] = refused(problem, problem.classes[one.of], problem.bins[one.bin])
        if known[key]:
            yield f"{one.name} must not stand on {one.told.node}: {known[key]}"


def _moments(problem: Problem, stands: Sequence[_Stand]) -> list[tuple[int, list[_Stand]]]:
    """Who stands at the same time: at each start, those who have begun and not ended."""

    def start(one: _Stand) -> int:
        return problem.now_s if one.told.start_s is None else one.told.start_s

    def runs(one: _Stand, at_s: int) -> bool:
        return start(one) <= at_s and (one.told.end_s is None or at_s < one.told.end_s)

    moments = sorted({start(one) for one in stands}) or [problem.now_s]
    return [(at_s, [one for one in stands if runs(one, at_s)]) for at_s in moments]


def _overfull(problem: Problem, stands: Iterable[_Stand]) -> Iterator[str]:
    """Bins from which more is taken than is free."""
    inside: dict[int, list[_Stand]] = defaultdict(list)
    for one in stands:
        inside[one.bin].append(one)
    for at, there in sorted(inside.items()):
        where = problem.bins[at]
        needs = [problem.classes[stand.of].need for stand in there]
        for name, free, *taken in zip(
            problem.space.dimensions, where.free, *(need.amounts for need in needs), strict=True
        ):
            if 0 < sum(taken) > free:
                yield f"{where.name} has {free} of {name} and would give {sum(taken)}"
        yield from _misused(problem, where, there)


def _misused(problem: Problem, one: Bin, there: Iterable[_Stand]) -> Iterator[str]:
    """Devices of one bin that are given twice, or to whom they will not do."""
    by_number: dict[int, list[Device]] = defaultdict(list)
    for device in one.devices:
        by_number[device.index].append(device)
    takers: dict[int, list[Need]] = defaultdict(list)
    for stand in there:
        need = problem.classes[stand.of].need
        asked = need.devices or bool(need.share_milli)
        if len(stand.told.devices) != asked or stand.told.share_milli != need.share_milli:
            yield f"{stand.name} does not get the accelerators that it asks for"
        for number in stand.told.devices:
            if not any(wanted(need, problem.space.kinds[device.kind]) for device in by_number[number]):
                yield f"{stand.name} gets accelerator {number} of {one.name}, which will not do"
            takers[number].append(need)
    for number, needs in sorted(takers.items()):
        if not _held_by(by_number[number], needs):
            yield f"accelerator {number} of {one.name} is given more than once, or too small"


def _held_by(devices: Sequence[Device], needs: Sequence[Need]) -> bool:
    """Whether these devices (mostly it is one) hold all that is asked of them.

    The shares of a board that is handed out in several have one number: who has which is not told.
    """
    if len(devices) == 1:
        return _fits(devices[0], needs)
    whole = sum(need.devices > 0 for need in needs)
    idle = sum(device.free_milli >= WHOLE for device in devices)
    taken = sum(min(WHOLE, need.gpu_milli) for need in needs)
    return whole <= idle and taken <= sum(device.free_milli for device in devices)


def _fits(device: Device, needs: Sequence[Need]) -> bool:
    memory = [need.device_memory_bytes for need in needs if need.device_memory_bytes]
    taken = sum(WHOLE if need.devices else need.share_milli for need in needs)
    free = (device.memory_bytes or 0) - device.held_memory_bytes
    return taken <= device.free_milli and (not memory or sum(memory) <= free)


def _gangs(problem: Problem, stands: Iterable[_Stand]) -> Iterator[str]:
    """Gangs of which too few stand, and those that are not in one part of the data centre."""
    by_job: dict[str, list[_Stand]] = defaultdict(list)
    for one in stands:
        by_job[one.job.id].append(one)
    for name, there in by_job.items():
        job = there[0].job
        if len(there) < job.minimum:
            yield f"{name} needs {job.minimum} members and has {len(there)}"
        where = [problem.bins[one.bin] for one in there]
        if job.within is not None and not any(_alike(where, level) for level in _up_to(job.within)):
            yield f"{name} is not within one {job.within}"


def _up_to(level: str) -> tuple[str, ...]:
    """The parts of a data centre that lie in one of this kind, itself the last."""
    every = ("node", *LEVELS)
    return every[: every.index(level) + 1]


def _alike(bins: Sequence[Bin], level: str) -> bool:
    """Whether all lie in one part of this kind, and in the same site: names are not unique."""
    if level == "node":
        return len({one.name for one in bins}) == 1
    depth = LEVELS.index(level)
    return len({(one.path[-1], one.path[depth]) for one in bins}) == 1 and bins[0].path[depth] != ""


def _quotas(problem: Problem, stands: Sequence[_Stand]) -> Iterator[str]:
    for quota in problem.quotas:
        total: Counter[str] = Counter()
        for one in stands:
            if quota.id in one.job.quotas:
                need = problem.classes[one.of].need
                total.update(dict(zip(problem.space.dimensions, need.amounts, strict=True)))
                total["gpu"] += need.gpu_milli
        for name, most in quota.amounts.items():
            if total[name] and quota.used.get(name, 0) + total[name] > most:
                yield f"{quota.name}: more than it allows of {name} would be held"


def _counts(plan: Plan, problem: Problem, stands: Sequence[_Stand]) -> Iterator[str]:
    """Sums of the plan that are not those of its assignments."""
    taken = sum(problem.classes[one.of].need.gpu_milli for one in stands)
    if plan.placed != len(plan.assignments) or plan.gpu_milli != taken:
        yield "its sums of members and accelerators are not those of its assignments"
    if plan.snapshot != problem.snapshot:
        yield "it was made for another fleet"
    if plan.bound_gpu_milli is not None and plan.bound_gpu_milli < taken:
        yield "it takes more than its bound"
    ends = [one.end_s for one in plan.assignments]
    if plan.bound_end_s is not None and any(ends) and max(end_s or 0 for end_s in ends) < plan.bound_end_s:
        yield "it ends before its bound"
    missing = Counter({job.id: job.size for job in problem.jobs})
    missing.subtract(Counter(one.job.id for one in stands))
    told = Counter({one.job: one.members for one in plan.unplaced})
    for name in {**missing, **told}:
        if missing[name] != told[name]:
            yield f"{name} lacks {missing[name]} members, not {told[name]}"
    for one in plan.unplaced:
        if sum(one.why.values()) + one.fits != len(problem.bins):
            yield f"the reasons for {one.job} are not those of {len(problem.bins)} nodes"
