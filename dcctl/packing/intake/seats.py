"""On which devices those who stand on a node already are: as told, else as likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.packing.problem import Bin, Device, Held, ItemClass, Need


def seated(
    bins: Sequence[Bin], standing: Sequence[Held], classes: Sequence[ItemClass]
) -> tuple[tuple[Bin, ...], tuple[Held, ...]]:
    """The bins without the shares that members hold, and the members with the devices they hold.

    A share is on the fullest device that has room for it. Whole devices are those that the member's job is
    known to hold, then any others that somebody holds.
    """
    rows: dict[int, _Row] = {}
    held = []
    for one in sorted(standing, key=lambda one: (-classes[one.of].need.share_milli, one.bin)):
        need = classes[one.of].need
        if not (need.devices or need.share_milli):
            held.append(one)
            continue
        row = rows.get(one.bin)
        if row is None:
            row = rows[one.bin] = _Row(bins[one.bin].devices)
        held.append(replace(one, devices=row.seat(one.job, need)))
    changed = [
        replace(one, devices=rows[at].devices()) if at in rows and rows[at].shared else one
        for at, one in enumerate(bins)
    ]
    held.sort(key=lambda one: (one.job, one.member))
    return tuple(changed), tuple(held)


class _Row:
    """The devices of one bin."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = devices
        self._milli = [one.free_milli for one in devices]
        self._open = [at for at, one in enumerate(devices) if not one.free_milli]
        self.shared = False

    def seat(self, job: str, need: Need) -> tuple[int, ...]:
        """Positions of the devices of one member; fewer than it asks for where no more are held."""
        if need.share_milli:
            return self._share(need.share_milli)
        own = sorted(self._open, key=lambda at: (self._devices[at].holder != job, at))[: need.devices]
        self._open = [at for at in self._open if at not in own]
        return tuple(own)

    def _share(self, milli: int) -> tuple[int, ...]:
        fits = [at for at, free in enumerate(self._milli) if free >= milli]
        if not fits:
            return ()
        at = min(fits, key=lambda at: (self._milli[at], at))
        self._milli[at] -= milli
        self.shared = True
        return (at,)

    def devices(self) -> tuple[Device, ...]:
        """Each with what is left of it."""
        return tuple(
            replace(one, free_milli=free) for one, free in zip(self._devices, self._milli, strict=True)
        )
