"""The smallest changes after which a job fits, each proved by planning again."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from dcctl.packing.changed import empty_copy, opened, with_bins, with_items, with_job, with_quotas, without
from dcctl.packing.fit.quotas import amount, raised
from dcctl.packing.preemption.blocking import fits_without, in_the_way
from dcctl.packing.problem import LEVELS
from dcctl.packing.questions.defrag import in_order, movable
from dcctl.packing.reasons import Reason
from dcctl.packing.scene import Scene
from dcctl.packing.solve import solved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dcctl.inventory.placement import Level, Template
    from dcctl.packing.problem import Held, ItemClass, Job, Problem
    from dcctl.packing.solve import Options

Way: TypeAlias = Literal["quota", "move", "relax", "open", "wait", "evict", "fewer", "add"]
"""In this order, the least trouble first."""
WAYS: tuple[Way, ...] = ("quota", "move", "relax", "open", "wait", "evict", "fewer", "add")


class Cure(NamedTuple):
    """One change that lets the job fit."""

    way: Way
    what: str
    """What is changed: a quota, a label, a model; empty where the members say it."""
    amount: int = 0
    """How much: of a quota, members that fit, nodes to add."""
    members: tuple[Held, ...] = ()
    """Who moves, is evicted, or is waited for."""
    homes: tuple[int, ...] = ()
    """Where each of those who move goes: bins."""
    at_s: int | None = None
    """Unix time at which it fits by itself."""


def cures(problem: Problem, job: Job, options: Options) -> tuple[Cure, ...]:
    """Changes after which the job fits, the least trouble first; empty: none was found."""
    search = _Search(problem, job, options)
    found = [
        cure for way in (_quota, _members, _relaxed, _opened, _waited, _fewer, _added) for cure in way(search)
    ]
    return tuple(sorted(found, key=lambda one: (WAYS.index(one.way), len(one.members), one.amount)))


class _Search:
    """One job that does not fit, and how to try whether it does."""

    def __init__(self, problem: Problem, job: Job, options: Options) -> None:
        self.job, self.options = job, options
        self.solution = solved(_first_come(problem, job, options), options)
        self.problem = self.solution.problem
        self.scene = Scene(self.solution)

    def proved(self, changed: Problem) -> bool:
        """Whether the job has all its members in a plan made anew."""
        plan = solved(changed, self.options)
        return any(one.job.id == self.job.id and not one.missing for one in plan.placed)


def _first_come(problem: Problem, job: Job, options: Options) -> Problem:
    """The problem without other jobs that do not fit either: room that is made must not go to them."""
    plan = solved(problem, options)
    hopeless = {one.job.id for one in plan.placed if not one.stands and one.job.id != job.id}
    return replace(problem, jobs=tuple(one for one in problem.jobs if one.id not in hopeless))


def _quota(search: _Search) -> Iterator[Cure]:
    """Raise what it lacks of its quotas, all at once."""
    short = search.solution.placer.ledger.short(search.job)
    if not short:
        return
    lacking: dict[str, dict[str, int]] = {}
    for one in short:
        lacking.setdefault(one.quota.id, {})[one.dimension] = one.lacking
    if search.proved(with_quotas(search.problem, raised(search.problem.quotas, lacking))):
        told = (f"{one.quota.name} by {amount(one.dimension, one.lacking)}" for one in short)
        yield Cure("quota", " and ".join(told), short[0].lacking if len(short) == 1 else 0)


def _members(search: _Search) -> Iterator[Cure]:
    """Take away the fewest members that stand in its way: to other bins if they fit there."""
    chosen = [*chain.from_iterable(in_the_way(search.scene, search.job))]
    if not chosen:
        return
    homes = _new_homes(search, chosen)
    if search.proved(without(search.problem, chosen)):
        yield Cure("evict" if homes is None else "move", "", len(chosen), tuple(chosen), homes or ())


def _new_homes(search: _Search, members: Sequence[Held]) -> tuple[int, ...] | None:
    """Where each goes, one after the other; None if one may not move or finds no room beside the job."""
    scene = search.scene
    if not all(movable(scene, one) for one in members):
        return None
    steps = in_order(scene, members)
    if steps is None:
        return None
    mark = scene.placer.mark()
    for step in steps:
        scene.release((step.member,))
        scene.placer.engine.put(step.member.of, step.to, step.devices)
        scene.placer.ledger.count(scene.running(step.member.job).quotas, (step.member.of,))
    fits = not scene.placer.place(search.job).missing
    scene.placer.undo(mark)
    homes = {step.member: step.to for step in steps}
    return tuple(homes[one] for one in members) if fits else None


def _relaxed(search: _Search) -> Iterator[Cure]:
    """Drop one condition of the job."""
    seen = set()
    for task in search.job.tasks:
        for what, change in _relaxations(search.problem.classes[task.of]):
            if what not in seen and search.proved(with_items(search.problem, search.job.id, change)):
                yield Cure("relax", what)
            seen.add(what)
    level = search.job.within
    if level is not None and level != "site":
        wider = LEVELS[LEVELS.index(level) + 1 :] if level in LEVELS else LEVELS
        for other in wider:
            if search.proved(with_job(search.problem, search.job.id, _within(other))):
                yield Cure("relax", f"within one {level}: one {other} has room")
                return


def _within(level: Level) -> Callable[[Job], Job]:
    return lambda job: replace(job, within=level)


def _relaxations(one: ItemClass) -> Iterator[tuple[str, Callable[[ItemClass], ItemClass]]]:
    template = one.template
    if one.need.models:
        yield f"models {', '.join(one.need.models)}", _any_model
    for key, value in template.node_selector.items():
        yield f"node selector {key}={value}", _retemplated(partial(_unselected, key=key))
    if template.required is not None:
        yield "required node affinity", _retemplated(lambda t: replace(t, required=None))
    if any(each.required for each in template.spreads):
        yield "topology spread", _retemplated(lambda t: replace(t, spreads=()))
    if any(each.apart and not each.weight for each in template.neighbours):
        yield (
            "anti-affinity",
            _retemplated(lambda t: replace(t, neighbours=tuple(n for n in t.neighbours if not n.apart))),
        )
    if any(not each.apart and not each.weight for each in template.neighbours):
        yield (
            "affinity",
            _retemplated(lambda t: replace(t, neighbours=tuple(n for n in t.neighbours if n.apart))),
        )
    yield "taints", _tolerant


def _any_model(one: ItemClass) -> ItemClass:
    return replace(one, need=replace(one.need, models=()), template=replace(one.template, models=()))


def _retemplated(change: Callable[[Template], Template]) -> Callable[[ItemClass], ItemClass]:
    return lambda one: replace(one, template=change(one.template))


def _unselected(template: Template, key: str) -> Template:
    kept = {name: value for name, value in template.node_selector.items() if name != key}
    return replace(template, node_selector=kept)


def _tolerant(one: ItemClass) -> ItemClass:
    """It tolerates every taint but those of nodes that are not ready or cordoned."""
    from dcctl.inventory.placement import Toleration

    return replace(one, template=replace(one.template, tolerations=(Toleration(operator="Exists"),)))


def _opened(search: _Search) -> Iterator[Cure]:
    """Open the bins that are cordoned."""
    count = sum(one.closed == Reason.CORDONED for one in search.problem.bins)
    if count and search.proved(opened(search.problem, Reason.CORDONED)):
        yield Cure("open", "cordoned", count)


def _waited(search: _Search) -> Iterator[Cure]:
    """Wait for jobs that are known to end."""
    running = search.problem.running
    ends = sorted((known.ends_s, job) for job, known in running.items() if known.ends_s is not None)
    units = [tuple(search.scene.of(job)) for _, job in ends]
    if not ends or not fits_without(search.scene, search.job, units):
        return
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high) // 2
        fits = fits_without(search.scene, search.job, units[:middle])
        low, high = (low, middle) if fits else (middle + 1, high)
    if low and search.proved(without(search.problem, [*chain.from_iterable(units[:low])])):
        last_s, job = ends[low - 1]
        yield Cure("wait", job, low, at_s=last_s)


def _fewer(search: _Search) -> Iterator[Cure]:
    """Ask for fewer members."""
    job = search.job
    if job.size < 2 or len(job.tasks) != 1:
        return
    low, high = 0, job.size - 1
    while low < high:
        middle = (low + high + 1) // 2
        mark = search.scene.placer.mark()
        fits = not search.scene.placer.place(_shrunk(job, middle)).missing
        search.scene.placer.undo(mark)
        low, high = (middle, high) if fits else (low, middle - 1)
    if low and search.proved(with_job(search.problem, job.id, lambda one: _shrunk(one, low))):
        yield Cure("fewer", "", low)


def _shrunk(job: Job, count: int) -> Job:
    task = job.tasks[0]
    return replace(job, tasks=(replace(task, members=task.members[:count]),), minimum=min(job.minimum, count))


def _added(search: _Search) -> Iterator[Cure]:
    """Add nodes like one that could hold most of its items if it were empty."""
    placed = next(one for one in search.solution.placed if one.job.id == search.job.id)
    of = search.job.tasks[0].of if placed.refused_for is None else placed.refused_for
    at, copies = _roomiest(search.problem, search.scene, of)
    if not copies:
        return
    like = search.problem.bins[at]
    added = [empty_copy(like, f"new-{number}") for number in range(1, -(-placed.missing // copies) + 1)]
    low, high = 1, len(added)
    while low < high:
        middle = (low + high) // 2
        fits = search.proved(with_bins(search.problem, added[:middle]))
        low, high = (low, middle) if fits else (middle + 1, high)
    if search.proved(with_bins(search.problem, added[:low])):
        yield Cure("add", like.name, low)


def _roomiest(problem: Problem, scene: Scene, of: int) -> tuple[int, int]:
    """The bin that holds most items of a class once it is empty, and how many."""
    kinds = {
        (one.total, one.device_count, one.kinds, one.taints): at
        for at, one in reversed([*enumerate(problem.bins)])
    }
    engine = scene.placer.engine
    rows = [at for at in sorted(kinds.values()) if not engine.items.wanted[of].fixed[at]]
    if not rows:
        return 0, 0
    clones = tuple(empty_copy(problem.bins[at], problem.bins[at].name) for at in rows)
    empty = solved(replace(problem, bins=clones, jobs=(), held=(), running={}))
    copies = empty.placer.engine.items.wanted[of].copies(empty.placer.engine.state.view(), 1 << 16)
    best = int(copies.argmax())
    return rows[best], int(copies[best])
