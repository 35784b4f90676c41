"""Single bins filled and emptied in plain integers: what a search does many thousand times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.packing.problem import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.packing.problem import Need

Devices = tuple[int, ...]


class Kind(NamedTuple):
    """Items that can stand for each other."""

    of: int
    """Position of the class."""
    amounts: tuple[tuple[int, int], ...]
    """(dimension, amount) of what it asks for at all."""
    whole: int
    share: int
    each_milli: int
    """Of each device that it gets."""
    gpu_milli: int
    tier: int
    """0: the most urgent."""
    free: bool
    """Whether it may be left out; else it may only be moved."""

    @classmethod
    def made(cls, of: int, need: Need, tier: int, free: bool) -> Kind:
        """The kind of the items of a class."""
        amounts = tuple((at, amount) for at, amount in enumerate(need.amounts) if amount)
        milli = (need.each_milli, need.gpu_milli)
        return cls(of, amounts, need.devices, need.share_milli, *milli, tier, free)


class Room:
    """What is free in one bin, and what was put in."""

    __slots__ = ("_milli", "bin", "free", "inside", "left")

    def __init__(self, bin_: int, free: Iterable[int], milli: Iterable[int]) -> None:
        """Free amounts by dimension, free thousandths by device."""
        self.bin, self._milli = bin_, list(milli)
        self.free = list(free)
        """By dimension."""
        self.left = sum(one for one in self._milli if one > 0)
        """Free thousandths of all devices."""
        self.inside: list[tuple[int, Devices]] = []
        """(number of the kind, devices)."""

    def fill(self, number: int, kind: Kind, count: int, usable: Devices) -> int:
        """Up to `count` items of a kind are in. Returns how many are not. `usable`: devices that will do."""
        while count and kind.gpu_milli <= self.left:
            devices = self._devices(kind, usable) if kind.gpu_milli else ()
            if devices is None or not self._spend(kind.amounts):
                break
            for one in devices:
                self._milli[one] -= kind.each_milli
            self.left -= kind.gpu_milli
            self.inside.append((number, devices))
            count -= 1
        return count

    def holds(self, amounts: Iterable[tuple[int, int]]) -> bool:
        """Whether so much is free: (dimension, amount)."""
        free = self.free
        return all(free[at] >= amount for at, amount in amounts)

    def _spend(self, amounts: Sequence[tuple[int, int]]) -> bool:
        free = self.free
        for at, amount in amounts:
            if free[at] < amount:
                return False
        for at, amount in amounts:
            free[at] -= amount
        return True

    def _devices(self, kind: Kind, usable: Devices) -> Devices | None:
        """The fullest device for a share, the first idle ones for whole."""
        if not kind.whole:
            return self.fullest(kind.share, usable) or None
        milli = self._milli
        idle = [one for one in usable if milli[one] >= WHOLE]
        return tuple(idle[: kind.whole]) if len(idle) >= kind.whole else None

    def fullest(self, share: int, usable: Iterable[int]) -> Devices:
        """The device with least free that has so many thousandths; empty: none has."""
        milli = self._milli
        best, least = -1, WHOLE + 1
        for one in usable:
            if share <= milli[one] < least:
                best, least = one, milli[one]
        return (best,) if best >= 0 else ()
