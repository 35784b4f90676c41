"""Who may be stopped, by bin, as rows of arrays: all bins are asked at once where least work makes room."""

from __future__ import annotations

from collections import defaultdict
from copy import copy
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

import numpy as np

from dcctl.packing.fit.state import View
from dcctl.packing.preemption.budgets import Budgets, Covered, highest, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.problem import Held
    from dcctl.packing.scene import Scene

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

Unit: TypeAlias = "tuple[Held, ...]"
"""Members of one job that stop together."""
Cost: TypeAlias = tuple[int, int, int]
"""The highest priority that is hit, then how many members stop, then the thousandths of devices they hold."""
Trouble: TypeAlias = tuple[int, int, int, int]
"""How many members are beyond a disruption budget, then what else it takes (Cost)."""
_T = TypeVar("_T")

_LEAST: Final = -(1 << 62)


class Guess(NamedTuple):
    """A bin that has room once some of those on it stop, as far as amounts and devices say."""

    bin: int
    units: tuple[Unit, ...]
    """All that may stop there, those first that are taken first."""
    first: int
    """So many of them must stop at least."""
    items: int
    """How many items have room then."""
    trouble: Trouble


def anybody(_: Held) -> bool:
    """Every member may be stopped."""
    return True


def cost_of(scene: Scene, members: Sequence[Held]) -> Cost:
    """What it takes to stop these members, whatever budgets say: of none, the least."""
    classes = scene.problem.classes
    return (
        max((scene.running(one.job).priority for one in members), default=_LEAST),
        len(members),
        sum(classes[one.of].need.gpu_milli for one in members),
    )


