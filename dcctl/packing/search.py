"""A plan made better by ruin and recreate: a few bins are emptied, and filled again in another order.

After Schrimpf et al., "Record Breaking Optimization Results Using the Ruin and Recreate Principle", 2000; how
often an order is tried follows its success (Ropke and Pisinger, 2006). Gangs, what must stand within one
part, and all of whom a rule asks where they stand, stay where they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.place import Placed, Stand
from dcctl.packing.rooms import Kind, Room

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.greedy import Engine
    from dcctl.packing.problem import Job
    from dcctl.packing.rooms import Devices

    Floats = NDArray[np.float64]

_HEAT = 100.0
"""Thousandths of a device by which a plan may get worse at first; in the end, by nothing."""
_SAMPLE = 8
"""Bins drawn, of which the one with most devices left is emptied."""
_OTHERS = (0, 1, 1, 2)
"""Bins emptied beside it, drawn by chance."""
_NOISE = (0.05, 0.2, 0.5)
"""By how much, relatively, an order is changed by chance."""
_LATE = (0.0, 0.5)
"""Which share of the kinds, drawn by chance, has to wait until the others are in."""
_LEARNING, _CURIOSITY = 0.02, 0.02
"""How fast an order's success is learned, and how likely one without any is tried."""
_TIER = 1 << 40
"""A thousandth in one tier is worth so many in the next: more than there are."""


_APART = 1e9
"""Between the keys of one tier and the next."""


class _Item(NamedTuple):
    """One member, by the position of what became of its job."""

    placed: int
    member: str


class _Entry(NamedTuple):
    kind: int
    devices: Devices
    item: _Item


def improve(
    engine: Engine, placed: Sequence[Placed], steps: int, seed: int, owners: frozenset[str]
) -> list[Placed]:
    """What becomes of the jobs after a search of so many steps; the engine's state is that of the result.

    In no tier of priority fewer members stand than before, and in the highest in which anything changed, more
    of the devices are used. Members whose owner has a quota (`owners`) are moved, never added or left out.
    """
    search = _Search(engine, placed, np.random.default_rng(seed), owners)
    search.run(steps)
    return search.finish()


