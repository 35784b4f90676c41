"""A plan made better by ruin and recreate: a few bins are emptied, and filled again in another order.

After Schrimpf et al., "Record Breaking Optimization Results Using the Ruin and Recreate Principle", 2000; how
often an order is tried follows its success (Ropke and Pisinger, 2006).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.improve.guide import Guide
from dcctl.packing.improve.layout import lay_out
from dcctl.packing.improve.movable import Entry, Loose
from dcctl.packing.improve.rooms import Room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dcctl.packing.greedy.engine import Engine
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.improve.rooms import Kind
    from dcctl.packing.problem import Problem

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


def improve(
    problem: Problem, engine: Engine, placed: Sequence[Placed], steps: int, seed: int
) -> list[Placed]:
    """What becomes of the jobs after a search of so many steps; the engine's state is that of the result.

    In no tier of priority fewer members stand than before, and in the highest in which anything changed, more
    of the devices are used. Members that count for a quota are moved, never added or left out.
    """
    loose, rng = Loose(problem, engine, placed), np.random.default_rng(seed)
    bins = np.array([at for at, one in enumerate(engine.items.bins) if not one.closed], np.int64)
    if not len(bins) or not any(loose.waiting.values()):
        return loose.finish(loose.inside)
    guide = Guide(problem, engine, loose.kinds, sum(len(one.stands) for one in placed))
    search = _Search(loose, guide, rng, _Orders(loose.kinds, engine, bool(guide), rng))
    return loose.finish(search.run(bins, steps))


class _Search:
    """A plan on its way to a better one."""

    def __init__(self, loose: Loose, guide: Guide, rng: np.random.Generator, orders: _Orders) -> None:
        self._loose, self._guide, self._rng, self._orders = loose, guide, rng, orders
        self._kinds, self._inside = loose.kinds, loose.inside
        self._stock = [
            len(loose.waiting[number]) if loose.room_for(number) else 0 for number in range(len(self._kinds))
        ]
        lowest = len(loose.tiers) - 1
        self._worth = [kind.gpu_milli * _TIER ** (lowest - kind.tier) for kind in self._kinds]
        self._left = [
            Room(at, (), milli).left - sum(self._kinds[one.kind].gpu_milli for one in self._inside[at])
            for at, milli in enumerate(loose.milli)
        ]
        self._spare = [0] * len(loose.tiers)
        """By tier: members more than at the beginning."""
        self._value = self._best = 0
        self._kept: list[list[Entry]] | None = None

    def run(self, bins: NDArray[np.int64], steps: int) -> list[list[Entry]]:
        """The best that was found when some of these bins were emptied and filled so many times.

        All of them are at first, after the relaxed plan.
        """
        if self._guide and steps:
            self._start(bins.tolist())
        for step in range(steps):
            if not any(self._stock):
                break
            heat = _HEAT * (1 - step / steps) ** 2
            name, order, guided = self._orders.draw()
            self._orders.learn(name, self._step(self._ruined(bins), order, guided, heat))
        return self._inside if self._kept is None or self._value >= self._best else self._kept

    def _ruined(self, bins: NDArray[np.int64]) -> list[int]:
        """The bin with most devices left of a few, and others beside it, in random order."""
        drawn = bins[self._rng.integers(0, len(bins), _SAMPLE + max(_OTHERS))].tolist()
        others = _OTHERS[self._rng.integers(0, len(_OTHERS))]
        worst = max(drawn[:_SAMPLE], key=lambda at: self._left[at])
        chosen = list(dict.fromkeys((worst, *drawn[_SAMPLE : _SAMPLE + others])))
        return chosen[::-1] if self._rng.random() < 0.5 else chosen

    def _start(self, bins: Sequence[int]) -> None:
        """The relaxed plan laid out and filled up, if that is better."""
        old, rooms, stock = self._emptied(bins)
        lay_out(self._guide, self._loose, rooms, stock, self._rng)
        self._settle(old, rooms, stock, self._orders.largest_first, 0.0)

    def _step(self, bins: Sequence[int], order: Sequence[int], guided: bool, heat: float) -> bool:
        """Fill these bins anew in this order of kinds. Whether the plan is better for it."""
        old, rooms, stock = self._emptied(bins)
        for room in rooms if guided else ():
            self._follow(room, stock)
        return self._settle(old, rooms, stock, order, heat)

    def _emptied(self, bins: Sequence[int]) -> tuple[list[Entry], list[Room], list[int]]:
        """What is in these bins, they without it, and the items by kind that are left then."""
        old = [entry for at in bins for entry in self._inside[at]]
        stock = self._stock.copy()
        for entry in old:
            stock[entry.kind] += 1
        return old, [Room(at, self._loose.free[at], self._loose.milli[at]) for at in bins], stock

    def _settle(
        self, old: Sequence[Entry], rooms: Sequence[Room], stock: list[int], order: Sequence[int], heat: float
    ) -> bool:
        """Fill up in this order of kinds, and go on from there or not. Whether the plan is better for it."""
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

    def _follow(self, room: Room, stock: list[int]) -> None:
        """Put patterns of the bin's group in, drawn by how often the bound has them."""
        for numbers, count in self._guide.draw(room.bin, self._rng):
            number = next((one for one in numbers if stock[one]), None)
            usable = None if number is None else self._loose.devices(number, room.bin)
            if number is not None and usable is not None:
                wanted = min(count, stock[number])
                stock[number] -= wanted - room.fill(number, self._kinds[number], wanted, usable)

    def _fill(self, rooms: Sequence[Room], number: int, count: int) -> int:
        kind = self._kinds[number]
        for room in rooms:
            usable = self._loose.devices(number, room.bin)
            if usable is not None and count:
                count = room.fill(number, kind, count, usable)
        return count

    def _change(self, old: Sequence[Entry], rooms: Sequence[Room]) -> tuple[int, list[int]]:
        """What is gained in thousandths of devices, weighed by tier, and members by tier."""
        gain, members = 0, [0] * len(self._loose.tiers)
        for entry in old:
            gain -= self._worth[entry.kind]
            members[self._kinds[entry.kind].tier] -= 1
        for room in rooms:
            for number, _ in room.inside:
                gain += self._worth[number]
                members[self._kinds[number].tier] += 1
        return gain, members

    def _accept(self, old: Sequence[Entry], rooms: Sequence[Room], stock: list[int]) -> None:
        for entry in old:
            self._loose.waiting[entry.kind].append(entry.item)
        for room in rooms:
            self._inside[room.bin] = [
                Entry(number, devices, self._loose.waiting[number].pop()) for number, devices in room.inside
            ]
            self._left[room.bin] = room.left
        self._stock = stock


