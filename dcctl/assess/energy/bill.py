"""What drawing power at a site costs and emits over a time, by its curves and its PUE."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from dcctl.inventory.energy import Grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.conditions import Curve

_UNKNOWN: Final = Grid()
_WH_MJ: Final = 3_600_000
_KWH_MJ: Final = 1000 * _WH_MJ
_MWH_MJ: Final = 1000 * _KWH_MJ


class Bill(Struct, frozen=True):
    """Of some work over a time, at the entry of the site. None: not known."""

    energy_mj: int = 0
    cost_milli: int | None = None
    """Thousandths of the currency."""
    carbon_mg: int | None = None
    """Location-based."""
    carbon_market_mg: int | None = None
    """Market-based; never added to the other."""


def bill(
    power_mw: Mapping[str, int],
    pue_milli: Mapping[str, int],
    grids: Mapping[str, Grid],
    start_s: int,
    end_s: int,
) -> Bill:
    """Sum over sites of power x PUE x time, and of that x price and x intensity hour by hour.

    A site without a PUE counts its IT energy alone.
    """
    energy, money, location, market = Fraction(0), list[Fraction | None](), [], []
    for site, draws in power_mw.items():
        at_entry = Fraction(draws * pue_milli.get(site, 1000), 1000)
        grid = grids.get(site, _UNKNOWN)
        energy += at_entry * (end_s - start_s)
        money.append(_times(at_entry, grid.price, start_s, end_s))
        location.append(_times(at_entry, grid.location, start_s, end_s))
        market.append(_times(at_entry, grid.market, start_s, end_s))
    return Bill(
        round(energy),
        _total(money, _MWH_MJ),  # thousandths of the currency for a MWh
        _total(location, _KWH_MJ),  # thousandths of g, which are mg, for a kWh
        _total(market, _KWH_MJ),
    )


def _times(power_mw: Fraction, curve: Curve | None, start_s: int, end_s: int) -> Fraction | None:
    """Power times the integral of a curve; None where any of it is not known."""
    whole = curve.integral(start_s, end_s) if curve is not None else None
    return None if whole is None else power_mw * whole


def _total(parts: list[Fraction | None], per_mj: int) -> int | None:
    known = [part for part in parts if part is not None]
    return round(sum(known, Fraction(0)) / per_mj) if known and len(known) == len(parts) else None
