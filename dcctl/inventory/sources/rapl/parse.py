"""Two looks at RAPL's energy counters, which wrap, as the mean power in between."""

from __future__ import annotations

from msgspec import Struct

from dcctl.inventory.model import PowerMeter
from dcctl.inventory.sources.base import SourceError

_SUMMED = ("package", "dram")
"""Domains that lie beside each other. `core` and `uncore` are parts of a package, `psys` holds them all."""


class Zone(Struct, frozen=True):
    """One domain of RAPL at one moment."""

    folder: str
    """`intel-rapl:0`, `intel-rapl:0:1`, …."""
    name: str
    """`package-0`, `dram`, `core`, `psys`, …."""
    energy_uj: int | None
    """None: it may not be read."""
    range_uj: int | None
    """Where the counter starts again from 0."""


def counted(zones: tuple[Zone, ...]) -> tuple[Zone, ...]:
    """The domains that add up to processors and memory, none of them part of another."""
    return tuple(zone for zone in zones if zone.name.partition("-")[0] in _SUMMED)


def parse(
    node: str, before: tuple[Zone, ...], after: tuple[Zone, ...], elapsed_s: float, read_at_s: int, hint: str
) -> PowerMeter:
    """Return the meter of a machine that was looked at twice.

    SourceError: it has no RAPL, its counters may not be read (`hint` tells how to try), or they cannot be
    believed: a domain is not in both looks, or its wrap is not known. A counter that is lower than before
    went round once: the looks are seconds apart, a round takes minutes.
    """
    if not before and not after:
        raise SourceError(node, "has no RAPL (no intel-rapl in /sys/class/powercap)", "unsupported")
    if any(zone.energy_uj is None for zone in (*before, *after)):
        raise SourceError(node, "RAPL may be read by root alone", "denied", hint)
    used_uj = _used_uj(counted(before), counted(after))
    if used_uj is None or elapsed_s <= 0:
        why = "its energy counters tell no power: they changed while they were read, or lack a range"
        raise SourceError(node, why, "invalid")
    power_mw = round(used_uj / 1000 / elapsed_s)
    return PowerMeter(node, "rapl", nodes=node, power_mw=power_mw, read_at_s=read_at_s)


def _used_uj(before: tuple[Zone, ...], after: tuple[Zone, ...]) -> int | None:
    """What all domains together took between the looks; None: not known."""
    first = {zone.folder: zone for zone in before}
    if not after or first.keys() != {zone.folder for zone in after}:
        return None
    used_uj = 0
    for zone in after:
        grown = (zone.energy_uj or 0) - (first[zone.folder].energy_uj or 0)
        if grown < 0:
            if zone.range_uj is None:
                return None
            grown += zone.range_uj
        used_uj += grown
    return used_uj
