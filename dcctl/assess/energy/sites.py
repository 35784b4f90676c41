"""What is known of a site's energy from its own facts and meters: price, carbon, PUE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.energy import kpis, meters
from dcctl.inventory.conditions import Curve
from dcctl.inventory.energy import Grid

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet, Site


def grid_of(site: Site) -> Grid:
    """What the inventory tells of the site: one value for all hours."""
    return Grid(price=_level(site.energy_price_milli), location=_level(site.carbon_milli))


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
