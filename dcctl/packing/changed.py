"""The same problem with one thing changed: for cures, which are proved by planning again, and what-ifs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.packing.cuts.mig import WHOLE_BOARD
from dcctl.packing.fit.quotas import changed, counted
from dcctl.packing.problem import WHOLE, Device, Sliced

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from dcctl.packing.plan import Cut
    from dcctl.packing.problem import Bin, Held, ItemClass, Job, Problem, Quota
    from dcctl.packing.reasons import Reason


def without(problem: Problem, gone: Collection[Held]) -> Problem:
    """These members stand nowhere any more; what they held is free."""
    bins = list(problem.bins)
    for one in gone:
        bins[one.bin] = _freed(bins[one.bin], one, problem)
    left = set(gone)
    return replace(
        problem,
        bins=tuple(bins),
        held=tuple(one for one in problem.held if one not in left),
        quotas=tuple(_given_back(problem, gone)),
    )


def _given_back(problem: Problem, gone: Collection[Held]) -> Iterator[Quota]:
    """The quotas without what these members counted for them."""
    dimensions = problem.space.dimensions
    for quota in problem.quotas:
        mine = (
            one for one in gone if one.job in problem.running and quota.id in problem.running[one.job].quotas
        )
        freed = counted((problem.classes[one.of].need for one in mine), dimensions)
        yield replace(quota, used=changed(quota.used, freed, -1))


def _freed(home: Bin, one: Held, problem: Problem) -> Bin:
    need = problem.classes[one.of].need
    free = tuple(have + amount for have, amount in zip(home.free, need.amounts, strict=True))
    devices = list(home.devices)
    for at in one.devices:
        back = WHOLE if need.devices else need.share_milli
        devices[at] = replace(devices[at], free_milli=min(WHOLE, devices[at].free_milli + back))
    return replace(home, free=free, devices=tuple(devices))


def with_bins(problem: Problem, added: Iterable[Bin]) -> Problem:
    """More bins; nobody's position in the others changes (so the last ones are not in order of name)."""
    return replace(problem, bins=(*problem.bins, *added))


def empty_copy(one: Bin, name: str) -> Bin:
    """A new bin like this one, on which nothing stands and that takes work."""
    devices = tuple(replace(device, free_milli=WHOLE, id=None, holder="") for device in one.devices)
    labels = {key: name if value == one.name else value for key, value in one.labels.items()}
    taints = tuple(taint for taint in one.taints if not taint.key.startswith("node.kubernetes.io/"))
    return replace(
        one,
        name=name,
        free=one.total,
        devices=devices,
        held_count=0,
        closed=type(one.closed)(0),
        labels=labels,
        taints=taints,
    )


def opened(problem: Problem, reason: Reason) -> Problem:
    """Bins that are closed for this reason alone are open."""
    closed = type(reason)
    bins = (replace(one, closed=closed(0)) if one.closed == reason else one for one in problem.bins)
    return replace(problem, bins=tuple(bins))


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
