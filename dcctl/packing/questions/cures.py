"""The smallest changes after which a job fits, each proved by planning again."""

from __future__ import annotations

from itertools import chain, takewhile
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from dcctl.packing.changed import (
    empty_copy,
    standing,
    uncordoned,
    with_items,
    with_job,
    with_more,
    with_quotas,
    without,
)
from dcctl.packing.fit.quotas import amount, raised
from dcctl.packing.planning import decided
from dcctl.packing.preemption.blocking import fits_without, in_the_way, lack_of, least
from dcctl.packing.preemption.budgets import Budgets
from dcctl.packing.preemption.preempt import preempting
from dcctl.packing.preemption.stoppable import Stoppable
from dcctl.packing.problem import LEVELS
from dcctl.packing.questions.ask import only_for
from dcctl.packing.questions.defrag import in_order, movable
from dcctl.packing.questions.relaxed import relaxations
from dcctl.packing.scene import Scene
from dcctl.packing.solve import solved
from dcctl.packing.timed.backfill import in_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dcctl.inventory.placement import Level
    from dcctl.packing.preemption.stoppable import Unit
    from dcctl.packing.problem import Held, Job, Problem
    from dcctl.packing.questions.defrag import Step
    from dcctl.packing.questions.relaxed import Relaxed
    from dcctl.packing.solve import Options

Way: TypeAlias = Literal["quota", "move", "relax", "tolerate", "open", "wait", "evict", "fewer", "add"]
"""In this order, the least trouble first."""
WAYS: tuple[Way, ...] = ("quota", "move", "relax", "tolerate", "open", "wait", "evict", "fewer", "add")

_MOST_ADDED = 64
"""Nodes to add: to need more of them is no advice."""
_FEWEST = 10
"""Asking for less than this part of the members is none either."""
_ALL_TRIED = 16
"""Of a job of so many members, every smaller number is tried until one fits."""
_BEFORE = 16
"""Jobs that are planned before it and do not fit, for which room is made too."""


class Cure(NamedTuple):
    """One change that lets the job fit."""

    way: Way
    what: str
    """What is changed: a quota, a label, a model, a taint; empty where the members say it."""
    amount: int = 0
    """How much: of a quota, members that fit, nodes to add, nodes with a taint."""
    members: tuple[Held, ...] = ()
    """Who moves, in the order of the steps, is evicted, or is waited for."""
    steps: tuple[Step, ...] = ()
    """Of those who move: each has room when its turn comes."""
    at_s: int | None = None
    """Unix time at which it fits by itself."""
    alone: bool = False
    """Whether it is proved only if no other work that waits and does not fit takes the room."""

    instead_of: tuple[str, ...] = ()
    """Other jobs that have a place now and lose it."""

    @property
    def homes(self) -> tuple[int, ...]:
        """Where each of those who move goes: bins."""
        return tuple(step.to for step in self.steps)


def cures(problem: Problem, job: Job, options: Options) -> tuple[Cure, ...]:
    """Changes after which the job fits, the least trouble first; empty: none was found.

    Each is proved by planning again all that waits; only if there is none, without others that do not fit.
    """
    found = _found(_Search(problem, job, options))
    if not found and any(one.id == job.id for one in problem.jobs):
        alone = only_for(problem, job.id, options)
        if len(alone.jobs) < len(problem.jobs):
            found = [one._replace(alone=True) for one in _found(_Search(alone, job, options))]
    return tuple(sorted(found, key=lambda one: (WAYS.index(one.way), len(one.members), one.amount)))


def _found(search: _Search) -> list[Cure]:
    ways = (_quota, _members, _relaxed, _opened, _waited, _fewer, _added)
    return [cure for way in ways for cure in way(search)]


