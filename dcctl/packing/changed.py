"""The same problem with one thing changed: for cures, which are proved by planning again, and what-ifs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.packing.fit.quotas import Ledger
from dcctl.packing.intake.seats import less as taken_from
from dcctl.packing.mig import WHOLE_BOARD
from dcctl.packing.problem import WHOLE, Device, Running, Sliced
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from dcctl.packing.plan import Cut
    from dcctl.packing.problem import Bin, Held, ItemClass, Job, Problem, Quota


def without(problem: Problem, gone: Collection[Held]) -> Problem:
    """These members stand nowhere any more; what they held is free."""
    bins = list(problem.bins)
    for one in gone:
        bins[one.bin] = _held(bins[one.bin], one, problem, -1)
    left = set(gone)
    held = tuple(one for one in problem.held if one not in left)
    return replace(problem, bins=tuple(bins), held=held, quotas=_counted(problem, gone, -1))


def _counted(problem: Problem, members: Collection[Held], sign: int) -> tuple[Quota, ...]:
    """The quotas once these members count for them too (1) or no longer (-1)."""
    ledger = Ledger(problem.quotas, [one.need for one in problem.classes], problem.space.dimensions)
    for one in members if problem.quotas else ():
        ledger.hold(problem.running.get(one.job, Running()).quotas, (one.of,), sign)
    return ledger.quotas


def standing(problem: Problem, more: Iterable[Held]) -> Problem:
    """These members stand where they say; what they hold is no longer free."""
    bins, more = list(problem.bins), tuple(more)
    for one in more:
        bins[one.bin] = _held(bins[one.bin], one, problem, 1)
    held = (*problem.held, *more)
    return replace(problem, bins=tuple(bins), held=held, quotas=_counted(problem, more, 1))


def _held(home: Bin, one: Held, problem: Problem, sign: int) -> Bin:
    """What a member asks for is taken (1) or given back (-1)."""
    need = problem.classes[one.of].need
    free = tuple(have - sign * amount for have, amount in zip(home.free, need.amounts, strict=True))
    devices = list(home.devices)
    for at in one.devices:
        devices[at] = taken_from(devices[at], need, sign)
    return replace(home, free=free, devices=tuple(devices))


def with_more(problem: Problem, count: int, like: int) -> Problem:
    """So many empty bins more like that one.

    Nobody's position in the others changes (so the last ones are not in order of name).
    """
    name = problem.bins[like].name
    empty = empty_copy(problem, like)
    added = (_renamed(empty, f"new-{name}-{number}") for number in range(1, count + 1))
    return replace(problem, bins=(*problem.bins, *added))


def _renamed(one: Bin, name: str) -> Bin:
    labels = {key: name if value == one.name else value for key, value in one.labels.items()}
    return replace(one, name=name, labels=labels)


def closed(problem: Problem, gone: Collection[int]) -> Problem:
    """Nothing is placed in these bins."""
    bins = (
        replace(one, closed=one.closed | Reason.CLOSED) if at in gone else one
        for at, one in enumerate(problem.bins)
    )
    return replace(problem, bins=tuple(bins))


def empty_copy(problem: Problem, like: int) -> Bin:
    """That bin as if it were new: it takes work, nothing stands on it but what stands on every node."""
    one = problem.bins[like]
    devices = tuple(
        replace(device, free_milli=WHOLE, held_memory_bytes=0, id=None, holder="") for device in one.devices
    )
    empty = replace(
        one,
        free=one.total,
        devices=devices,
        held_count=0,
        closed=Reason(0),
        taints=tuple(taint for taint in one.taints if not taint.key.startswith("node.kubernetes.io/")),
    )
    for held in problem.held:
        if held.bin == like and _is_fixed(problem, held):
            empty = _held(empty, replace(held, devices=()), problem, 1)
    return empty


def _is_fixed(problem: Problem, one: Held) -> bool:
    """Whether it belongs to its node: a new one like it has one too (a DaemonSet)."""
    known = problem.running.get(one.job)
    return known is not None and known.fixed


_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


def uncordoned(problem: Problem) -> tuple[Problem, int]:
    """Bins that are cordoned, and closed for nothing else, take work; and how many those are."""
    bins = [opened(one) if _is_cordoned(one) else one for one in problem.bins]
    count = sum(new is not old for new, old in zip(bins, problem.bins, strict=True))
    return replace(problem, bins=tuple(bins)), count


def opened(one: Bin) -> Bin:
    """The bin without a cordon; whatever else closes it does so still."""
    taints = tuple(taint for taint in one.taints if taint.key != _UNSCHEDULABLE)
    return replace(one, closed=one.closed & ~Reason.CORDONED, taints=taints)


def _is_cordoned(one: Bin) -> bool:
    marked = any(taint.key == _UNSCHEDULABLE for taint in one.taints)
    return one.closed == Reason.CORDONED or (marked and not one.closed)


def with_items(problem: Problem, job: str, change: Callable[[ItemClass], ItemClass]) -> Problem:
    """The items of one job ask for something else."""
    classes = list(problem.classes)

    def changed(one: Job) -> Job:
        tasks = []
        for task in one.tasks:
            tasks.append(replace(task, of=len(classes)))
            classes.append(change(problem.classes[task.of]))
        return replace(one, tasks=tuple(tasks))

    jobs = tuple(changed(one) if one.id == job else one for one in problem.jobs)
    return replace(problem, jobs=jobs, classes=tuple(classes))


def with_job(problem: Problem, job: str, change: Callable[[Job], Job]) -> Problem:
    """One job is asked for in another form."""
    return replace(problem, jobs=tuple(change(one) if one.id == job else one for one in problem.jobs))


def with_quotas(problem: Problem, quotas: Sequence[Quota]) -> Problem:
    """Other quotas."""
    return replace(problem, quotas=tuple(quotas))


def with_cuts(problem: Problem, cuts: Iterable[Cut]) -> Problem:
    """The boards are cut as these say. Nobody's position among the devices of a bin changes."""
    bins = list(problem.bins)
    positions = {one.name: at for at, one in enumerate(bins)}
    for cut in cuts:
        at = positions[cut.node]
        bins[at] = _cut(bins[at], cut, problem.space.dimensions)
    return replace(problem, bins=tuple(bins))


def _cut(one: Bin, cut: Cut, dimensions: Sequence[str]) -> Bin:
    gone, more = cut.before or (WHOLE_BOARD,), cut.after or (WHOLE_BOARD,)
    change = [more.count(name) - gone.count(name) for name in dimensions]
    old = next((each for each in one.sliced if each.index == cut.device), None)
    devices = tuple(
        replace(each, free_milli=0) if each.index == cut.device and not cut.before else each
        for each in one.devices
    )
    if old is None:
        device = next(each for each in one.devices if each.index == cut.device)
        old = Sliced(device.kind, device.index, (), True, device.memory_bytes, device.id)
    if not cut.after:
        devices = (*devices, Device(old.kind, old.index, WHOLE, old.memory_bytes, None, old.id))
    sliced = tuple(each for each in one.sliced if each.index != cut.device)
    return replace(
        one,
        free=tuple(map(sum, zip(one.free, change, strict=True))),
        total=tuple(map(sum, zip(one.total, change, strict=True))),
        devices=devices,
        sliced=(*sliced, replace(old, resources=cut.after)) if cut.after else sliced,
    )