class _Search:
    """Bins without what can be moved, and what stands there instead."""

    def __init__(
        self, engine: Engine, placed: Sequence[Placed], rng: np.random.Generator, owners: frozenset[str]
    ) -> None:
        self._engine, self._rng, self._placed = engine, rng, [*placed]
        self._tiers = sorted({-one.job.priority for one in placed})
        self._numbers: dict[tuple[int, int, bool], int] = {}
        self._kinds: list[Kind] = []
        self._inside: list[list[_Entry]] = [[] for _ in range(engine.state.count)]
        self._waiting: dict[int, list[_Item]] = defaultdict(list)
        """Members by kind that stand nowhere."""
        for at, one in enumerate(placed):
            if one.job.minimum < 2 and one.job.within is None:
                self._take_out(at, one, one.job.owner not in owners)
        self._stock = [len(self._waiting[number]) for number in range(len(self._kinds))]
        lowest = len(self._tiers) - 1
        self._worth = [kind.gpu_milli * _TIER ** (lowest - kind.tier) for kind in self._kinds]
        self._free, self._milli = engine.state.free.tolist(), engine.state.milli.tolist()
        self._left = [Room(at, (), milli).left for at, milli in enumerate(self._milli)]
        for at, entries in enumerate(self._inside):
            self._left[at] -= sum(self._kinds[one.kind].gpu_milli for one in entries)
        self._spare = [0] * len(self._tiers)
        """By tier: members more than at the beginning."""
        self._usable: dict[tuple[int, int], Devices | None] = {}
        self._alike = self._alikes()
        self._orders = _Orders(self._kinds, engine, rng)
        self._value = self._best = 0
        self._kept: list[list[_Entry]] | None = None

    def _take_out(self, at: int, placed: Placed, free: bool) -> None:
        """What of a job can be moved is in no bin of the engine any more."""
        stay = []
        for stand in placed.stands:
            number = self._number(stand.of, placed.job, free)
            if number is None:
                stay.append(stand)
            else:
                self._engine.take(stand.of, stand.put)
                entry = _Entry(number, stand.put.devices, _Item(at, stand.member))
                self._inside[stand.put.bin].append(entry)
        standing = {stand.member for stand in placed.stands}
        for task in placed.job.tasks if placed.missing and free else ():
            number = self._number(task.of, placed.job, free)
            if number is not None:
                self._waiting[number] += [_Item(at, one) for one in task.members if one not in standing]
        self._placed[at] = Placed(placed.job, stay, placed.missing, placed.refused_for, placed.quota)

    def _number(self, of: int, job: Job, free: bool) -> int | None:
        """The kind of the members of a class; None where they stay."""
        need = self._engine.items.wanted[of].need
        if self._engine.relations.counted[of] or (need.share_milli and need.device_memory_bytes):
            return None
        key = (of, self._tiers.index(-job.priority), free)
        if key not in self._numbers:
            self._numbers[key] = len(self._kinds)
            self._kinds.append(Kind.made(of, need, *key[1:]))
        return self._numbers[key]

    def _alikes(self) -> list[int]:
        """By kind: a number for the bins and devices that will do."""
        numbers: dict[tuple[int, int, int, bool], int] = {}
        wanted = [self._engine.items.wanted[kind.of] for kind in self._kinds]
        keys = [(id(one.fixed), id(one.accepts), one.memory, bool(one.need.gpu_milli)) for one in wanted]
        return [numbers.setdefault(key, len(numbers)) for key in keys]

    def _devices(self, number: int, at: int) -> Devices | None:
        """Devices of a bin that will do for a kind; None if the bin will not do at all."""
        key = (self._alike[number], at)
        if key not in self._usable:
            wanted = self._engine.items.wanted[self._kinds[number].of]
            view = self._engine.state.view(np.array([at]))
            good = np.flatnonzero(wanted.usable(view)[0] > 0).tolist() if wanted.need.gpu_milli else ()
            self._usable[key] = None if wanted.fixed[at] else tuple(good)
        return self._usable[key]

    def run(self, steps: int) -> None:
        """Empty and fill bins so many times, or until nothing waits."""
        bins = np.array([at for at, one in enumerate(self._engine.items.bins) if not one.closed], np.int64)
        if not len(bins):
            return
        for step in range(steps):
            if not any(self._stock):
                break
            heat = _HEAT * (1 - step / steps) ** 2
            name, order = self._orders.draw()
            self._orders.learn(name, self._step(self._ruined(bins), order, heat))

    def _ruined(self, bins: NDArray[np.int64]) -> list[int]:
        """The bin with most devices left of a few, and others beside it, in random order."""
        drawn = bins[self._rng.integers(0, len(bins), _SAMPLE + max(_OTHERS))].tolist()
        others = _OTHERS[self._rng.integers(0, len(_OTHERS))]
        worst = max(drawn[:_SAMPLE], key=lambda at: self._left[at])
        chosen = list(dict.fromkeys((worst, *drawn[_SAMPLE : _SAMPLE + others])))
        return chosen[::-1] if self._rng.random() < 0.5 else chosen

    def _step(self, bins: Sequence[int], order: Sequence[int], heat: float) -> bool:
        """Fill these bins anew in this order of kinds. Whether the plan is better for it."""
        old = [entry for at in bins for entry in self._inside[at]]
        stock = self._stock.copy()
        for entry in old:
            stock[entry.kind] += 1
        rooms = [Room(at, self._free[at], self._milli[at]) for at in bins]
        for number in order:
            if stock[number]:
                stock[number] = self._fill(rooms, number, stock[number])
        gain, members = self._change(old, rooms)
        spare = [had + more for had, more in zip(self._spare, members, strict=True)]
        forced = any(stock[one.kind] and not self._kinds[one.kind].free for one in old)
        if forced or min(spare) < 0 or not self._likes(gain, members, heat):
            return False
        if gain < 0 and self._value >= self._best:
            self._best, self._kept = self._value, self._inside.copy()
        self._accept(old, rooms, stock)
        self._spare, self._value = spare, self._value + gain
        return gain > 0

    def _likes(self, gain: int, members: Sequence[int], heat: float) -> bool:
        """Whether to go on from there; worse plans are taken by chance, rarely where they lose much."""
        if gain:
            return gain > 0 or gain > -heat * self._rng.exponential()
        return min(members) >= 0

    def _fill(self, rooms: Sequence[Room], number: int, count: int) -> int:
        kind = self._kinds[number]
        for room in rooms:
            usable = self._devices(number, room.bin)
            if usable is not None and count:
                count = room.fill(number, kind, count, usable)
        return count

    def _change(self, old: Sequence[_Entry], rooms: Sequence[Room]) -> tuple[int, list[int]]:
        """What is gained in thousandths of devices, weighed by tier, and members by tier."""
        gain, members = 0, [0] * len(self._tiers)
        for entry in old:
            gain -= self._worth[entry.kind]
            members[self._kinds[entry.kind].tier] -= 1
        for room in rooms:
            for number, _ in room.inside:
                gain += self._worth[number]
                members[self._kinds[number].tier] += 1
        return gain, members

    def _accept(self, old: Sequence[_Entry], rooms: Sequence[Room], stock: list[int]) -> None:
        for entry in old:
            self._waiting[entry.kind].append(entry.item)
        for room in rooms:
            self._inside[room.bin] = [
                _Entry(number, devices, self._waiting[number].pop()) for number, devices in room.inside
            ]
            self._left[room.bin] = room.left
        self._stock = stock

    def finish(self) -> list[Placed]:
        """The best that was found stands in the engine; what waits is tried once more everywhere."""
        inside = self._inside if self._kept is None or self._value >= self._best else self._kept
        for at, entries in enumerate(inside):
            for entry, devices in self._seated(at, entries):
                put = self._engine.put(self._kinds[entry.kind].of, at, devices)
                stand = Stand(self._kinds[entry.kind].of, entry.item.member, put)
                self._placed[entry.item.placed].stands.append(stand)
        self._place_waiting(inside)
        for one in self._placed:
            if one.job.minimum < 2 and one.job.within is None and not one.quota:
                _count(one)
        return self._placed

    def _seated(self, at: int, entries: Sequence[_Entry]) -> Iterator[tuple[_Entry, Devices]]:
        """Entries with their devices: those that could have any whole ones get near ones, last."""
        every = [one for one, free in enumerate(self._milli[at]) if free > 0]

        def choosy(entry: _Entry) -> bool:
            return not self._kinds[entry.kind].whole or self._devices(entry.kind, at) != tuple(every)

        for entry in sorted(entries, key=lambda one: (not choosy(one), -self._kinds[one.kind].whole)):
            if choosy(entry):
                yield entry, entry.devices
            else:
                wanted = self._engine.items.wanted[self._kinds[entry.kind].of]
                taken = wanted.pick(self._engine.state.view(np.array([at])))
                yield entry, tuple(np.flatnonzero(taken[0]).tolist())

    def _place_waiting(self, inside: Sequence[Sequence[_Entry]]) -> None:
        """Nobody of the search waits who would fit."""
        standing = {entry.item for entries in inside for entry in entries}
        every = [(number, item) for number, items in self._waiting.items() for item in items]
        every += [(entry.kind, entry.item) for entries in self._inside for entry in entries]
        waiting: dict[int, list[_Item]] = defaultdict(list)
        for number, item in every:
            if item not in standing:
                waiting[number].append(item)
        for number in sorted(waiting, key=lambda at: (self._kinds[at].tier, -self._kinds[at].gpu_milli, at)):
            of, items = self._kinds[number].of, sorted(waiting[number])
            for item, put in zip(items, self._engine.run(of, len(items)), strict=False):
                self._placed[item.placed].stands.append(Stand(of, item.member, put))


