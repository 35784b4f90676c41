"""Items put into bins one after the other, each into the bin that a policy likes best.

A class of items keeps one row of keys, a key a bin; after a placement only the bins that changed since it was
last asked are asked again. A run of identical items is placed at once (`run`): the result is the same as item
by item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.policies import REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from dcctl.packing.feasibility import Feasibility
    from dcctl.packing.policies import Policy
    from dcctl.packing.problem import Held
    from dcctl.packing.relations import Relations
    from dcctl.packing.state import State

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_ROWS_BYTES = 256 << 20
"""Rows of keys that are kept at once."""


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

    def take(self, of: int, put: Put) -> None:
        """The item is out of its bin again."""
        self.state.take(put.bin, of, put.devices)
        self.relations.add(put.bin, of, -1)

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
        bits = wanted.refusals(self.state, slice(None))
        if self.relations.related[of]:
            bits |= self.relations.refusals(of, wanted.fixed == 0)
        return bits

    def run(self, of: int, count: int, allowed: Bools | None = None) -> list[Put]:
        """Put up to `count` identical items; fewer came back: the next one fits nowhere (in `allowed`)."""
        placed: list[Put] = []
        while len(placed) < count:
            at = self._best(of, allowed)
            if at is None:
                break
            placed.append(self.put(of, at, self.policy.pick(of, at)))
        return placed

    def _best(self, of: int, allowed: Bools | None) -> int | None:
        keys = self._keys(of)
        if allowed is not None:
            keys = np.where(allowed, keys, REFUSED)
        if self.relations.related[of]:
            bits = self.relations.refusals(of, self.items.wanted[of].fixed == 0)
            keys = np.where(bits, REFUSED, keys)
        if not len(keys):
            return None
        at = int(keys.argmin())
        return None if keys[at] == REFUSED else at

    def _keys(self, of: int) -> Ints:
        """The row of a class, as of now; what other members do to it is not in it."""
        log, row = self.state.log, self._rows.get(of)
        if row is None:
            if len(self._rows) >= self._most_rows:
                self._rows.pop(next(iter(self._rows)))
            row = self._rows[of] = _Row(self._fresh(of, np.arange(self.state.count)), len(log))
        elif row.seen < len(log):
            changed = np.array(sorted(set(log[row.seen :])), np.int64)
            row.keys[changed] = self._fresh(of, changed)
            row.seen = len(log)
        return row.keys

    def _fresh(self, of: int, at: Ints) -> Ints:
        """Keys of these bins."""
        bits = self.items.wanted[of].refusals(self.state, at)
        keys = np.full(len(at), REFUSED, np.int64)
        fits = np.flatnonzero(bits == 0)
        if len(fits):
            keys[fits] = self.policy.keys(of, at[fits])
        return keys