class Stoppable:
    """Members that may be stopped, in units; of a gang that can miss nobody, all those of a bin."""

    def __init__(self, scene: Scene, may_stop: Callable[[Held], bool] = anybody) -> None:
        """`may_stop`: whether a member may be one of them; what belongs to its node never is."""
        self._scene = scene
        self.gone: dict[str, dict[Held, None]] = defaultdict(dict)
        """Members that stand nowhere any more, by job."""
        self.budgets = Budgets(scene.problem.running)
        """Without those members."""
        self._whole: dict[str, Cost] = {}
        rows = [
            (self._cost(unit), at, unit)
            for at in range(len(scene.problem.bins))
            for unit in self._units(scene.on(at), may_stop)
        ]
        rows.sort(key=lambda row: (row[1], row[0]))
        self._units_of_rows = [unit for _, _, unit in rows]
        self._bin: Ints = np.array([at for _, at, _ in rows], np.int64)
        self._costs: Ints = np.array([cost for cost, _, _ in rows], np.int64).reshape(len(rows), 3)
        covered = [self.budgets.of(unit[0].job) for unit in self._units_of_rows]
        self._covered = Covered(covered, self._costs[:, 1]) if any(covered) else None
        self._alive: Bools = np.ones(len(rows), np.bool_)
        self._row = {one: row for row, unit in enumerate(self._units_of_rows) for one in unit}
        self._free, self._milli, self._memory = self._freed()

    def _units(self, members: Iterable[Held], may_stop: Callable[[Held], bool]) -> Iterable[Unit]:
        units: dict[object, list[Held]] = {}
        for one in members:
            known = self._scene.running(one.job)
            if not known.fixed and may_stop(one):
                whole = 1 < known.minimum >= len(self._scene.of(one.job))
                units.setdefault(one.job if whole else one, []).append(one)
        return map(tuple, units.values())

    def _cost(self, unit: Unit) -> Cost:
        """What it takes to stop a unit: of a gang that can miss nobody, all of it."""
        job = unit[0].job
        minimum = self._scene.running(job).minimum
        if minimum < 2 or len(self._scene.of(job)) > minimum:
            return cost_of(self._scene, unit)
        if job not in self._whole:
            self._whole[job] = cost_of(self._scene, self._scene.of(job))
        return self._whole[job]

    def _freed(self) -> tuple[Ints, Ints, Ints]:
        """What each unit frees in its bin: amounts, thousandths and memory of devices, by row."""
        state = self._scene.placer.engine.state
        free, milli, memory = (
            np.zeros((len(self._units_of_rows), each.shape[1]), np.int64)
            for each in (state.free, state.milli, state.memory)
        )
        for one, row in self._row.items():
            need = state.needs[one.of]
            free[row] += need.amounts
            for device in one.devices if need.devices else one.devices[:1]:
                milli[row, device] += need.each_milli
                memory[row, device] += need.each_memory_bytes
        return free, milli, memory

    def stop(self, members: Iterable[Held]) -> None:
        """They stand nowhere any more."""
        for one in members:
            self.gone[one.job][one] = None
            if one in self._row:
                self._alive[self._row[one]] = False
        self.budgets = self.budgets.after(members)

    def milder(self, trouble: Trouble) -> Iterator[Stoppable]:
        """Some of them, so that stopping any is less than this at the top: none if nobody is left."""
        lower = self._costs[:, 0] < trouble[1]
        for some in (lower, self._beyond(()) == 0) if trouble[0] else (lower,):
            if (self._alive & some).any():
                yield self._only(some)

    def other_than(self, members: Unit) -> Stoppable:
        """All of them but these."""
        some = np.ones(len(self._alive), np.bool_)
        some[[self._row[one] for one in members if one in self._row]] = False
        return self._only(some)

    def _only(self, some: Bools) -> Stoppable:
        fewer = copy(self)
        fewer.keep(some)
        return fewer

    def keep(self, some: Bools) -> None:
        """All but these rows may not be stopped any more."""
        self._alive = self._alive & some

    def units(self, gone: Sequence[Held]) -> Iterator[tuple[Trouble, Unit]]:
        """All units with the trouble of each, least first. `gone`: members that stand nowhere for now."""
        rows = np.flatnonzero(self._left(gone))
        trouble = np.column_stack((self._beyond(gone)[rows], self._costs[rows]))
        for at in np.lexsort(trouble.T[::-1]).tolist():
            yield tuple(trouble[at].tolist()), self._units_of_rows[rows[at]]

    def _beyond(self, gone: Iterable[Held]) -> Ints:
        """How many of each row are beyond a budget if it stops alone."""
        if self._covered is None:
            return np.zeros(len(self._costs), np.int64)
        return self._covered.alone(self.budgets.after(gone))

    def _in_turn(self, rows: Ints, gone: Iterable[Held]) -> tuple[Ints, Ints]:
        """Rows of each bin in the order in which they stop, and how many of each are beyond a budget then.

        Those that are beyond none come first.
        """
        if self._covered is None:
            return rows, np.zeros(len(rows), np.int64)
        budgets = self.budgets.after(gone)
        beyond = self._covered.in_turn(rows, self._bin, budgets)
        rows = rows[np.lexsort((beyond > 0, self._bin[rows]))]
        return rows, self._covered.in_turn(rows, self._bin, budgets)

    def _left(self, gone: Iterable[Held]) -> Bools:
        """The rows whose unit still stands."""
        alive = self._alive.copy()
        alive[[self._row[one] for one in gone if one in self._row]] = False
        return alive

    def guesses(self, of: int, most: int, gone: Sequence[Held]) -> Iterator[Guess]:
        """Bins that have room for more items of a class once some stop: least trouble, then idlest, first.

        `gone`: members that stand nowhere for now; `most`: of no more items is it asked whether they fit.
        Rules of who stands beside whom are not looked at.
        """
        alive = self._left(gone)
        engine = self._scene.placer.engine
        can = engine.items.wanted[of].fixed == 0
        if engine.relations.related[of]:
            can &= engine.refusals(of) != 0
        rows = np.flatnonzero(alive & can[self._bin])
        if len(rows):
            rows, beyond = self._in_turn(rows, gone)
            trouble = self._troubles(rows, self._beyond(gone)[rows], beyond)
            yield from self._ordered(rows, self._room(of, most, rows), trouble)

    def _troubles(self, rows: Ints, alone: Ints, in_turn: Ints) -> Ints:
        """What it takes if each row stops alone, then if all before it in its bin do too."""
        at, costs = self._bin[rows], self._costs[rows]
        sums = summed(np.column_stack((in_turn, costs[:, 1:])), at)
        together = np.column_stack((sums[:, 0], highest(costs[:, 0], at), sums[:, 1:]))
        return np.concatenate((np.column_stack((alone, costs)), together))

    def _room(self, of: int, most: int, rows: Ints) -> Ints:
        """How many more items fit: if each row stops alone, then if all before it in its bin do too."""
        at = self._bin[rows]

        def room(freed: Callable[[Ints], Ints]) -> Ints:
            now = engine.state.view(at)
            free, milli, memory = (freed(each[rows]) for each in (self._free, self._milli, self._memory))
            return wanted.copies(View(at, now.free + free, now.milli + milli, now.memory + memory), most)

        engine = self._scene.placer.engine
        wanted = engine.items.wanted[of]
        more = np.concatenate((room(lambda each: each), room(lambda each: summed(each, at))))
        if not engine.relations.related[of]:
            more -= np.tile(wanted.copies(engine.state.view(at), most), 2)
        return more

    def _ordered(self, rows: Ints, items: Ints, trouble: Ints) -> Iterator[Guess]:
        fits = np.flatnonzero(items)
        idle = np.maximum(self._scene.placer.engine.state.milli, 0).sum(axis=1)
        idlest = -idle[np.tile(self._bin[rows], 2)[fits]]
        order = fits[np.lexsort((fits, idlest, *trouble[fits].T[::-1]))]
        seen: set[int] = set()
        for choice in order.tolist():
            row = choice % len(rows)
            at = int(self._bin[rows[row]])
            if at not in seen:
                seen.add(at)
                here = rows[self._bin[rows] == at].tolist()
                units = [self._units_of_rows[one] for one in here]
                position = here.index(int(rows[row]))
                if choice < len(rows):
                    units.insert(0, units.pop(position))
                    position = 0
                told = tuple(trouble[choice].tolist())
                yield Guess(at, tuple(units), position + 1, int(items[choice]), told)


def least_first(told: Iterable[tuple[Trouble, _T]], now: Callable[[_T], Trouble]) -> Iterator[_T]:
    """In the order of what each takes now. `told`: in the order of what it took at first, or less.

    What others take away in between can only add to it.
    """
    late: list[tuple[Trouble, int, _T]] = []

    def ready(least: Trouble | None = None) -> Iterator[_T]:
        while late and (least is None or late[0][0] <= least):
            known, number, one = heappop(late)
            trouble = now(one)
            if trouble > known:
                heappush(late, (trouble, number, one))
            else:
                yield one

    for number, (trouble, one) in enumerate(told):
        yield from ready(trouble)
        heappush(late, (trouble, number, one))
    yield from ready()
