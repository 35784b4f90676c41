"""RAPL of this machine, from /sys/class/powercap. The counters are readable by root alone (CVE-2020-8694)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.model import Fleet
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.machine.sysfs import entries, text
from dcctl.inventory.sources.rapl.parse import Zone, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.sources.power.many import Asking

_BETWEEN_S = 0.5
"""Long against a counter's step of a millisecond, short against its round of minutes."""


class RaplSource:
    """Processors and memory of the machine that dcctl runs on."""

    kind = "rapl"

    def __init__(
        self,
        root: Path = Path("/"),
        *,
        asking: Asking,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`root` is where proc and sys are."""
        self.name, self._asking, self._root = asking.name, asking, root
        self._sleep, self._clock = sleep, clock

    def collect(self) -> Fleet:
        """One meter. SourceError: there is no RAPL, it may not be read, or it cannot be believed."""
        node = text(self._root / "proc/sys/kernel/hostname") or "localhost"
        before, started = self._zones(node), self._clock()
        self._sleep(_BETWEEN_S)
        after, ended = self._zones(node), self._clock()
        meter = parse(node, before, after, ended - started, int(self._asking.now()))
        if meter is None:
            why = "its energy counters tell no power: they changed while they were read, or lack a range"
            raise SourceError(node, why, "invalid")
        return Fleet(meters=(replace(meter, site=self._asking.site),))

    def _zones(self, node: str) -> tuple[Zone, ...]:
        folder = self._root / "sys/class/powercap"
        zones, hidden = [], False
        for path in entries(folder):
            name, energy = text(path / "name"), path / "energy_uj"
            if name is None or ":" not in path.name:
                continue
            told = text(energy)
            if told is None:
                hidden = hidden or energy.exists()
            elif told.isdecimal():
                most = text(path / "max_energy_range_uj") or ""
                zones.append(Zone(path.name, name, int(told), int(most) if most.isdecimal() else None))
        if hidden:
            why = "RAPL may be read by root alone"
            raise SourceError(node, why, "denied", "sudo dcctl assess energy")
        if not zones:
            raise SourceError(node, "has no RAPL (no intel-rapl in /sys/class/powercap)", "unsupported")
        return tuple(zones)