class _Orders:
    """In which order kinds are put into emptied bins; those that helped are drawn more often."""

    def __init__(self, kinds: Sequence[Kind], engine: Engine, guided: bool, rng: np.random.Generator) -> None:
        self._rng = rng
        gpu = np.array([kind.gpu_milli for kind in kinds], np.float64)
        size = _sizes(kinds, engine)
        lean = size / np.maximum(gpu, 1)
        lean[gpu == 0] = 2 * np.median(lean[gpu > 0]) if (gpu > 0).any() else 1.0
        self._rank = np.array([kind.tier if kind.free else -1 for kind in kinds], np.float64) * _APART
        self._bases = (-gpu - size / max(1.0, size.max(initial=0.0)), lean / max(1e-9, lean.max(initial=0.0)))
        self.largest_first: list[int] = np.argsort(self._rank + self._bases[0], kind="stable").tolist()
        bases = range(len(self._bases) + 1)
        self._names = [(base, late, False) for base in bases for late in _LATE]
        self._names += [(base, 0.0, True) for base in bases if guided]
        self._success = [0.2] * len(self._names)

    def draw(self) -> tuple[int, list[int], bool]:
        """The name of an order, the kinds by it, and whether patterns of the guide come before them.

        The largest come first, the leanest, or whoever by chance.
        """
        odds = np.cumsum([one + _CURIOSITY for one in self._success])
        name = int(np.searchsorted(odds, self._rng.random() * odds[-1]))
        base, late, guided = self._names[name]
        keys = self._rng.random(len(self._rank))
        if base < len(self._bases):
            noise = _NOISE[self._rng.integers(0, len(_NOISE))]
            keys = self._bases[base] * (1 + noise * keys)
        waits = self._rng.random(len(keys)) < late
        order = np.argsort(self._rank + keys + waits * (_APART / 2), kind="stable")
        return name, order.tolist(), guided

    def learn(self, name: int, better: bool) -> None:
        """Remember whether the order made the plan better."""
        self._success[name] += _LEARNING * (better - self._success[name])


def _sizes(kinds: Sequence[Kind], engine: Engine) -> Floats:
    """What an item takes of everything but devices, each as a share of the largest bin."""
    most = np.maximum(engine.state.free.max(axis=0, initial=1), 1).astype(np.float64)
    return np.array([sum(amount / most[at] for at, amount in kind.amounts) for kind in kinds], np.float64)
