"""How much room members that look for it can take from each other, wherever each of them goes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from dcctl.packing.problem import WHOLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from dcctl.packing.fit.feasibility import Wanted
    from dcctl.packing.greedy.engine import Engine

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_MOST: Final = 1 << 20
"""More items than any bin holds."""
_NEVER: Final = 1 << 50
"""What it takes to fill a bin that cannot be filled."""


class Crowd:
    """All members that look for room, in groups that ask for the same of the same bins."""

    def __init__(self, engine: Engine, counts: Mapping[int, int], is_open: Bools) -> None:
        """`counts`: members by class; `is_open`: bins that take work. The state is that of now."""
        self._engine = engine
        keys: dict[object, int] = {}
        wanted = engine.items.wanted
        self._group = {
            of: keys.setdefault((wanted[of].need, id(wanted[of].fixed)), len(keys)) for of in counts
        }
        one_of = {group: of for of, group in self._group.items()}
        self._wanted = [wanted[one_of[group]] for group in range(len(keys))]
        self._counts = counts
        view = engine.state.view()
        self._room: Ints = np.array([one.copies(view, _MOST) * is_open for one in self._wanted], np.int64)
        needs = [one.need for one in self._wanted]
        self._amounts: Ints = np.array([one.amounts for one in needs], np.int64)
        self._devices: Ints = np.array([one.devices or bool(one.share_milli) for one in needs], np.int64)
        self._milli: Ints = np.array([one.gpu_milli for one in needs], np.int64)
        self._memory: Ints = np.array([one.each_memory_bytes for one in needs], np.int64)

    def room(self, of: int) -> Ints:
        """How many items of a class each bin has room for; rules about others are not looked at."""
        found: Ints = self._room[self._group[of]]
        return found

    def taken(self, of: int, bins: Bools, aside: Collection[int] = ()) -> int:
        """Items of a class of which all others can take the room in these bins; classes `aside` do not."""
        others = self._others(of, bins, aside)
        return int((others * self._copies_each_takes(of)).sum())

    def filled(self, of: int, bins: Bools, aside: Collection[int] = ()) -> int:
        """How many of these bins the same can fill at most: they have no room for one of a class then."""
        others = self._others(of, bins, aside)
        rows = np.flatnonzero(bins)
        if not others.any():
            return 0
        least, added = np.full(len(rows), _NEVER, np.int64), 0
        for items, amount, weights in self._ways(of, rows, others > 0):
            least = np.minimum(least, items)
            some = int(others[weights > 0].sum())
            added += min(_paid(items, some), _paid(amount, int((others * weights).sum())))
        return min(_paid(least, int(others.sum())), added)

    def _others(self, of: int, bins: Bools, aside: Collection[int]) -> Ints:
        """Members of each group that can stand in one of these bins, but for one of the class itself.

        `aside`: classes whose members are not counted.
        """
        number = np.zeros(len(self._wanted), np.int64)
        for one, count in self._counts.items():
            number[self._group[one]] += 0 if one in aside else count
        fits = (self._room[:, bins] > 0).any(axis=1)
        others = np.where(fits, np.minimum(number, self._room.sum(axis=1)), 0)
        own = self._group[of]
        others[own] = number[own] - (of not in aside)
        return others

    def _copies_each_takes(self, of: int) -> Ints:
        """Of how many items of a class one of each group takes the room at most."""
        need = self._wanted[self._group[of]].need
        found = np.zeros(len(self._wanted), np.int64)
        for at, amount in enumerate(need.amounts):
            if amount:
                found = np.maximum(found, -(-self._amounts[:, at] // amount))
        if need.devices:
            found = np.maximum(found, -(-self._devices // need.devices))
        elif need.share_milli:
            found = np.maximum(found, self._shares_each_takes(need.share_milli, need.each_memory_bytes))
        return found

    def _shares_each_takes(self, share_milli: int, memory: int) -> Ints:
        each = np.where(
            self._milli % WHOLE, -(-self._milli // share_milli), self._devices * (WHOLE // share_milli)
        )
        if memory:
            each = np.maximum(each, -(-self._memory // memory))
        return each

    def _ways(self, of: int, rows: Ints, some: Bools) -> Iterator[tuple[Ints, Ints, Ints]]:
        """By what a bin can be filled: items at least, the amount at least, and how much each group takes.

        `some`: groups of which there is anybody.
        """
        wanted, state = self._wanted[self._group[of]], self._engine.state
        devices, known = self._device_ways(wanted, rows, some)
        for at, amount in wanted.wants:
            weights = np.where(some, self._amounts[:, at], 0)
            most = int(weights.max())
            if most and at != known:
                short = state.free[rows, at] - amount + 1
                yield -(-short // most), np.minimum(short, _NEVER), weights
        yield from devices

    def _device_ways(
        self, wanted: Wanted, rows: Ints, some: Bools
    ) -> tuple[list[tuple[Ints, Ints, Ints]], int]:
        """The same by devices, and the dimension that says the same as they do; -1: none does."""
        weights = np.where(some, self._devices, 0)
        if not (wanted.devices or wanted.share) or not weights.any():
            return [], -1
        if wanted.share:
            return [self._by_shares(wanted, rows, some)], -1
        view = self._engine.state.view(rows)
        idle = (wanted.usable(view) >= WHOLE).sum(axis=1)
        known = self._dimension_of(wanted, view.free, idle, some)
        plain = wanted.accepts is None and not wanted.memory and known >= 0
        sizes = (
            frozenset(weights[weights > 0].tolist()) if plain else frozenset(range(1, int(weights.max()) + 1))
        )
        items, amount = np.array(
            [_least_filling(have, wanted.devices, sizes) for have in range(int(idle.max(initial=0)) + 1)]
        )[idle].T
        return [(items, amount, weights)], known

    def _dimension_of(self, wanted: Wanted, free: Ints, idle: Ints, some: Bools) -> int:
        """The named amount that counts just the devices which are handed out whole."""
        names = self._engine.items.space.dimensions
        at = names.index(wanted.need.resource) if wanted.need.resource in names else -1
        if at < 0 or wanted.need.amounts[at] != wanted.devices:
            return -1
        shared = np.array([bool(one.share) for one in self._wanted])
        same = (self._amounts[:, at] == self._devices) | (shared & (self._amounts[:, at] == 0))
        return at if bool(same[some].all() and (free[:, at] >= idle).all()) else -1

    def _by_shares(self, wanted: Wanted, rows: Ints, some: Bools) -> tuple[Ints, Ints, Ints]:
        usable = wanted.usable(self._engine.state.view(rows))
        short = np.where(usable >= wanted.share, usable - wanted.share + 1, 0).sum(axis=1)
        weights = np.where(some, self._milli, 0)
        if wanted.memory and self._memory[some].any():  # memory may run out first: one may fill a bin
            return np.ones(len(rows), np.int64), np.ones(len(rows), np.int64), weights
        return -(-short // int(weights.max())), short, weights


def _paid(prices: Ints, budget: int) -> int:
    """How many can be had at most."""
    costs = np.sort(np.minimum(prices, budget + 1))
    return int(np.searchsorted(costs.cumsum(), budget, side="right"))


@cache
def _least_filling(have: int, want: int, sizes: frozenset[int]) -> tuple[int, int]:
    """Items of these sizes, and devices, that are at least taken of so many before so many are not left."""
    fewest = [0] + [_NEVER] * have
    for total in range(1, have + 1):
        fewest[total] = min((fewest[total - size] + 1 for size in sizes if size <= total), default=_NEVER)
    enough = [
        (fewest[total], total) for total in range(max(0, have - want + 1), have + 1) if fewest[total] < _NEVER
    ]
    if not enough:
        return _NEVER, _NEVER
    return min(items for items, _ in enough), min(total for _, total in enough)