class _Search:
    """One job that does not fit, and how to try whether it does."""

    def __init__(self, problem: Problem, job: Job, options: Options) -> None:
        self.problem, self.job, self.options = problem, job, options
        solution = solved(preempting(problem, options).problem if options.preempt else problem, options)
        self.placed = solution.placed
        """All that waits, at once, in the order of the plan."""
        self.scene = Scene(solution)
        """What the plan leaves, without the job."""
        own = next((one for one in self.placed if one.job.id == job.id), None)
        refused = own.refused_for if own is not None else None
        self.of = job.tasks[0].of if refused is None else refused
        if own is not None:  # else it is pushed out only where boards are cut first
            solution.placer.remove(own)

    def proved(self, changed: Problem) -> bool:
        """Whether the job has all its members in a plan made anew."""
        plan = decided(changed, self.options).plan
        return all(one.job != self.job.id for one in plan.unplaced)

    def without_place(self, changed: Problem) -> tuple[str, ...]:
        """Other jobs of which more members have no place in a plan made anew than now."""
        before, after = (
            {one.job: one.members for one in decided(each, self.options).plan.unplaced}
            for each in (self.problem, changed)
        )
        worse = (name for name, members in after.items() if members > before.get(name, 0))
        return tuple(sorted(name for name in worse if name != self.job.id))

    def least(self, low: int, high: int, changed: Callable[[int], Problem]) -> int | None:
        """The least number whose change lets the job fit; None: not even the highest does.

        `low`: no smaller one can; it is tried first, as it mostly does.
        """
        if low > high or not self.proved(changed(high)):
            return None
        if self.proved(changed(low)):
            return low
        low += 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.proved(changed(middle)) else (middle + 1, high)
        return high


def _quota(search: _Search) -> Iterator[Cure]:
    """Raise what it lacks of its quotas, all at once."""
    short = search.scene.placer.ledger.short(search.job)
    if short and search.proved(with_quotas(search.problem, raised(search.problem.quotas, short))):
        told = (f"{one.quota.name} by {amount(one.dimension, one.lacking)}" for one in short)
        yield Cure("quota", " and ".join(told), short[0].lacking if len(short) == 1 else 0)


def _members(search: _Search) -> Iterator[Cure]:
    """Take away the fewest members that stand in its way: to other bins if they fit there."""
    chosen = tuple(chain.from_iterable(in_the_way(search.scene, search.job)))
    if not chosen:
        return
    steps = _moves(search, chosen)
    moved = [replace(step.member, bin=step.to, devices=step.devices) for step in steps]
    if steps and search.proved(standing(without(search.problem, chosen), moved)):
        yield Cure("move", "", len(steps), tuple(step.member for step in steps), steps)
        return
    for stopped in _evicted(search, chosen):
        gone = tuple(chain.from_iterable(stopped))
        if gone and search.proved(without(search.problem, gone)):
            yield Cure("evict", "", len(gone), gone)
            return


def _moves(search: _Search, members: Sequence[Held]) -> tuple[Step, ...]:
    """Steps that take these members elsewhere; none if one may not move or finds no room."""
    if not all(movable(search.scene, one) for one in members):
        return ()
    return in_order(search.scene, members) or ()


def _evicted(search: _Search, chosen: Sequence[Held]) -> Iterator[Sequence[Unit]]:
    """Whole jobs that may be what has to go: those that break no budget first."""
    scene, budgets = search.scene, Budgets(search.problem.running)
    whole = _whole(search, chosen)
    if budgets.beyond(chain.from_iterable(whole)):
        harmless = Stoppable(scene, lambda one: not budgets.beyond(scene.of(one.job)))
        yield _whole(search, chain.from_iterable(in_the_way(scene, search.job, harmless)))
    yield whole
    yield _with_those_before(search)


def _whole(search: _Search, members: Iterable[Held]) -> Sequence[Unit]:
    """All members of the jobs of these, without the jobs that can stay."""
    scene = search.scene
    jobs = [tuple(scene.of(name)) for name in dict.fromkeys(one.job for one in members)]
    return least(scene, search.job, jobs, Budgets(search.problem.running))


def _with_those_before(search: _Search) -> list[Unit]:
    """Whole jobs without which it fits, and all that are planned before it and do not fit either."""
    scene = search.scene
    gone: dict[str, Unit] = {}
    stoppable = Stoppable(scene)
    mark = scene.placer.mark()
    before = takewhile(lambda one: one.job.id != search.job.id, search.placed)
    waits = [one for one in before if one.missing and not one.quota][:_BEFORE]
    for found in waits:
        scene.placer.remove(found)
    for job in (*(found.job for found in waits), search.job):
        units = in_the_way(scene, job, stoppable)
        for name in dict.fromkeys(one.job for unit in units for one in unit):
            gone[name] = tuple(scene.of(name))
            scene.release(gone[name])
            stoppable.stop(gone[name])
        scene.placer.place(job)
    scene.placer.undo(mark)
    return list(gone.values())


