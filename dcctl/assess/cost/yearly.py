"""What one node costs and takes in a year, exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dcctl.inventory.market import Market, NodeType, Place


class Yearly(NamedTuple):
    """Of one node, in the currency."""

    capex: Fraction
    """Written off in a year."""
    energy: Fraction
    opex: Fraction

    @property
    def total(self) -> Fraction:
        """All of it."""
        return self.capex + self.energy + self.opex


def cost_of(market: Market, site: Place, one: NodeType) -> Yearly:
    """Return capex / life, kW * PUE * tariff * hours, and opex; what has no tariff costs no energy."""
    return Yearly(
        Fraction(one.capex_milli, one.life_milliyears) if one.life_milliyears else Fraction(0),
        energy_kwh(market, site, one) * (site.tariff_micro or 0) / 10**6,
        Fraction(one.opex_milli, 1000),
    )


def energy_kwh(market: Market, site: Place, one: NodeType) -> Fraction:
    """Return kW * PUE * hours: of the nameplate power, with what the data centre adds."""
    kilowatts = Fraction(one.each.power_mw or 0, 10**6)
    return kilowatts * Fraction(site.pue_milli or 1000, 1000) * market.hours
