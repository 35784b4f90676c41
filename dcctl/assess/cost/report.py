"""The cheapest mix as a report: what to buy where, what it costs, and what would make it cheaper."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from dcctl.assess.cost.notes import notes, per_cent, unproved
from dcctl.assess.cost.tables import (
    CONFLICT,
    MIX,
    RUNS,
    SPEEDS,
    WORTH,
    conflict_rows,
    mix_rows,
    run_rows,
    speed_rows,
    worth_rows,
)
from dcctl.assess.cost.words import money
from dcctl.render.report import Column, Report, Sample, Shape, Table
from dcctl.units import cores, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.assess.cost.answer import Answer
    from dcctl.render.report import Cell, Severity

_SUMMARY = (
    Column(
        "state",
        "solved: to 1e-4 of the cost at least; limited: --limit ended the search, gap_ppm tells how far from "
        "the proof; infeasible: no mix does all of the work; stopped: none was found in time",
    ),
    Column("cost_milli", "Cost of the mix in a year", "milli"),
    Column("bound_milli", "No mix costs less", "milli"),
    Column("gap_ppm", "By how much another could be cheaper at most, in millionths of the cost", "count"),
    Column("currency", "Of all money; null: not told"),
    Column("capex_milli", "Money at once", "milli"),
    Column("nodes_milli", "Nodes that are bought", "milli"),
    Column("gpus_milli", "Their accelerators", "milli"),
    Column("power_mw", "Their nameplate power, without what the data centre adds", "power_mw"),
    Column("energy_mj", "Energy of a year with it, in millijoules", "energy_mj"),
    Column("renewable_milli", "Share of it that is renewable (REF); null: not told", "percent_milli"),
    Column("carbon_mg", "CO2 of a year, location-based; null: not told", "mass_mg"),
    Column("workloads", "Workloads that were asked for", "count"),
)
COST = Shape(
    "assess-cost",
    "The cheapest nodes, and where they stand, that do all of the work; money is of a year.",
    MIX,
    (("runs", RUNS), ("worth", WORTH), ("speeds", SPEEDS), ("conflict", CONFLICT)),
    _SUMMARY,
)


def cost_report(answer: Answer) -> Report:
    """Return the report: the dearest nodes first; level crit where there is no mix."""
    return Report(
        kind=COST.kind,
        headline=_headline(answer),
        items=Table("items", MIX, mix_rows(answer), fold=False),
        details=(
            Table("runs", RUNS, run_rows(answer), "WHAT RUNS WHERE", fold=False),
            Table("worth", WORTH, worth_rows(answer), "ONE UNIT MORE", fold=False),
            Table("speeds", SPEEDS, speed_rows(answer), "SPEEDS AS COMPUTED", fold=False),
            Table("conflict", CONFLICT, conflict_rows(answer), "CANNOT HOLD TOGETHER", fold=False),
        ),
        summary=_summary(answer),
        notes=notes(answer),
        samples=_samples(answer),
        gaps=(*answer.market.gaps, *unproved(answer)),
        name_key="type",
        level=_level(answer),
    )


def _headline(answer: Answer) -> str:
    if answer.mix is None:
        if answer.conflict is None:
            return "no mix was found in time"
        return f"no mix does all of the work: {_against(len(answer.conflict.clashes))}"
    mix, currency = answer.mix, answer.market.currency
    count = cores(round(sum(one.number for one in mix.bought) * 1000))
    types = plural(len({one.stand.type for one in mix.bought}), "type")
    nodes = f"{count} {'node' if count == '1' else 'nodes'} of {types}"
    least = f"no mix costs less than {money(mix.bound, '')}"
    if answer.limited:
        return f"{money(mix.cost, currency)} a year for {nodes}, gap {per_cent(mix.gap)}; {least}"
    return f"{money(mix.cost, currency)} a year for {nodes}; {least}"


def _level(answer: Answer) -> Severity:
    if answer.mix is None:
        return "crit"
    return "warn" if answer.limited else "ok"


def _against(count: int) -> str:
    return "one condition cannot be met" if count == 1 else f"{count} conditions cannot hold together"


def _summary(answer: Answer) -> dict[str, Cell | dict[str, Cell]]:
    found: dict[str, Cell | dict[str, Cell]] = dict.fromkeys((column.key for column in _SUMMARY), None)
    found |= {
        "state": "limited" if answer.limited else answer.state,
        "currency": answer.market.currency or None,
        "workloads": len(answer.market.workloads),
    }
    return found | _totals(answer) if answer.mix else found


def _totals(answer: Answer) -> dict[str, Cell | dict[str, Cell]]:
    mix = answer.mix
    if mix is None:
        return {}
    bought = mix.bought
    energy = _sum(one.energy_kwh for one in bought)
    renewable = _sum(one.renewable_kwh for one in bought)
    power, carbon = _sum(one.power_mw for one in bought), _sum(one.carbon_mg for one in bought)
    return {
        "cost_milli": round(mix.cost * 1000),
        "bound_milli": floor(mix.bound * 1000),
        "gap_ppm": ceil(mix.gap * 10**6),
        "capex_milli": round(sum(one.capex for one in bought) * 1000),
        "nodes_milli": round(sum(one.number for one in bought) * 1000),
        "gpus_milli": round(sum(one.gpus for one in bought) * 1000),
        "power_mw": None if power is None else round(power),
        "energy_mj": None if energy is None else round(energy * 3_600_000_000),
        "renewable_milli": int(renewable / energy * 1000) if energy and renewable is not None else None,
        "carbon_mg": None if carbon is None else round(carbon),
    }


def _sum(values: Iterable[Fraction | None]) -> Fraction | None:
    """The sum; None where any is not known."""
    total = Fraction(0)
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _samples(answer: Answer) -> tuple[Sample, ...]:
    mix = answer.mix
    if mix is None:
        return ()
    nodes = [
        Sample(
            "dcctl_cost_nodes",
            float(one.number),
            (("rack", one.stand.rack), ("site", one.stand.site), ("type", one.stand.type)),
            "Nodes of the cheapest mix",
        )
        for one in sorted(mix.bought, key=lambda one: one.stand)
    ]
    return (
        Sample("dcctl_cost_a_year", float(mix.cost), help="Cost of the cheapest mix in a year"),
        Sample("dcctl_cost_bound_a_year", float(mix.bound), help="No mix costs less"),
        *nodes,
    )
