"""Tables of an answer about cost: their columns and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.cost.words import amount, called, unit
from dcctl.render.report import Column

if TYPE_CHECKING:
    from fractions import Fraction

    from dcctl.assess.cost.answer import Answer
    from dcctl.assess.cost.mix import Bought
    from dcctl.render.report import Row

MIX = (
    Column("type", "TYPE", keep=9),
    Column("site", "SITE", keep=8),
    Column("rack", "RACK", keep=7),
    Column("nodes_milli", "NODES", "milli", keep=9),
    Column("gpus_milli", "GPUS", "milli", keep=6),
    Column("power_mw", "POWER", "power_mw", keep=5),
    Column("cost_milli", "COST A YEAR", "milli", keep=8),
    Column("capex_year_milli", "CAPEX", "milli", keep=4),
    Column("energy_cost_milli", "ENERGY", "milli", keep=4),
    Column("opex_milli", "OPEX", "milli", keep=4),
    Column("energy_mj", "ENERGY A YEAR", "energy_mj", wide=True),
    Column("carbon_mg", "CO2 A YEAR", "mass_mg", wide=True),
)
RUNS = (
    Column("workload", "WORKLOAD", keep=9),
    Column("site", "SITE", keep=7),
    Column("share_milli", "SHARE", "percent_milli", keep=6),
    Column("type", "TYPE", keep=8),
    Column("gpus_milli", "GPUS", "milli", keep=8),
    Column("throughput_milli", "THROUGHPUT", "milli", keep=5),
    Column("unit", "UNIT", keep=5),
)
WORTH = (
    Column("condition", "CONDITION", keep=9),
    Column("amount_milli", "IS", "milli", keep=7),
    Column("unit", "UNIT", keep=7),
    Column("worth_milli", "ONE MORE SAVES", "milli", keep=8),
    Column("by_part_milli", "BY THE PART", "milli", keep=6),
)
SPEEDS = (
    Column("workload", "WORKLOAD", keep=9),
    Column("type", "TYPE", keep=8),
    Column("speed_milli", "SPEED OF A GPU", "milli", keep=8),
    Column("low_milli", "LOW", "milli", keep=6),
    Column("high_milli", "HIGH", "milli", keep=6),
    Column("needs_bytes", "NEEDS", "memory", keep=6),
    Column("why", "WHY NOT", keep=5),
)
CONFLICT = (
    Column("condition", "CONDITION", keep=9),
    Column("amount_milli", "IS", "milli", keep=7),
    Column("short_milli", "GIVES WAY BY", "milli", keep=8),
    Column("unit", "UNIT", keep=7),
)


def mix_rows(answer: Answer) -> tuple[Row, ...]:
    """Return what is bought, the dearest type first."""
    if answer.mix is None:
        return ()
    costs: dict[str, int] = {}
    for one in answer.mix.bought:
        costs[one.stand.type] = costs.get(one.stand.type, 0) - round(one.cost.total * 1000)
    order = sorted(answer.mix.bought, key=lambda one: (costs[one.stand.type], one.stand))
    return tuple(map(_bought, order))


def _bought(one: Bought) -> Row:
    return (
        one.stand.type,
        one.stand.site,
        one.stand.rack or None,
        round(one.number * 1000),
        round(one.gpus * 1000),
        _round(one.power_mw),
        round(one.cost.total * 1000),
        round(one.cost.capex * 1000),
        round(one.cost.energy * 1000) if one.priced else None,
        round(one.cost.opex * 1000),
        _round(one.energy_kwh, 3_600_000_000),
        _round(one.carbon_mg),
    )


def run_rows(answer: Answer) -> tuple[Row, ...]:
    """Return where each workload runs, in the order of the file; one without accelerators has a site."""
    if answer.mix is None:
        return ()
    rows: list[Row] = []
    for work in answer.market.workloads:
        for (name, site), share in answer.mix.shares.items():
            if name != work.name:
                continue
            runs = [(run, gpus) for run, gpus in answer.mix.runs.items() if run[::2] == (name, site)]
            whole = round(share * 1000)
            rows += [
                (
                    name,
                    site,
                    whole,
                    run.type,
                    round(gpus * 1000),
                    round(gpus * answer.fits[name, run.type].speed * 1000),
                    work.unit or None,
                )
                for run, gpus in runs
            ] or [(name, site, whole, None, None, None, None)]
    return tuple(rows)


def worth_rows(answer: Answer) -> tuple[Row, ...]:
    """Return what binds, the price by the part largest first."""
    return tuple(
        (
            called(one.group),
            _milli(amount(one.group, answer.market)),
            unit(one.group, answer.market) or None,
            _milli(one.again),
            _milli(one.by_part),
        )
        for one in answer.worths
    )


def speed_rows(answer: Answer) -> tuple[Row, ...]:
    """Return the pairs of models that are served or trained, and types."""
    served = {work.name for work in answer.market.workloads if work.served or work.trained}
    rows: list[Row] = []
    for (name, type_), fit in answer.fits.items():
        if name in served:
            speed = (None,) * 3
            if fit.computed is not None:
                told = fit.computed
                rows.append(
                    (
                        name,
                        type_,
                        round(told.value * 1000),
                        round(told.low * 1000),
                        round(told.high * 1000),
                        fit.needs_bytes,
                        None,
                    )
                )
            else:
                rows.append((name, type_, *speed, fit.needs_bytes, fit.why or None))
    return tuple(rows)


def conflict_rows(answer: Answer) -> tuple[Row, ...]:
    """Return the conditions that cannot hold together."""
    return tuple(
        (
            called(one.group),
            _milli(amount(one.group, answer.market)),
            None if one.would_do is None else -int(-one.would_do * 1000 // 1),
            unit(one.group, answer.market) or None,
        )
        for one in (answer.conflict.clashes if answer.conflict else ())
    )


def _milli(value: float | None) -> int | None:
    return None if value is None else round(value * 1000)


def _round(value: Fraction | None, factor: int = 1) -> int | None:
    return None if value is None else round(value * factor)
