"""Power and cooling of a site."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dcctl.inventory.devices import Fact, Natural
from dcctl.inventory.evidence.base import Subject

PlantKind: TypeAlias = Literal["ups", "pdu", "rack", "site", "node"]


class Phase(Fact, frozen=True):
    """One phase of a feed."""

    name: str
    """`L1`."""
    current_ma: Natural
    breaker_ma: Natural | None = None


class Temperature(Fact, frozen=True):
    """One reading of a sensor."""

    name: str
    """`inlet`, `rack07 front`."""
    temperature_mc: int
    """Thousandths of a degree Celsius."""
    medium: Literal["air", "coolant"] = "air"


class Plant(Subject, frozen=True, kw_only=True):
    """A UPS, a PDU, a rack, a site or a node. Its power is that of the meter of its name."""

    name: str
    kind: PlantKind
    site: str = ""
    rack: str = ""
    nodes: tuple[str, ...] = ()
    power_mw: Natural | None = None
    nominal_mw: Natural | None = None
    load_milli: Natural | None = None
    efficiency_milli: Natural | None = None
    read_at_s: int | None = None
    status: tuple[str, ...] | None = None
    """Of a UPS, as NUT abbreviates it: OL on line, OB on battery, BYPASS, RB replace battery, OVER, LB."""
    battery_made_s: int | None = None
    tested_at_s: int | None = None
    test_passed: bool | None = None
    phases: tuple[Phase, ...] | None = None
    temperatures: tuple[Temperature, ...] | None = None

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Plant/{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """The nodes that hang on it."""
        return self.nodes
