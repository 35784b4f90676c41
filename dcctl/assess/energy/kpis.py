"""Key figures of ISO/IEC 30134: PUE, REF, ERF, CUE and WUE of a site, by metering point."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.inventory.conditions import Curve
    from dcctl.inventory.energy import Grid, Period, Point

CATEGORY: Final[dict[Point, int]] = {"ups": 1, "pdu": 2, "it": 3}
"""PUE category by metering point of the IT energy (ISO/IEC 30134-2): UPS output, PDU output, IT input."""
_YEAR_S: Final = 364 * 86_400
"""Of 12 months; a day is left to readings that are not taken at midnight."""
_LEAST_S: Final = 23 * 3600
"""Of a day, in which what cools goes through its cycle; an hour is left to when readings are taken."""
_DOUBTFUL_MILLI: Final = 3000
"""Above it a data centre cools more than twice what it computes: hardly any does."""
_IMPOSSIBLE_MILLI: Final = 10_000
_WH_MJ: Final = 3_600_000


class Kpi(Struct, frozen=True):
    """The key figures of one site at one metering point. None: an input is not known."""

    site: str
    category: int
    start_s: int
    end_s: int
    covered_s: int
    """Length of the periods that were summed; less than the span where some lack a figure."""
    coverage_milli: int
    """Share of the site's nodes behind the meters of the IT energy."""
    facility_mj: int
    it_mj: int
    place: str
    pue_milli: int | None = None
    """None: it cannot be, being below 1 or above 10."""
    impossible_milli: int | None = None
    """What it would be then."""
    ref_milli: int | None = None
    erf_milli: int | None = None
    wue_milli: int | None = None
    """Thousandths of a litre for a kWh of IT energy."""
    cue_milli: int | None = None
    """Thousandths of a kg of CO2 for a kWh of IT energy, location-based."""
    cue_market_milli: int | None = None
    """The same, market-based."""

    @property
    def interim(self) -> bool:
        """Whether it is of less than 12 months on end: an interim PUE."""
        holes_s = self.end_s - self.start_s - self.covered_s
        return self.covered_s < _YEAR_S or holes_s * 100 > self.covered_s

    @property
    def short(self) -> bool:
        """Whether it is of so little time that it means nothing."""
        return self.covered_s < _LEAST_S

    @property
    def doubtful(self) -> bool:
        """Whether it is above what data centres have, the IT that is not metered made good."""
        return (self.pue_milli or 0) * self.coverage_milli > _DOUBTFUL_MILLI * 1000

    @property
    def credible(self) -> bool:
        """Whether it can be quoted, and bills may count with it."""
        return self.pue_milli is not None and not self.short and not self.doubtful


def kpis(site: str, periods: Sequence[Period], grid: Grid | None) -> list[Kpi]:
    """The figures of a site, one for each category that its meters allow, the highest category first."""
    found = []
    for point, category in sorted(CATEGORY.items(), key=lambda pair: -pair[1]):
        used = [one for one in periods if "facility" in one.energy_mj and point in one.energy_mj]
        if any(one.energy_mj[point] for one in used):  # where nothing was counted there is nothing to divide
            found.append(_kpi(site, point, category, used, grid))
    return found


def best(found: Iterable[Kpi]) -> Kpi | None:
    """The figure to quote: the credible one that covers most of the site, of equals the highest category."""
    usable = [one for one in found if one.credible]
    return max(usable, key=lambda one: (one.coverage_milli, one.category), default=None)


def _kpi(site: str, point: Point, category: int, used: list[Period], grid: Grid | None) -> Kpi:
    facility = sum(one.energy_mj["facility"] for one in used)
    it = sum(one.energy_mj[point] for one in used)
    renewable = _sum([one.renewable_mj for one in used])
    reused = _sum([one.reused_mj for one in used])
    water = _sum([one.water_ml for one in used])
    location, market = (grid.location, grid.market) if grid else (None, None)
    coverage = min(one.coverage_milli.get(point, 1000) for one in used)
    pue = _ratio(facility * 1000, it) or 0
    possible = facility >= it and pue * coverage <= _IMPOSSIBLE_MILLI * 1000
    by_it = it if possible else 0
    return Kpi(
        site,
        category,
        used[0].start_s,
        used[-1].end_s,
        sum(one.end_s - one.start_s for one in used),
        coverage,
        facility,
        it,
        used[0].place,
        pue_milli=pue if possible else None,
        impossible_milli=None if possible else pue,
        ref_milli=_ratio(renewable and renewable * 1000, facility) if renewable is not None else None,
        erf_milli=_ratio(reused and reused * 1000, facility) if reused is not None else None,
        wue_milli=_ratio(water * 1000 * _WH_MJ, by_it) if water is not None else None,
        cue_milli=_ratio(_grams(used, location), by_it),
        cue_market_milli=_ratio(_grams(used, market), by_it),
    )


def _sum(values: list[int | None]) -> int | None:
    """None where one of them is not known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _ratio(upper: int | None, lower: int) -> int | None:
    """Rounded to the nearest; None: not known, or divided by nothing."""
    return None if upper is None or lower <= 0 else round(Fraction(upper, lower))


def _grams(used: list[Period], curve: Curve | None) -> int | None:
    """Energy times intensity, in (g/kWh) x mJ: divided by the IT energy it is g/kWh, thousandths of kg/kWh.

    Within a period the power is taken as even.
    """
    if curve is None:
        return None
    total = Fraction(0)
    for one in used:
        whole = curve.integral(one.start_s, one.end_s)
        if whole is None:
            return None
        total += Fraction(one.energy_mj["facility"] * whole, (one.end_s - one.start_s) * 1000)
    return round(total)
