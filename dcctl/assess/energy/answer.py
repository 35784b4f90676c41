"""All that `dcctl assess energy` finds out, as data: the report only shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from dcctl.assess.energy import balance, caps, hours, kpis, meters
from dcctl.assess.energy.attribution import Attribution, attribute
from dcctl.assess.energy.bill import Bill, bill
from dcctl.assess.energy.sites import stated_grids
from dcctl.assess.energy.supply import Ups, supplies
from dcctl.inventory.conditions import curve_of
from dcctl.inventory.energy import Figures, Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dcctl.inventory.conditions import Curve, Curves
    from dcctl.inventory.energy import CapModel, Period
    from dcctl.inventory.model import Fleet, Node, Workload

DAY_S: Final = 86_400


class Options(Struct, frozen=True):
    """What a run was asked."""

    horizon_s: int = DAY_S
    """For how long work is billed, from now on."""
    eta_milli: int = 500
    """How much energy counts against time in the choice of a power cap."""
    slowdown_milli: int | None = None
    """Instead of that: how much slower a capped board may be."""
    prices: Curves = {}
    """Curves by site, over what a file of figures says."""
    location: Curves = {}
    market: Curves = {}


class Cap(NamedTuple):
    """The cap to recommend for one model of accelerator."""

    model: CapModel
    boards: int
    """Of the fleet, of that model."""
    limit_mw: int | None
    """What they are capped at now, if at the same."""
    uncapped: caps.Choice
    chosen: caps.Choice


class Wait(NamedTuple):
    """Work that can wait, and when it is best done."""

    work: Workload
    cheapest: hours.Best | None
    greenest: hours.Best | None


class Answer(NamedTuple):
    """Everything."""

    fleet: Fleet
    figures: Figures
    options: Options
    kpis: list[kpis.Kpi]
    power_only: tuple[str, ...]
    """Sites whose meters tell power and no energy of any period."""
    without_figure: tuple[str, ...]
    """Sites of whose periods by hand no figure can be made."""
    unknown_sites: tuple[str, ...]
    """Sites of the file that the inventory does not have."""
    ahead: tuple[str, ...]
    """Places of periods that end later than now."""
    troubles: tuple[meters.Trouble, ...]
    steps: list[balance.Step]
    asked: int
    """Nodes whose work is told."""
    attribution: Attribution
    bills: tuple[Bill, ...]
    """As `attribution.drawn`."""
    uncovered: tuple[str, ...]
    """Prices and intensities that are told, and not for all of the time that is billed."""
    pue_milli: dict[str, int]
    """By site: the figure that bills count with, where all of the IT is metered."""
    ups: list[Ups]
    caps: list[Cap]
    waits: list[Wait]


def answer(
    fleet: Fleet, asked: Sequence[Node], earlier: Fleet | None, figures: Figures, options: Options, now_s: int
) -> Answer:
    """What is known of energy: the fleet's meters now and `earlier`, figures by hand, and curves.

    Sites, meters and the balance are those of the whole fleet; work is told on the nodes `asked` for.
    """
    told = meters.told(fleet, earlier)
    known = {site.name for site in fleet.sites} | {node.site or "" for node in fleet.nodes}
    sites = known | told.periods.keys() | figures.periods.keys()
    stated = stated_grids(fleet.sites, figures.currency)
    grids = {site: _grid(site, figures, options, stated.get(site, Grid())) for site in sites}
    found = [
        kpi
        for site in sorted(sites)
        for kpi in kpis.kpis(site, _periods(site, figures, told.periods), grids[site])
    ]
    chosen = {site: best for site in sites if (best := kpis.best(k for k in found if k.site == site))}
    whole = {site: best for site, best in chosen.items() if best.coverage_milli >= 1000}
    pue = {site: best.pue_milli for site, best in whole.items() if best.pue_milli is not None}
    groups = balance.groups(fleet)
    power_of = {
        name: one.power_mw
        for one in groups
        if one.level == "node" and one.power_mw is not None
        for name in one.nodes
    }
    attribution = attribute(fleet, asked, power_of)
    end_s = now_s + options.horizon_s
    return Answer(
        fleet,
        figures,
        options,
        found,
        tuple(sorted(_metered(fleet) - {kpi.site for kpi in found})),
        tuple(sorted({site for site, some in figures.periods.items() if some} - {kpi.site for kpi in found})),
        tuple(sorted(figures.grids.keys() - known)),
        tuple(one.place for some in figures.periods.values() for one in some if one.end_s > now_s),
        told.troubles,
        balance.steps(groups),
        len(asked),
        attribution,
        tuple(bill(one.by_site(), pue, grids, now_s, end_s) for one in attribution.drawn),
        tuple(_uncovered(attribution, grids, now_s, end_s)),
        pue,
        supplies(fleet, figures),
        [_cap(model, fleet, options) for model in figures.caps],
        _waits(fleet, grids, now_s),
    )


def _periods(site: str, figures: Figures, told: Mapping[str, tuple[Period, ...]]) -> tuple[Period, ...]:
    """What people wrote down, else what meters tell: the two are never added."""
    return figures.periods.get(site, ()) or told.get(site, ())


def _grid(site: str, figures: Figures, options: Options, stated: Grid) -> Grid:
    """What curves say, else what people wrote down, else what the inventory says of the site."""
    written = figures.grids.get(site, Grid())
    return Grid(
        _first(curve_of(options.prices, site), written.price, stated.price),
        _first(curve_of(options.location, site), written.location, stated.location),
        _first(curve_of(options.market, site), written.market),
    )


def _uncovered(found: Attribution, grids: Mapping[str, Grid], start_s: int, end_s: int) -> Iterator[str]:
    """The curves of sites where anything is drawn that lack a part of a time."""
    for site in sorted({site for one in found.drawn for site in one.idle_mw}):
        grid = grids.get(site, Grid())
        told = (
            ("price", grid.price),
            ("location-based carbon", grid.location),
            ("market-based carbon", grid.market),
        )
        for noun, curve in told:
            if curve is not None and curve.integral(start_s, end_s) is None:
                yield f"{noun}{' at ' + site if site else ''}"


def _first(*curves: Curve | None) -> Curve | None:
    return next((one for one in curves if one is not None), None)


def _metered(fleet: Fleet) -> set[str]:
    """Sites whose facility meter tells power."""
    sites = meters.sites_of(fleet)
    return {
        meters.site_of(one, sites)
        for one in fleet.meters
        if one.kind == "facility" and one.power_mw is not None
    }


def _cap(model: CapModel, fleet: Fleet, options: Options) -> Cap:
    found = caps.choices(model)
    if options.slowdown_milli is None:
        chosen = caps.by_weight(found, options.eta_milli)
    else:
        chosen = caps.by_slowdown(found, options.slowdown_milli)
    boards = [
        one
        for node in fleet.nodes
        for one in node.accelerators or ()
        if one.model == model.model and one.kind in ("whole", "shared")
    ]
    limits = {one.power_cap_mw for one in boards}
    return Cap(model, len(boards), limits.pop() if len(limits) == 1 else None, found[0], chosen)


def _waits(fleet: Fleet, grids: Mapping[str, Grid], now_s: int) -> list[Wait]:
    prices = {site: grid.price for site, grid in grids.items() if grid.price is not None}
    carbon = {site: grid.location for site, grid in grids.items() if grid.location is not None}
    found = [
        Wait(work, hours.best_start(work, prices, now_s), hours.best_start(work, carbon, now_s))
        for work in hours.movable(fleet.workloads)
    ]
    return [one for one in found if one.cheapest or one.greenest]
