"""What a row of meters asks a Prometheus, and what exporters that are known call their power. Data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from dcctl.inventory.sources.energy.amounts import ENERGY
from dcctl.inventory.sources.jobs.amounts import MILLIWATTS

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind: TypeAlias = Literal["facility", "ups", "pdu", "bmc", "rapl", "accelerator"]
POINTS: Final[dict[str, Kind]] = {
    "facility": "facility",
    "ups": "ups",
    "pdu": "pdu",
    "node": "bmc",
    "cpu": "rapl",
    "gpu": "accelerator",
}
"""Metering points as a configuration names them."""
OF_A_NODE: Final = frozenset({"bmc", "rapl", "accelerator"})
POWER_UNITS: Final = {"mW": 1, **MILLIWATTS}
ENERGY_UNITS: Final = {"mJ": 1, **ENERGY.units}
REGEX: Final = r"(.*?)(?::[0-9]+)?"
"""A label as it is, without a port."""
COUNTER: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?", re.DOTALL)
"""A metric by name, with matchers."""


class Row(Struct, frozen=True):
    """Meters of one kind, a series each."""

    kind: Kind
    title: str
    """For people."""
    power: str = ""
    """PromQL: what they draw now. `$labels` stands for matchers, `$by` for the labels that tell apart."""
    power_mw: int = 1000
    """Milliwatts of one."""
    energy: str = ""
    """A counter of energy, with matchers."""
    energy_mj: int = 1
    """Millijoules of one."""
    labels: tuple[str, ...] = ()
    """Which label names a meter, in order of preference; none: there is one meter."""
    regex: str = REGEX
    """What of the label is its name: the first group."""
    site_label: str = ""
    name: str = ""
    """Of the only one."""
    nodes: str = ""
    """What the only one covers; empty: the site."""
    feeds: dict[str, str] = {}
    """By name, the nodes that hang on a meter."""
    total: bool = False
    """All series of one name are parts of one meter."""

    def asking(self, matchers: Mapping[str, str]) -> Row:
        """The same with labels that every series has, and `$by` filled in."""
        text = "".join(f'{label}="{_quoted(value)}",' for label, value in matchers.items())
        by = ",".join((*self.labels, *([self.site_label] if self.site_label else [])))
        counter = COUNTER.fullmatch(self.energy)
        energy = f"{counter[1]}{{{text}{counter[2] or ''}}}" if counter else ""
        return replace(self, power=self.power.replace("$labels", text).replace("$by", by), energy=energy)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


_BOARDS = "max by (UUID, $by) (deriv(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{$labels}[5m]))"
EXPORTERS: Final = {
    "ipmi": Row(
        "bmc",
        "ipmi_exporter",
        "max by ($by) (ipmi_dcmi_power_consumption_watts{$labels})",
        labels=("instance",),
    ),
    "node": Row(
        "rapl",
        "node_exporter",
        "sum by ($by) (rate(node_rapl_package_joules_total{$labels}[5m]))",
        labels=("instance",),
    ),
    "kepler": Row(
        "rapl",
        "kepler",
        'sum by ($by) (kepler_node_cpu_watts{$labels zone=~"package|dram"})',
        labels=("node_name",),
    ),
    "dcgm": Row(
        "accelerator",
        "dcgm-exporter",
        f"sum by ($by) ({_BOARDS})",
        power_mw=1,  # the counter is in mJ
        labels=("hostname", "Hostname"),
    ),
}
"""Metrics of prometheus-community/ipmi_exporter, node_exporter, kepler (since 0.10), NVIDIA's dcgm-exporter.

A board's counter is taken once, whoever holds it: each slice of MIG repeats it. Pods come and go, and series
with them: the slope of one that is seconds old is right, its rate over five minutes would not be.
"""
