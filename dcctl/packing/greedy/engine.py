"""Items put into bins one after the other, each into the bin that a policy likes best.

A class of items keeps one row of keys, a key a bin; after a placement only the bins that changed since it was
last asked are asked again. A run of identical items is placed at once (`run`): the result is the same as item
by item.
"""

from __future__ import annotations

from heapq import heapify, heapreplace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.fit.state import View
from dcctl.packing.greedy.policies import REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from dcctl.packing.fit.feasibility import Feasibility
    from dcctl.packing.fit.relations import Relations
    from dcctl.packing.fit.state import State
    from dcctl.packing.greedy.policies import Policy
    from dcctl.packing.problem import Held

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_ROWS_BYTES = 256 << 20
"""Rows of keys that are kept at once."""
_LEAST_AHEAD, _MOST_AHEAD = 64, 1024
"""Bins that are asked ahead in one wave."""


class Put(NamedTuple):
    """An item in its bin."""

    bin: int
    devices: tuple[int, ...]
    """Positions in the bin's row of devices."""


class _Row:
    __slots__ = ("keys", "seen")

    def __init__(self, keys: Ints, seen: int) -> None:
        self.keys, self.seen = keys, seen


class Engine:
    """A plan in the making: the state of the bins, and who stands where."""

    def __init__(self, items: Feasibility, relations: Relations, policy: Policy) -> None:
        """Nothing is placed yet but what the bins and `stands` say."""
        self.items, self.relations, self.policy = items, relations, policy
        self._rows: dict[int, _Row] = {}
        self._most_rows = max(8, _ROWS_BYTES // (8 * max(1, items.state.count)))

    @property
    def state(self) -> State:
        """What is free."""
        return self.items.state

    def stands(self, held: Iterable[Held]) -> None:
        """Members that stand in their bins already count for spread, affinity and ports."""
        for one in held:
            self.relations.add(one.bin, one.of)

    def put(self, of: int, at: int, devices: tuple[int, ...]) -> Put:
        """One item of class `of` is now in that bin, on those devices."""
        self.state.put(at, of, devices)
        self.relations.add(at, of)
        return Put(at, devices)

    def put_in(self, of: int, at: int) -> Put:
        """One item of class `of` is now in that bin, where it fits, on the devices that the policy picks."""
        taken = self.policy.pick(of, self.state.view(np.array([at])))
        return self.put(of, at, tuple(np.flatnonzero(taken[0]).tolist()))

    def take(self, of: int, put: Put) -> None:
        """The item is out of its bin again."""
        self.state.take(put.bin, of, put.devices)
        self.relations.add(put.bin, of, -1)

    def lose(self, of: int, at: int) -> None:
        """The item is gone with what it held in its bin: nobody can have that."""
        self.state.lose(at, of)
        self.relations.add(at, of, -1)

    def mark(self) -> int:
        """Where `undo` can go back to."""
        return self.state.mark()

    def undo(self, mark: int) -> None:
        """All is as it was at the mark."""
        for move in self.state.undo(mark):
            self.relations.add(move.bin, move.of, -move.sign)

    def refusals(self, of: int) -> Ints:
        """Why each bin refuses one item more of class `of`; 0 where it fits."""
        wanted = self.items.wanted[of]
        bits = wanted.refusals(self.state.view())
        if self.relations.related[of]:
            bits = bits | self.relations.refusals(of)
        return bits

    def refusals_at(self, of: int, at: int) -> int:
        """Why one bin refuses one item more of class `of`; 0 where it fits."""
        bits = int(self.items.wanted[of].refusals(self.state.view(np.array([at])))[0])
        if self.relations.related[of]:
            bits |= int(self.relations.refusals(of)[at])
        return bits

    def run(self, of: int, count: int, allowed: Bools | None = None) -> list[Put]:
        """Put up to `count` identical items; fewer came back: the next one fits nowhere (in `allowed`)."""
        if count == 1 or self.relations.related[of]:
            return self._one_by_one(of, count, allowed)
        placed: list[Put] = []
        while len(placed) < count:
            wave = self._wave(of, count - len(placed), allowed)
            if not wave:
                break
            placed += wave
        return placed

    def _one_by_one(self, of: int, count: int, allowed: Bools | None) -> list[Put]:
        placed: list[Put] = []
        while len(placed) < count:
            keys = self._open(of, allowed)
            at = int(keys.argmin()) if len(keys) else 0
            if not len(keys) or keys[at] == REFUSED:
                break
            placed.append(self.put_in(of, at))
        return placed

    def _wave(self, of: int, count: int, allowed: Bools | None) -> list[Put]:
        """The next items of a run, at most `count`: as many as go to the bins that are best now.

        Each of these bins is asked ahead for its keys after one item more, two more, …; the lowest of all
        keys is taken again and again, until it is no lower than that of a bin that was not asked.
        """
        keys = self._open(of, allowed)
        best, bound = _lowest(keys, min(_MOST_AHEAD, max(_LEAST_AHEAD, count)))
        if not len(best):
            return []
        ahead = _Ahead(self, of, best, keys[best])
        chosen = ahead.merge(count, bound)
        return [self.put(of, int(best[row]), ahead.devices(row, layer)) for row, layer in chosen]

    def _open(self, of: int, allowed: Bools | None) -> Ints:
        """Keys of all bins, with what other members do to it."""
        keys = self._keys(of)
        if allowed is not None:
            keys = np.where(allowed, keys, REFUSED)
        if self.relations.related[of]:
            bits = self.relations.refusals(of)
            keys = np.where(bits, REFUSED, keys)
        return keys

    def _keys(self, of: int) -> Ints:
        """The row of a class, as of now; what other members do to it is not in it."""
        log, row = self.state.log, self._rows.get(of)
        if row is None:
            if len(self._rows) >= self._most_rows:
                self._rows.pop(next(iter(self._rows)))
            row = self._rows[of] = _Row(self.fresh(of, self.state.view()), len(log))
        elif row.seen < len(log):
            changed = np.array(list(set(log[row.seen :])), np.int64)
            row.keys[changed] = self.fresh(of, self.state.view(changed))
            row.seen = len(log)
        return row.keys

    def fresh(self, of: int, view: View) -> Ints:
        """Keys of these bins."""
        bits = self.items.wanted[of].refusals(view)
        if not bits.any():
            return self.policy.keys(of, view)
        keys = np.full(len(bits), REFUSED, np.int64)
        fits = np.flatnonzero(bits == 0)
        if len(fits):
            some = View(view.at[fits], view.free[fits], view.milli[fits], view.memory[fits])
            keys[fits] = self.policy.keys(of, some)
        return keys


class _Ahead:
    """Keys of some bins after one identical item more, two more, …: computed a layer at a time."""

    def __init__(self, engine: Engine, of: int, at: Ints, keys: Ints) -> None:
        self._engine, self._of = engine, of
        self._view = engine.state.view(at)
        self._names = at.tolist()
        self._layers: list[list[int]] = [keys.tolist()]
        self._taken: list[Ints] = []

    def merge(self, count: int, bound: tuple[int, int]) -> list[tuple[int, int]]:
        """(row, layer) of the next items in order; none whose (key, bin) is above the bound."""
        heap = [
            (key, at, row, 0) for row, (key, at) in enumerate(zip(self._layers[0], self._names, strict=True))
        ]
        heapify(heap)
        chosen: list[tuple[int, int]] = []
        while len(chosen) < count and heap:
            key, at, row, layer = heap[0]
            if key == REFUSED or (key, at) > bound:
                break
            chosen.append((row, layer))
            heapreplace(heap, (self._key(row, layer + 1), at, row, layer + 1))
        return chosen

    def _key(self, row: int, layer: int) -> int:
        if layer == len(self._layers):
            self._deepen()
        return self._layers[layer][row]

    def _deepen(self) -> None:
        """One item more stands in every row. Where the last one did not fit, what comes out is not used."""
        taken = self._engine.policy.pick(self._of, self._view)
        self._taken.append(taken)
        self._view = self._view.less(self._engine.state.needs[self._of], taken)
        self._layers.append(self._engine.fresh(self._of, self._view).tolist())

    def devices(self, row: int, layer: int) -> tuple[int, ...]:
        """What the item of that layer takes in that row."""
        if layer == len(self._taken):
            self._taken.append(self._engine.policy.pick(self._of, self._view))
        return tuple(np.flatnonzero(self._taken[layer][row]).tolist())


def _lowest(keys: Ints, count: int) -> tuple[Ints, tuple[int, int]]:
    """Positions of the `count` lowest keys, and the (key, position) above which others may come first."""
    fits = np.flatnonzero(keys != REFUSED)
    if len(fits) <= count:
        return fits, (REFUSED, len(keys))
    keys = keys[fits]
    highest = int(np.partition(keys, count)[count])
    below = np.flatnonzero(keys < highest)
    ties = np.flatnonzero(keys == highest)[: count + 1 - len(below)]
    return fits[np.concatenate((below, ties))], (highest, int(fits[ties[-1]]))
