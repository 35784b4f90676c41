"""What is known of a site's energy from its own facts and meters: price, carbon, PUE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.energy import kpis, meters
from dcctl.inventory.conditions import Curve
from dcctl.inventory.energy import Grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.inventory.model import Fleet, Site


def currency_of(sites: Iterable[Site]) -> str | None:
    """The currency of all sites that tell one; None: none does, or they differ."""
    told = {site.currency for site in sites if site.currency}
    return told.pop() if len(told) == 1 else None


def stated_grids(sites: Sequence[Site], currency: str) -> dict[str, Grid]:
    """What the inventory tells of sites: one value for all hours, prices in one currency alone.

    That is `currency`, else the one that all sites have: money of two currencies is never added.
    """
    wanted = currency or currency_of(sites)
    return {
        site.name: Grid(
            price=_level(site.energy_price_milli_per_mwh if wanted and site.currency == wanted else None),
            location=_level(site.carbon_mg_per_kwh),
        )
        for site in sites
    }


def _level(value: int | None) -> Curve | None:
    return None if value is None else Curve((0,), (value,))


def measured_pue(fleet: Fleet) -> dict[str, int]:
    """By site, in thousandths, by its meters alone; a site is left out unless all of its IT is metered."""
    periods = meters.told(fleet, None).periods
    chosen = {site: kpis.best(kpis.kpis(site, found, None)) for site, found in periods.items()}
    return {
        site: best.pue_milli
        for site, best in chosen.items()
        if best is not None and best.pue_milli is not None and best.coverage_milli >= 1000
    }
