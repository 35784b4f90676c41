"""Two looks at RAPL's energy counters, which wrap, as the mean power in between."""

from __future__ import annotations

from msgspec import Struct

from dcctl.inventory.model import PowerMeter

_SUMMED = ("package", "dram")
"""Domains that lie beside each other. `core` and `uncore` are parts of a package, `psys` holds them all."""


class Zone(Struct, frozen=True):
    """One domain of RAPL at one moment."""

    folder: str
    """`intel-rapl:0`, `intel-rapl:0:1`, …."""
    name: str
    """`package-0`, `dram`, `core`, `psys`, …."""
    energy_uj: int
    range_uj: int | None
    """Where the counter starts again from 0."""


def counted(zones: tuple[Zone, ...]) -> tuple[Zone, ...]:
    """The domains that add up to processors and memory, none of them part of another."""
    return tuple(zone for zone in zones if zone.name.partition("-")[0] in _SUMMED)


def parse(
    node: str, before: tuple[Zone, ...], after: tuple[Zone, ...], elapsed_s: float, read_at_s: int
) -> PowerMeter | None:
    """Return the meter of a machine; None where a domain is not in both looks, or its wrap is not known.

    A counter that is lower than before went round once: the looks are seconds apart, a round takes minutes.
    """
    first = {zone.folder: zone for zone in counted(before)}
    used_uj = 0
    later = counted(after)
    if not later or elapsed_s <= 0 or first.keys() != {zone.folder for zone in later}:
        return None
    for zone in later:
        grown = zone.energy_uj - first[zone.folder].energy_uj
        if grown < 0:
            if zone.range_uj is None:
                return None
            grown += zone.range_uj
        used_uj += grown
    return PowerMeter(
        node, "rapl", nodes=node, power_mw=round(used_uj / 1000 / elapsed_s), read_at_s=read_at_s
    )
