"""What chassis of a BMC tell of their power, as one meter for the machine.

Names as in DMTF's schemas: Power (deprecated, and what most BMCs have), PowerSubsystem with PowerSupplies and
their Metrics, EnvironmentMetrics.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.inventory.evidence.plant import Temperature
from dcctl.inventory.model import PowerMeter
from dcctl.inventory.sources.power.numbers import WH_MJ, amount, milliwatts, total

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.inventory.sources.redfish.client import Json

_INTAKES = ("Intake", "AirInlet", "Room")


class Chassis(Struct, frozen=True):
    """What one chassis answered: its own object, and those that it links to."""

    own: Json
    power: Json = {}
    environment: Json = {}
    subsystem: Json = {}
    supplies: tuple[Json, ...] = ()
    """Metrics of each power supply, where there is a PowerSubsystem."""


def parse(node: str, chassis: Sequence[Chassis], read_at_s: int) -> PowerMeter:
    """Return the meter of a machine: of its chassis the one that draws most, for it holds the others.

    What no chassis tells is None.
    """
    found = [_meter(node, one, read_at_s) for one in chassis]
    measured = [one for one in found if one.power_mw is not None]
    return max(
        measured or found, key=lambda one: one.power_mw or 0, default=PowerMeter(node, "bmc", nodes=node)
    )


def intakes(thermal: Json, metrics: Json) -> Iterator[Temperature]:
    """Yield the temperatures of the air that a chassis takes in, of Thermal or of ThermalMetrics."""
    for sensor in _objects(thermal.get("Temperatures")):
        reading = sensor.get("ReadingCelsius")
        if sensor.get("PhysicalContext") in _INTAKES and _is_number(reading):
            yield Temperature(str(sensor.get("Name") or "intake")[:80], round(float(str(reading)) * 1000))
    reading = _reading(_object(metrics.get("TemperatureSummaryCelsius")).get("Intake"))
    if _is_number(reading):
        yield Temperature("intake", round(float(str(reading)) * 1000))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -100 < value < 1000


def _meter(node: str, one: Chassis, read_at_s: int) -> PowerMeter:
    control = _first(one.power.get("PowerControl"))
    power = milliwatts(_reading(one.environment.get("PowerWatts")))
    if power is None:
        power = milliwatts(control.get("PowerConsumedWatts"))
    energy = _object(one.environment.get("EnergykWh"))
    lifetime = energy.get("LifetimeReading")
    kwh = _reading(energy) if lifetime is None else lifetime
    drawn, given = _supplies(one)
    if power is None:
        power = drawn
    return PowerMeter(
        node,
        "bmc",
        nodes=node,
        power_mw=power,
        energy_mj=amount(kwh, 1000 * WH_MJ),
        energy_from_s=_moment(energy.get("SensorResetTime")) if lifetime is None else None,
        read_at_s=read_at_s,
        nominal_mw=milliwatts(control.get("PowerCapacityWatts"))
        or milliwatts(one.subsystem.get("CapacityWatts")),
        efficiency_milli=None if not drawn or given is None else given * 1000 // drawn,
    )


def _supplies(one: Chassis) -> tuple[int | None, int | None]:
    """What all power supplies together draw and give. A supply that is absent counts for nothing."""
    old = [supply for supply in _objects(one.power.get("PowerSupplies")) if _is_there(supply)]
    drawn = [milliwatts(supply.get("PowerInputWatts")) for supply in old]
    given = [milliwatts(supply.get("PowerOutputWatts")) for supply in old]
    if one.supplies:
        drawn = [milliwatts(_reading(supply.get("InputPowerWatts"))) for supply in one.supplies]
        given = [milliwatts(_reading(supply.get("OutputPowerWatts"))) for supply in one.supplies]
    return total(drawn), total(given)


def _is_there(supply: Json) -> bool:
    return _object(supply.get("Status")).get("State") != "Absent"


def _reading(value: object) -> object:
    """A sensor excerpt has its number under `Reading`."""
    return value.get("Reading") if isinstance(value, dict) else value


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _first(value: object) -> Json:
    return next(iter(_objects(value)), {})


def _moment(value: object) -> int | None:
    """Unix time of a text with its zone."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if read is None or read.tzinfo is None else max(0, int(read.timestamp()))