def _count(one: Placed) -> None:
    """Who of a job is missing, from who stands."""
    standing = {stand.member for stand in one.stands}
    missing = Counter({task.of: sum(name not in standing for name in task.members) for task in one.job.tasks})
    one.missing = missing.total()
    one.refused_for = next((of for of, count in missing.items() if count), None)


class _Orders:
    """In which order kinds are put into emptied bins; those that helped are drawn more often."""

    def __init__(self, kinds: Sequence[Kind], engine: Engine, rng: np.random.Generator) -> None:
        self._rng = rng
        gpu = np.array([kind.gpu_milli for kind in kinds], np.float64)
        size = _sizes(kinds, engine)
        lean = size / np.maximum(gpu, 1)
        lean[gpu == 0] = 2 * np.median(lean[gpu > 0]) if (gpu > 0).any() else 1.0
        self._rank = np.array([kind.tier if kind.free else -1 for kind in kinds], np.float64) * _APART
        self._bases = (-gpu - size / max(1.0, size.max(initial=0.0)), lean / max(1e-9, lean.max(initial=0.0)))
        self._names = [(base, late) for base in range(len(self._bases) + 1) for late in _LATE]
        self._success = [0.2] * len(self._names)

    def draw(self) -> tuple[int, list[int]]:
        """The name of an order, and the kinds by it: the largest first, the leanest first, or by chance."""
        odds = np.cumsum([one + _CURIOSITY for one in self._success])
        name = int(np.searchsorted(odds, self._rng.random() * odds[-1]))
        base, late = self._names[name]
        keys = self._rng.random(len(self._rank))
        if base < len(self._bases):
            noise = _NOISE[self._rng.integers(0, len(_NOISE))]
            keys = self._bases[base] * (1 + noise * keys)
        waits = self._rng.random(len(keys)) < late
        return name, np.argsort(self._rank + keys + waits * (_APART / 2), kind="stable").tolist()

    def learn(self, name: int, better: bool) -> None:
        """Remember whether the order made the plan better."""
        self._success[name] += _LEARNING * (better - self._success[name])


def _sizes(kinds: Sequence[Kind], engine: Engine) -> Floats:
    """What an item takes of everything but devices, each as a share of the largest bin."""
    most = np.maximum(engine.state.free.max(axis=0, initial=1), 1).astype(np.float64)
    return np.array([sum(amount / most[at] for at, amount in kind.amounts) for kind in kinds], np.float64)
