"""What a site expects of its power and its cooling."""

from __future__ import annotations

from msgspec import Struct

_DAY_S = 86_400


class EnergyPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit.energy]. The limit of the PUE is that of the site in the inventory."""

    meter_age_s: int = 3600
    """How old a reading may be."""
    load_milli: int = 800
    """Of a breaker or of what a rack may draw: continuous load."""
    imbalance_milli: int = 200
    """By how much of their mean a phase may be away from it, on feeds that carry a tenth of theirs."""
    ups_efficiency_milli: int = 900
    """At a third of its load or more."""
    battery_age_s: int = 5 * 365 * _DAY_S
    """How old a battery may be."""
    battery_test_age_s: int = 180 * _DAY_S
    """How long ago a battery may have been tested."""
    idle_milli: int = 10
    """A board that is busy for less than so much of the time is idle."""
    idle_budget_wh: int = 1_000_000
    """For each site, what boards that stand idle may have drawn since they were first seen so."""
    inlet_mc: tuple[int, int] = (18_000, 27_000)
    """Lowest and highest temperature of the air, in thousandths of a degree: ASHRAE's recommended range."""
    coolant_mc: tuple[int, int] = (2_000, 45_000)
    """The same of the coolant: up to class W45."""
