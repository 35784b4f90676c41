"""What people write down of energy: amounts at metering points, prices, carbon, UPSes, power caps."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import field

from dcctl.inventory.conditions import Curve  # noqa: TC001 - the type of a field
from dcctl.inventory.devices import Fact, Natural

Point: TypeAlias = Literal["facility", "ups", "pdu", "it"]
"""Where energy is metered: at the entry of the data centre, at the outputs of its UPSes and of its PDUs, at
the inputs of the IT equipment."""
POINTS: Final[tuple[Point, ...]] = ("facility", "ups", "pdu", "it")


def grown_mj(before_mj: int, after_mj: int, wraps_at_mj: int | None) -> int | None:
    """Return what a register that only grows counted between two readings; None: it ran backwards.

    One that is lower went round only if it fell by more than half of its range: after a smaller fall it would
    have counted most of that range unseen.
    """
    grown = after_mj - before_mj
    if grown >= 0:
        return grown
    if wraps_at_mj is None or before_mj > wraps_at_mj or -grown * 2 <= wraps_at_mj:
        return None
    return grown + wraps_at_mj


class Period(Fact, frozen=True):
    """What a site took between two moments. None: nobody wrote it down."""

    start_s: int
    end_s: int
    place: str
    """File and line, or the meters that told it."""
    energy_mj: dict[Point, int] = field(default_factory=dict)
    renewable_mj: Natural | None = None
    reused_mj: Natural | None = None
    water_ml: Natural | None = None
    coverage_milli: dict[Point, int] = field(default_factory=dict)
    """Share of the site's nodes behind the meters of a point; where it is not named, all of them."""


class Grid(Fact, frozen=True):
    """What a unit of energy costs and emits at a site."""

    price: Curve | None = None
    """Thousandths of the currency for a MWh."""
    location: Curve | None = None
    """Grams of CO2 for a kWh by the grid that the site hangs on, in thousandths (location-based)."""
    market: Curve | None = None
    """The same by the contracts and certificates that the operator bought (market-based)."""


class UpsPoint(Fact, frozen=True):
    """One point of a vendor's curve."""

    load_milli: int
    efficiency_milli: int


class UpsModel(Fact, frozen=True):
    """What the data sheet of a UPS says."""

    name: str
    nominal_mw: int
    points: tuple[UpsPoint, ...]
    place: str = ""


class CapPoint(Fact, frozen=True):
    """What was measured under one power cap."""

    cap_mw: int
    power_mw: int
    """Mean of one accelerator."""
    time_milli: int
    """For the same work, in thousandths of the time without a cap."""


class CapModel(Fact, frozen=True):
    """How an accelerator answers to power caps: by points that were measured, else by a stated model."""

    model: str
    points: tuple[CapPoint, ...] = ()
    idle_mw: int = 0
    limit_mw: int = 0
    compute_milli: int = 0
    """Stated model: the share of the time that goes with the clock."""
    place: str = ""


class Figures(Fact, frozen=True):
    """All that a file tells."""

    currency: str = ""
    periods: dict[str, tuple[Period, ...]] = field(default_factory=dict)
    """By site, in order of time, none overlapping."""
    grids: dict[str, Grid] = field(default_factory=dict)
    """By site."""
    ups: tuple[UpsModel, ...] = ()
    caps: tuple[CapModel, ...] = ()
