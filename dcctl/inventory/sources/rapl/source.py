"""RAPL of this machine, from /sys/class/powercap. The counters are readable by root alone (CVE-2020-8694)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.model import Fleet
from dcctl.inventory.sources.machine.figures import number
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
        before, started = self._zones(), self._clock()
        self._sleep(_BETWEEN_S)
        after, ended = self._zones(), self._clock()
        hint = "sudo dcctl assess energy"
        meter = parse(node, before, after, ended - started, int(self._asking.now()), hint)
        return Fleet(meters=(replace(meter, site=self._asking.site),))

    def _zones(self) -> tuple[Zone, ...]:
        zones = []
        for path in entries(self._root / "sys/class/powercap"):
            name = text(path / "name")
            if name is not None and ":" in path.name and (path / "energy_uj").exists():
                energy, most = (number(text(path / file)) for file in ("energy_uj", "max_energy_range_uj"))
                zones.append(Zone(path.name, name, energy, most))
        return tuple(zones)
