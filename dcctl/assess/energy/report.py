"""`dcctl assess energy` as a report: a row for each site and PUE category, a table for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.energy import kpis
from dcctl.assess.energy.balance import summed
from dcctl.assess.energy.columns import DETAILS, ENERGY, KPIS
from dcctl.assess.energy.notes import notes, worst_closed_milli
from dcctl.assess.energy.sites import currency_of
from dcctl.render.report import Report, Sample, Table
from dcctl.units import cores, percent, plural, power

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.assess.energy.answer import Answer, Cap, Wait
    from dcctl.assess.energy.balance import Step
    from dcctl.assess.energy.supply import Ups
    from dcctl.inventory.model import Gap
    from dcctl.render.report import Cell, Row, Severity


def report(told: Answer, gaps: tuple[Gap, ...]) -> Report:
    """The whole answer; level crit where a PUE is impossible, warn where the balance does not close."""
    bad = [step for step in told.steps if step.state in ("open", "more out than in")]
    found = told.attribution
    rows: dict[str, Iterable[Row]] = {
        "balance": map(_balance_row, summed(told.steps)),
        "open": map(_open_row, bad),
        "ups": map(_ups_row, told.ups),
        "workloads": _work_rows(told),
        "caps": map(_cap_row, told.caps),
        "hours": map(_hours_row, told.waits),
    }
    return Report(
        kind=ENERGY.kind,
        headline=_headline(told),
        items=Table("items", KPIS, tuple(map(_kpi_row, told.kpis)), fold=False),
        details=tuple(
            Table(name, columns, tuple(rows[name]), title, fold=False)
            for name, (columns, title) in DETAILS.items()
        ),
        summary={
            "nodes": told.asked,
            "nodes_read": told.asked - len(found.unread),
            "measured_mw": found.measured_mw if len(found.unread) < told.asked else None,
            "nobody_mw": next((one.power_mw() for one in found.drawn if not one.kind), None),
            "nameplate_mw": found.nameplate_mw,
            "open": len(bad),
            "horizon_s": told.options.horizon_s,
            "currency": told.figures.currency or currency_of(told.fleet.sites),
        },
        notes=tuple(notes(told)),
        samples=tuple(_samples(told)),
        gaps=gaps,
        name_key="site",
        level=_level(told, bool(bad)),
    )


def _level(told: Answer, is_open: bool) -> Severity:
    states = [state for one in told.ups for state in one.findings]
    if any(one.pue_milli is None for one in told.kpis) or any(one.severity == "crit" for one in states):
        return "crit"
    doubts = (
        states,
        [one for one in told.kpis if not one.credible],
        told.troubles,
        told.without_figure,
        told.unknown_sites,
        told.ahead,
        told.uncovered,
    )
    return "warn" if is_open or any(doubts) else "ok"


def _headline(told: Answer) -> str:
    parts, said = list[str](), ""
    for site in dict.fromkeys(one.site for one in told.kpis):
        one = kpis.best(kpi for kpi in told.kpis if kpi.site == site)
        if one is not None:
            most = "" if one.coverage_milli >= 1000 else "at most "
            word = f"{'interim PUE' if one.interim else 'PUE'} (category {one.category}) {most}"
            parts.append(f"{'' if word == said else word}{cores(one.pue_milli or 0)} at {site or 'the site'}")
            said = word
    without = "none of them can be believed" if told.kpis else "nobody told energy at the entry and at the IT"
    parts = parts or [f"no PUE: {without}"]
    worst = worst_closed_milli(told)
    if worst is not None:
        parts.append(f"from UPS to nodes within {percent(worst)}")
    read = told.asked - len(told.attribution.unread)
    if read:
        verb = "draws" if read == 1 else "draw"
        parts.append(f"{plural(read, 'node')} {verb} {power(told.attribution.measured_mw)}")
    return ", ".join(parts)


def state_of(one: kpis.Kpi) -> str:
    """What it is worth: `impossible`, `too short`, `doubtful`, `upper bound`, `interim` or `annual`."""
    if one.pue_milli is None:
        return "impossible"
    if one.short:
        return "too short"
    if one.doubtful:
        return "doubtful"
    if one.coverage_milli < 1000:
        return "upper bound"
    return "interim" if one.interim else "annual"


def _kpi_row(one: kpis.Kpi) -> Row:
    return (
        one.site,
        one.pue_milli,
        one.category,
        state_of(one),
        one.covered_s,
        one.coverage_milli,
        one.facility_mj,
        one.it_mj,
        one.ref_milli,
        one.erf_milli,
        one.cue_milli,
        one.cue_market_milli,
        one.wue_milli,
        one.start_s,
        one.end_s,
        one.place,
    )


def _balance_row(step: Step) -> Row:
    upper = step.upper
    return (
        upper.site,
        upper.level,
        step.lower,
        upper.power_mw,
        step.lower_mw,
        step.residual_mw,
        step.residual_milli,
        step.state,
        step.read,
        len(upper.nodes),
    )


def _open_row(step: Step) -> Row:
    upper = step.upper
    shown = (upper.power_mw, step.lower_mw, step.residual_milli, step.state)
    return (upper.site, upper.names, step.lower, *shown)


def _ups_row(one: Ups) -> Row:
    meter, curve = one.meter, one.curve
    out = meter.power_mw if meter else None
    drawn = meter.input_mw if meter else None
    nominal = one.model.nominal_mw if one.model else meter.nominal_mw if meter else None
    load = out * 1000 // nominal if out is not None and nominal else meter.load_milli if meter else None
    by_curve = None if curve is None or load is None else curve.efficiency_milli(load / 1000)
    return (
        one.name,
        meter.site if meter else None,
        (meter.status or None) if meter else None,
        nominal,
        load,
        out,
        drawn,
        one.loss_mw,
        one.efficiency_milli,
        by_curve,
        None if curve is None else round(curve.best_load * 1000),
        *((None,) * 3 if curve is None else (round(value, 6) for value in (curve.a, curve.b, curve.c))),
        None if one.fitted is None else round(one.fitted.misfit, 6),
    )


def _work_rows(told: Answer) -> Iterator[Row]:
    for one, bill in zip(told.attribution.drawn, told.bills, strict=True):
        yield (
            one.name,
            one.owner,
            len(one.nodes),
            one.power_mw(),
            sum(one.idle_mw.values()),
            sum(one.dynamic_mw.values()),
            bill.energy_mj,
            bill.cost_milli,
            bill.carbon_mg,
            bill.carbon_market_mg,
        )


def _cap_row(one: Cap) -> Row:
    full, chosen = one.uncapped, one.chosen
    return (
        one.model.model,
        one.boards,
        one.limit_mw,
        chosen.cap_mw,
        chosen.energy() * 1000 // full.energy() - 1000,
        chosen.time_milli - 1000,
        chosen.power_mw * 1000 // full.power_mw - 1000,
        "measured points" if one.model.points else "stated model",
    )


def _hours_row(one: Wait) -> Row:
    cells: list[Cell] = [one.work.id, one.work.duration_s]
    for best in (one.cheapest, one.greenest):
        cells += (None, None, None) if best is None else (best.start_s, best.site, best.saved_milli)
    return tuple(cells)


def _samples(told: Answer) -> Iterator[Sample]:
    """What is known, for Prometheus; an unknown value has no sample."""
    for one in told.kpis:
        if one.pue_milli is not None:
            which = (("site", one.site), ("category", str(one.category)), ("state", state_of(one)))
            yield Sample("dcctl_energy_pue_ratio", one.pue_milli / 1000, which, "PUE (ISO/IEC 30134-2)")
    for step in summed(told.steps):
        if step.residual_milli is not None:
            edge = (("site", step.upper.site), ("from", step.upper.level), ("to", step.lower))
            name, text = "dcctl_energy_residual_ratio", "What goes in and does not come out, of what goes in"
            yield Sample(name, step.residual_milli / 1000, edge, text)
    for drawn in told.attribution.drawn:
        labels = (("workload", drawn.name),)
        yield Sample("dcctl_energy_power_watts", drawn.power_mw() / 1000, labels, "What a workload draws now")
