"""On which devices those who stand on a node already are: as told, else as likely."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.packing.problem import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.packing.problem import Bin, Device, Held, ItemClass, Need


def seated(
    bins: Sequence[Bin], standing: Sequence[Held], classes: Sequence[ItemClass]
) -> tuple[tuple[Bin, ...], tuple[Held, ...]]:
    """The bins without the shares that members hold, and the members with the devices they hold.

    A share is on the fullest device that has room for it, in memory too if any has. Whole devices are those
    that the member's job is known to hold, then any others that somebody holds.
    """
    rows: dict[int, _Row] = {}
    held = []
    for one in sorted(standing, key=lambda one: (*_largest(classes[one.of].need), one.bin)):
        need = classes[one.of].need
        if not (need.devices or need.share_milli):
            held.append(one)
            continue
        row = rows.get(one.bin)
        if row is None:
            row = rows[one.bin] = _Row(bins[one.bin].devices)
        held.append(replace(one, devices=row.seat(one.job, need)))
    changed = [
        replace(one, devices=tuple(rows[at].devices)) if at in rows and rows[at].shared else one
        for at, one in enumerate(bins)
    ]
    held.sort(key=lambda one: (one.job, one.member))
    return tuple(changed), tuple(held)


def promised(bins: Sequence[Bin], standing: Iterable[Held], classes: Sequence[ItemClass]) -> tuple[Bin, ...]:
    """The bins with no more free than is left beside those who stand there.

    What is free may have been measured, and work may use less than it asks for. So giving back what it asks
    for never makes more free than there is in all.
    """
    held: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for one in standing:
        held[one.bin].append(classes[one.of].need.amounts)
    found = list(bins)
    for at, amounts in held.items():
        rows = zip(bins[at].free, bins[at].total, map(sum, zip(*amounts, strict=True)), strict=True)
        free = tuple(free if free >= UNLIMITED else min(free, total - taken) for free, total, taken in rows)
        found[at] = replace(bins[at], free=free)
    return tuple(found)


def less(one: Device, need: Need, sign: int = 1) -> Device:
    """The device with what one item takes of it; `sign` -1: with what that one gives back."""
    return replace(
        one,
        free_milli=one.free_milli - sign * need.each_milli,
        held_memory_bytes=one.held_memory_bytes + sign * need.each_memory_bytes,
    )


def _largest(need: Need) -> tuple[int, int]:
    return -need.share_milli, -need.device_memory_bytes


class _Row:
    """The devices of one bin."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self.devices = [*devices]
        """Each with what is left of it."""
        self._open = [at for at, one in enumerate(devices) if not one.free_milli]
        self.shared = False

    def seat(self, job: str, need: Need) -> tuple[int, ...]:
        """Positions of the devices of one member; fewer than it asks for where no more are held."""
        if need.share_milli:
            return self._share(need)
        own = sorted(self._open, key=lambda at: (self.devices[at].holder != job, at))[: need.devices]
        self._open = [at for at in self._open if at not in own]
        return tuple(own)

    def _share(self, need: Need) -> tuple[int, ...]:
        def full(at: int) -> tuple[bool, int, int]:
            free = self.devices[at].free_memory_bytes
            return free is not None and free < need.device_memory_bytes, self.devices[at].free_milli, at

        fits = [at for at, one in enumerate(self.devices) if one.free_milli >= need.share_milli]
        if not fits:
            return ()
        at = min(fits, key=full)
        self.devices[at] = less(self.devices[at], need)
        self.shared = True
        return (at,)