def _relaxed(search: _Search) -> Iterator[Cure]:
    """Drop one condition of the job."""
    seen: set[str] = set()
    items = search.scene.placer.engine.items
    for task in search.job.tasks:
        for sort in relaxations(items, task.of, search.problem.classes[task.of]):
            yield from _least_of(search, [one for one in sort if one.what not in seen])
            seen.update(one.what for one in sort)
    if search.job.deadline_s is not None and search.proved(_timeless(search)):
        yield Cure("relax", "deadline")
    level = search.job.within
    if level is not None and level != "site":
        wider = LEVELS[LEVELS.index(level) + 1 :] if level in LEVELS else LEVELS
        for other in wider:
            if search.proved(with_job(search.problem, search.job.id, _within(other))):
                yield Cure("relax", f"within one {level}: one {other} has room")
                return


def _timeless(search: _Search) -> Problem:
    return with_job(search.problem, search.job.id, lambda job: replace(job, deadline_s=None))


def _within(level: Level) -> Callable[[Job], Job]:
    return lambda job: replace(job, within=level)


def _least_of(search: _Search, sort: Iterable[Relaxed]) -> Iterator[Cure]:
    """Each that lets the job fit by itself; the last, which drops all of its sort, only if no other does."""
    found = 0
    for one in sort:
        if not (one.all_of_them and found) and search.proved(
            with_items(search.problem, search.job.id, one.change)
        ):
            found += 1
            yield Cure("tolerate" if one.nodes else "relax", one.what, one.nodes)


def _opened(search: _Search) -> Iterator[Cure]:
    """Open the bins that are cordoned."""
    changed, count = uncordoned(search.problem)
    if count and search.proved(changed):
        yield Cure("open", "cordoned", count)


def _waited(search: _Search) -> Iterator[Cure]:
    """Wait for jobs that are known to end. A plan in time does so by itself."""
    if in_time(search.problem):
        return
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
    """Ask for fewer members, but not for next to nothing of it."""
    job = search.job
    if job.size < 2 or len(job.tasks) != 1:
        return

    def without_some(count: int) -> Problem:
        return with_job(search.problem, job.id, lambda one: _shrunk(one, job.size - count))

    fewest = max(1, -(-job.size // _FEWEST))
    low = max(1, lack_of(search.scene, job, job.tasks[0]))
    if job.size <= _ALL_TRIED:  # a smaller job may have its turn later, so more of it may fit than does less
        tried = range(low, job.size - fewest + 1)
        left_out = next((one for one in tried if search.proved(without_some(one))), None)
    else:
        left_out = search.least(low, job.size - fewest, without_some)
    if left_out is not None:
        instead_of = search.without_place(without_some(left_out))
        yield Cure("fewer", "", job.size - left_out, instead_of=instead_of)


def _shrunk(job: Job, count: int) -> Job:
    task = job.tasks[0]
    return replace(job, tasks=(replace(task, members=task.members[:count]),), minimum=min(job.minimum, count))


def _added(search: _Search) -> Iterator[Cure]:
    """Add nodes like one that could hold most of its items if it were empty, but not many."""
    at, copies = _roomiest(search.problem, search.scene, search.of)
    if copies:
        task = next(one for one in search.job.tasks if one.of == search.of)
        low = max(1, -(-lack_of(search.scene, search.job, task) // copies))
        count = search.least(low, _MOST_ADDED, lambda count: with_more(search.problem, count, at))
        if count is not None:
            yield Cure("add", search.problem.bins[at].name, count)


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
    clones = tuple(empty_copy(problem, at) for at in rows)
    empty = solved(replace(problem, bins=clones, jobs=(), held=(), running={}))
    copies = empty.placer.engine.items.wanted[of].copies(empty.placer.engine.state.view(), 1 << 16)
    best = int(copies.argmax())
    return rows[best], int(copies[best])
