"""Who may be stopped, by bin, as rows of arrays: all bins are asked at once where least work makes room."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np

from dcctl.packing.fit.state import View
from dcctl.packing.problem import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.problem import Held
    from dcctl.packing.scene import Scene

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

Unit: TypeAlias = "tuple[Held, ...]"
"""Members of one job that stop together."""
Trouble: TypeAlias = tuple[int, int, int]
"""The highest priority that is hit, then how many members stop, then the thousandths of devices they hold."""


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


def trouble_of(scene: Scene, members: Sequence[Held]) -> Trouble:
    """What it takes to stop these members: of none, the least."""
    classes = scene.problem.classes
    return (
        max((scene.running(one.job).priority for one in members), default=-_LEAST),
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
        self._whole: dict[str, Trouble] = {}
        rows = [
            (self._of_unit(unit), at, unit)
            for at in range(len(scene.problem.bins))
            for unit in self._units(scene.on(at), may_stop)
        ]
        rows.sort(key=lambda row: (row[1], row[0]))
        self._units_of_rows = [unit for _, _, unit in rows]
        self._bin: Ints = np.array([at for _, at, _ in rows], np.int64)
        self._trouble: Ints = np.array([trouble for trouble, _, _ in rows], np.int64).reshape(len(rows), 3)
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

    def _of_unit(self, unit: Unit) -> Trouble:
        """What it takes to stop a unit: of a gang that can miss nobody, all of it."""
        job = unit[0].job
        minimum = self._scene.running(job).minimum
        if minimum < 2 or len(self._scene.of(job)) > minimum:
            return self.trouble(unit)
        if job not in self._whole:
            self._whole[job] = self.trouble(self._scene.of(job))
        return self._whole[job]

    def trouble(self, members: Sequence[Held]) -> Trouble:
        """What it takes to stop these members, of which there are some."""
        return trouble_of(self._scene, members)

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
                milli[row, device] += WHOLE if need.devices else need.share_milli
                memory[row, device] += 0 if need.devices else need.device_memory_bytes
        return free, milli, memory

    def stop(self, members: Iterable[Held]) -> None:
        """They stand nowhere any more."""
        for one in members:
            self.gone[one.job][one] = None
            if one in self._row:
                self._alive[self._row[one]] = False

    def units(self, gone: Iterable[Held]) -> Iterator[Unit]:
        """All units, least trouble first. `gone`: members that stand nowhere for now."""
        rows = np.flatnonzero(self._left(gone))
        for row in rows[np.lexsort(self._trouble[rows].T[::-1])].tolist():
            yield self._units_of_rows[row]

    def _left(self, gone: Iterable[Held]) -> Bools:
        """The rows whose unit still stands."""
        alive = self._alive.copy()
        alive[[self._row[one] for one in gone if one in self._row]] = False
        return alive

    def guesses(self, of: int, most: int, gone: Iterable[Held]) -> Iterator[Guess]:
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
            yield from self._ordered(rows, *self._room(of, most, rows))

    def _room(self, of: int, most: int, rows: Ints) -> tuple[Ints, Ints]:
        """How many more items fit, and the trouble: if each row stops alone, then if all before it do too."""
        at, trouble = self._bin[rows], self._trouble[rows]
        first = np.flatnonzero(np.diff(at, prepend=-1))
        counts = np.diff(first, append=len(at))

        def summed(each: Ints) -> Ints:
            total = each.cumsum(axis=0)
            return total - np.repeat(total[first] - each[first], counts, axis=0)

        def room(freed: Callable[[Ints], Ints]) -> Ints:
            now = engine.state.view(at)
            free, milli, memory = (freed(each[rows]) for each in (self._free, self._milli, self._memory))
            return wanted.copies(View(at, now.free + free, now.milli + milli, now.memory + memory), most)

        engine = self._scene.placer.engine
        wanted = engine.items.wanted[of]
        # those of a bin are in order of priority: the last one has the highest
        together = np.column_stack((trouble[:, 0], summed(trouble[:, 1:])))
        more = np.concatenate((room(lambda each: each), room(summed)))
        if not engine.relations.related[of]:
            more -= np.tile(wanted.copies(engine.state.view(at), most), 2)
        return more, np.concatenate((trouble, together))

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
