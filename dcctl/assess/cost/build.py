"""A market as a mixed-integer linear programme.

Unknown are x, the nodes of each type in each place; y, the accelerators that each workload has of each type
at each site; z, the share of each workload that is done at each site. What a node costs in a year is
capex / life + kW * PUE * tariff * hours + opex; the sum over all nodes is the least where

- sum of z over sites >= 1 and sum of speed * y = need * z: each workload gets its throughput,
- sum of y over workloads <= accelerators of a node * x, with y only where the model fits,
- stock, racks, power, uplinks, amounts, renewable share, carbon and money are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.assess.cost.fit import gpus_of
from dcctl.assess.cost.limits import limit_rows
from dcctl.assess.cost.programme import Column, Group, Programme, Row, Run, Stand
from dcctl.assess.cost.yearly import cost_of

if TYPE_CHECKING:
    from dcctl.assess.cost.fit import Fits
    from dcctl.assess.cost.programme import Kind
    from dcctl.inventory.market import Market, NodeType, Place, Workload

AMOUNTS: Final[dict[Kind, tuple[str, int]]] = {
    "cpu": ("cpu_milli", 1000),
    "memory": ("memory_bytes", 10**9),
    "storage": ("storage_bytes", 10**12),
    "bandwidth": ("bandwidth_bps", 10**9),
}
"""By kind of condition: the field of Resources, and how many of its units the programme counts as one."""


def programme(market: Market, fits: Fits) -> Programme:
    """Return the programme."""
    made = Programme([], [], {}, {}, {})
    for site in market.sites:
        for one in market.types:
            _stand(made, market, site, one)
        for work in market.workloads:
            _run(made, market, fits, site, work)
    for work in market.workloads:
        parts = [at for (name, _), at in made.parts.items() if name == work.name]
        grow = 1e6 / work.need_micro if work.need_micro else 0
        made.rows.append(Row(dict.fromkeys(parts, 1.0), 1, None, Group("need", work.name), grow))
    for site in market.sites:
        _accelerators(made, market, site)
        for kind in AMOUNTS:
            _amount(made, market, site, kind)
    made.rows.extend(limit_rows(market, made))
    return made


def _column(made: Programme, cost: float, *, whole: bool) -> int:
    made.columns.append(Column(cost, whole))
    return len(made.columns) - 1


def _stand(made: Programme, market: Market, site: Place, one: NodeType) -> None:
    if one.sites and site.name not in one.sites:
        return
    cost = float(cost_of(market, site, one).total)
    for rack in [rack.name for rack in site.racks] or [""]:
        made.nodes[Stand(one.name, site.name, rack)] = _column(made, cost, whole=one.whole)


def _run(made: Programme, market: Market, fits: Fits, site: Place, work: Workload) -> None:
    """The columns of a workload at a site, and that its accelerators do the share that is done there."""
    if work.sites and site.name not in work.sites:
        return
    part = made.parts[work.name, site.name] = _column(made, 0, whole=not work.split)
    if work.need_micro is None:
        return
    terms = {}
    for one in market.types:
        fit = fits[work.name, one.name]
        if fit.speed and not (one.sites and site.name not in one.sites):
            at = made.gpus[Run(work.name, one.name, site.name)] = _column(made, 0, whole=False)
            terms[at] = fit.speed
    fastest = max(terms.values(), default=1.0)
    scaled = {at: speed / fastest for at, speed in terms.items()}
    made.rows.append(Row({**scaled, part: -work.need_micro / 1e6 / fastest}, 0, 0))


def _accelerators(made: Programme, market: Market, site: Place) -> None:
    """No more of them are used than the nodes have."""
    used: dict[str, list[int]] = {}
    for run, at in made.gpus.items():
        if run.site == site.name:
            used.setdefault(run.type, []).append(at)
    for one in market.types:
        if one.name in used:
            nodes = {at: -float(gpus_of(one)) for at in _nodes(made, one, site)}
            made.rows.append(Row({**dict.fromkeys(used[one.name], 1.0), **nodes}, None, 0))


def _amount(made: Programme, market: Market, site: Place, kind: Kind) -> None:
    """No more of an amount is used at a site than its nodes have, and the site itself of storage."""
    field, unit = AMOUNTS[kind]
    wanted = {
        made.parts[work.name, site.name]: amount / unit
        for work in market.workloads
        if (amount := getattr(work.total, field)) is not None and (work.name, site.name) in made.parts
    }
    told = any(getattr(one.each, field) is not None for one in market.types)
    if not wanted or (kind == "bandwidth" and not told):  # then uplinks alone count
        return
    for one in market.types:
        for at in _nodes(made, one, site):
            wanted[at] = -(getattr(one.each, field) or 0) / unit
    there = site.storage_bytes / unit if kind == "storage" else 0
    made.rows.append(Row(wanted, None, there, Group(kind, "", site.name), 1))


def _nodes(made: Programme, one: NodeType, site: Place) -> list[int]:
    """The columns that count nodes of a type at a site."""
    places = [rack.name for rack in site.racks] or [""]
    stands = [Stand(one.name, site.name, rack) for rack in places]
    return [made.nodes[stand] for stand in stands if stand in made.nodes]
