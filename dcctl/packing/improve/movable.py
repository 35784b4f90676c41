"""What of a plan can be moved, taken out of the bins: what a search changes, apart from what must stay.

Gangs, what must stand within one part, and all of whom a rule asks where they stand, stay where they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.greedy.place import Placed, Stand
from dcctl.packing.improve.rooms import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.packing.greedy.engine import Engine
    from dcctl.packing.improve.rooms import Devices
    from dcctl.packing.problem import Job, Problem


class Item(NamedTuple):
    """One member, by the position of what became of its job."""

    placed: int
    member: str


class Entry(NamedTuple):
    """An item in a bin."""

    kind: int
    devices: Devices
    item: Item


class Loose:
    """The bins of an engine without what can be moved, and what that is, until `finish` puts it back."""

    def __init__(self, problem: Problem, engine: Engine, placed: Sequence[Placed]) -> None:
        """Members that count for a quota may be moved, never added or left out."""
        self._engine, self._placed = engine, [*placed]
        self.tiers = sorted({-one.job.priority for one in placed})
        """Priorities, the most urgent first, with the sign turned."""
        self.kinds: list[Kind] = []
        self.inside: list[list[Entry]] = [[] for _ in range(engine.state.count)]
        """By bin. The lists are replaced, never changed."""
        self.waiting: dict[int, list[Item]] = defaultdict(list)
        """Items by kind that are in no bin."""
        self._numbers: dict[tuple[int, int, bool], int] = {}
        for at, one in enumerate(placed):
            if _alone(one.job):
                self._take_out(at, one, not one.job.quotas)
        self.free: list[list[int]] = engine.state.free.tolist()
        self.milli: list[list[int]] = engine.state.milli.tolist()
        """What is free in the bins without them."""
        self._usable: dict[tuple[int, int], Devices | None] = {}
        self._alike = self._alikes()

    @property
    def everything(self) -> bool:
        """Whether nothing has to stay where it is, and nothing that waits is left out of account."""
        waiting = sum(map(len, self.waiting.values()))
        return all(not one.stands for one in self._placed) and waiting == sum(o.missing for o in self._placed)

    def room_for(self, number: int) -> bool:
        """Whether any bin holds an item of a kind while nothing that can be moved is in it."""
        wanted = self._engine.items.wanted[self.kinds[number].of]
        return bool((wanted.refusals(self._engine.state.view()) == 0).any())

    def _take_out(self, at: int, placed: Placed, free: bool) -> None:
        """What of a job can be moved is in no bin of the engine any more."""
        stay = []
        for stand in placed.stands:
            number = self._number(stand.of, placed.job, free)
            if number is None:
                stay.append(stand)
            else:
                self._engine.take(stand.of, stand.put)
                entry = Entry(number, stand.put.devices, Item(at, stand.member))
                self.inside[stand.put.bin].append(entry)
        standing = {stand.member for stand in placed.stands}
        for task in placed.job.tasks if placed.missing and free else ():
            number = self._number(task.of, placed.job, free)
            if number is not None:
                self.waiting[number] += [Item(at, one) for one in task.members if one not in standing]
        self._placed[at] = Placed(placed.job, stay, placed.missing, placed.refused_for, placed.quota)

    def _number(self, of: int, job: Job, free: bool) -> int | None:
        """The kind of the members of a class; None where they stay."""
        need = self._engine.items.wanted[of].need
        if self._engine.relations.counted[of] or need.each_memory_bytes:
            return None
        key = (of, self.tiers.index(-job.priority), free)
        if key not in self._numbers:
            self._numbers[key] = len(self.kinds)
            self.kinds.append(Kind.made(of, need, *key[1:]))
        return self._numbers[key]

    def _alikes(self) -> list[int]:
        """By kind: a number for the bins and devices that will do."""
        numbers: dict[tuple[int, int, int, bool], int] = {}
        wanted = [self._engine.items.wanted[kind.of] for kind in self.kinds]
        keys = [(id(one.fixed), id(one.accepts), one.memory, bool(one.need.gpu_milli)) for one in wanted]
        return [numbers.setdefault(key, len(numbers)) for key in keys]

    def devices(self, number: int, at: int) -> Devices | None:
        """Devices of a bin that will do for a kind; None if the bin will not do at all."""
        key = (self._alike[number], at)
        if key not in self._usable:
            wanted = self._engine.items.wanted[self.kinds[number].of]
            view = self._engine.state.view(np.array([at]))
            good = np.flatnonzero(wanted.usable(view)[0] > 0).tolist() if wanted.need.gpu_milli else ()
            self._usable[key] = None if wanted.fixed[at] else tuple(good)
        return self._usable[key]

    def finish(self, inside: Sequence[Sequence[Entry]]) -> list[Placed]:
        """Items stand in the engine as told, by bin; what waits is tried once more everywhere."""
        for at, entries in enumerate(inside):
            for entry, devices in self._seated(at, entries):
                put = self._engine.put(self.kinds[entry.kind].of, at, devices)
                stand = Stand(self.kinds[entry.kind].of, entry.item.member, put)
                self._placed[entry.item.placed].stands.append(stand)
        self._place_waiting(inside)
        for one in self._placed:
            if _alone(one.job) and not one.quota:
                _count(one)
        return self._placed

    def _seated(self, at: int, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Devices]]:
        """Entries with their devices: those that could have any whole ones get near ones, last."""
        every = [one for one, free in enumerate(self.milli[at]) if free > 0]

        def choosy(entry: Entry) -> bool:
            return not self.kinds[entry.kind].whole or self.devices(entry.kind, at) != tuple(every)

        for entry in sorted(entries, key=lambda one: (not choosy(one), -self.kinds[one.kind].whole)):
            if choosy(entry):
                yield entry, entry.devices
            else:
                wanted = self._engine.items.wanted[self.kinds[entry.kind].of]
                taken = wanted.pick(self._engine.state.view(np.array([at])))
                yield entry, tuple(np.flatnonzero(taken[0]).tolist())

    def _place_waiting(self, inside: Sequence[Sequence[Entry]]) -> None:
        """Nobody of the search waits who would fit."""
        standing = {entry.item for entries in inside for entry in entries}
        every = [(number, item) for number, items in self.waiting.items() for item in items]
        every += [(entry.kind, entry.item) for entries in self.inside for entry in entries]
        waiting: dict[int, list[Item]] = defaultdict(list)
        for number, item in every:
            if item not in standing:
                waiting[number].append(item)
        for number in sorted(waiting, key=lambda at: (self.kinds[at].tier, -self.kinds[at].gpu_milli, at)):
            of, items = self.kinds[number].of, sorted(waiting[number])
            for item, put in zip(items, self._engine.run(of, len(items)), strict=False):
                self._placed[item.placed].stands.append(Stand(of, item.member, put))


def _alone(job: Job) -> bool:
    return job.minimum < 2 and job.within is None


def _count(one: Placed) -> None:
    """Who of a job is missing, from who stands."""
    standing = {stand.member for stand in one.stands}
    missing = Counter({task.of: sum(name not in standing for name in task.members) for task in one.job.tasks})
    one.missing = missing.total()
    one.refused_for = next((of for of, count in missing.items() if count), None)
