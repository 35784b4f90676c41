"""What is free in every bin while a plan is made: arrays, changed through a log so that it can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.problem import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dcctl.packing.problem import Bin, Need

    Ints = NDArray[np.int64]

NO_DEVICE = -1
"""In the array of free thousandths: the bin has no further device."""
UNKNOWN_MEMORY = -UNLIMITED
"""In the array of free memory: nobody tells, whatever is given back."""


class View(NamedTuple):
    """What is free in some bins, a row each. Who changes it copies it first."""

    at: Ints
    """Positions of the bins."""
    free: Ints
    """[rows, dimensions]."""
    milli: Ints
    """[rows, devices] free thousandths; -1 where the bin has no such device."""
    memory: Ints
    """[rows, devices] free memory in bytes; UNKNOWN_MEMORY or less where nobody tells."""

    def less(self, need: Need, taken: Ints) -> View:
        """What is left when one item more stands in every row; `taken`: [rows, devices] thousandths."""
        memory = self.memory
        if need.each_memory_bytes:
            memory = memory - np.where(taken > 0, need.each_memory_bytes, 0)
        return View(self.at, self.free - np.array(need.amounts, np.int64), self.milli - taken, memory)


class Move(NamedTuple):
    """An item that was put in, or (with `sign` -1) taken out of a bin."""

    bin: int
    of: int
    """Position of its class."""
    devices: tuple[int, ...]
    """Positions in the bin's row of devices."""
    sign: int
    frees: bool = True
    """Whether what is free changes with it."""


class State:
    """Free amounts [bins, dimensions] and free thousandths of each device [bins, most devices of a bin].

    `log` names the bins that changed, in order: whoever derives something from a bin reads on from where it
    was. `undo` gives back what was there at a `mark`.
    """

    def __init__(self, bins: Sequence[Bin], needs: Sequence[Need], dimensions: int) -> None:
        """Hold what the bins say is free. `needs` are those of the classes that will be put in."""
        self.needs = needs
        self._amounts = np.array([need.amounts for need in needs], np.int64).reshape(len(needs), dimensions)
        most = max((len(one.devices) for one in bins), default=0) or 1
        self.free: Ints = np.array([one.free for one in bins], np.int64).reshape(len(bins), dimensions)
        self.milli: Ints = np.full((len(bins), most), NO_DEVICE, np.int64)
        self.memory: Ints = np.full((len(bins), most), UNKNOWN_MEMORY, np.int64)
        self.kind: Ints = np.full((len(bins), most), -1, np.int64)
        self.numa: Ints = np.full((len(bins), most), -1, np.int64)
        for at, one in enumerate(bins):
            if one.devices:
                self._fill(at, one)
        self.every: Ints = np.arange(len(bins))
        self.log: list[int] = []
        self._moves: list[Move] = []

    def _fill(self, at: int, one: Bin) -> None:
        count = len(one.devices)
        self.milli[at, :count] = [device.free_milli for device in one.devices]
        self.kind[at, :count] = [device.kind for device in one.devices]
        memory = (device.free_memory_bytes for device in one.devices)
        self.memory[at, :count] = [UNKNOWN_MEMORY if free is None else free for free in memory]
        self.numa[at, :count] = [-1 if device.numa is None else device.numa for device in one.devices]

    @property
    def count(self) -> int:
        """How many bins there are."""
        return len(self.free)

    def view(self, at: Ints | None = None) -> View:
        """What is free in these bins, or in all of them: then it is the state itself, not a copy."""
        if at is None:
            return View(self.every, self.free, self.milli, self.memory)
        return View(at, self.free[at], self.milli[at], self.memory[at])

    def mark(self) -> int:
        """Where `undo` can go back to."""
        return len(self._moves)

    def put(self, at: int, of: int, devices: tuple[int, ...]) -> None:
        """Put an item of a class into a bin, on these devices of its row."""
        self._change(Move(at, of, devices, 1))

    def take(self, at: int, of: int, devices: tuple[int, ...]) -> None:
        """Take an item of a class out of a bin."""
        self._change(Move(at, of, devices, -1))

    def lose(self, at: int, of: int) -> None:
        """An item of a class is gone with what it held in a bin: that is not free."""
        self._moves.append(Move(at, of, (), -1, frees=False))

    def show(self, view: View) -> None:
        """From now on so much is free in these bins: of another time. Nothing that `undo` knows of."""
        at = view.at
        changed = (self.free[at] != view.free).any(axis=1) | (self.milli[at] != view.milli).any(axis=1)
        changed |= (self.memory[at] != view.memory).any(axis=1)
        self.free[at], self.milli[at], self.memory[at] = view.free, view.milli, view.memory
        self.log += at[changed].tolist()

    def undo(self, mark: int) -> list[Move]:
        """Everything is as it was at the mark. Returns what was undone, the last first."""
        undone = self._moves[mark:][::-1]
        del self._moves[mark:]
        for move in undone:
            if move.frees:
                self._apply(move, -move.sign)
        return undone

    def _change(self, move: Move) -> None:
        self._moves.append(move)
        self._apply(move, move.sign)

    def _apply(self, move: Move, sign: int) -> None:
        at, need = move.bin, self.needs[move.of]
        self.free[at] -= self._amounts[move.of] * sign
        if move.devices:
            devices = move.devices if need.devices else move.devices[:1]
            milli, each = self.milli[at], sign * need.each_milli
            for device in devices:
                milli[device] -= each
            if need.each_memory_bytes:
                self.memory[at, devices[0]] -= sign * need.each_memory_bytes
        self.log.append(at)
