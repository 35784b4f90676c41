"""A file of `kind: Cost` to one market: names are known, and nothing that is priced is left to guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from dcctl.errors import UsageError
from dcctl.inventory.market import HOURS, Limits, Market, NodeType, Place, Workload
from dcctl.inventory.nodeexpr import nearest, shown
from dcctl.inventory.sources.files.documents import documents
from dcctl.inventory.sources.jobs import cursor
from dcctl.inventory.sources.jobs.cursor import Cursor
from dcctl.inventory.sources.market.measures import MASS, amount, money, share
from dcctl.inventory.sources.market.sites import Sites
from dcctl.inventory.sources.market.types import node_type
from dcctl.inventory.sources.market.workloads import workload

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from dcctl.inventory.sources.market.sites import Read

KIND, VERSION = "Cost", "dcctl/v1"
HINT = "dcctl schema cost"
KEYS = ("kind", "apiVersion", "currency", "hours", "sites", "types", "workloads", "limits")
LIMIT_KEYS = ("renewable", "regions", "carbon", "capex")
_DIMENSIONS = ("cpu_milli", "memory_bytes", "storage_bytes", "bandwidth_bps")
_OF_SITES = {"storage_bytes": "storage_bytes", "bandwidth_bps": "uplink_bps"}
"""What a site can tell of an amount, where its nodes do not."""
Named = TypeVar("Named", Place, NodeType, Workload)


def parse(text: str, where: str, curves: Read) -> Market:
    """Return what a text asks; `where` names its file. `curves` reads a file that a site names.

    UsageError: with file, line, reason and the next command.
    """
    try:
        return _market(_document(text, where), curves)
    except UsageError as error:
        if error.hint in ("", cursor.HINT):
            error.hint = HINT
        raise


def _document(text: str, where: str) -> Cursor:
    found = documents(text, where)
    if len(found) != 1:
        raise UsageError(
            where, f"holds {len(found)} documents; a question of cost is one" if found else "is empty"
        )
    document = Cursor(found[0][0], where)
    kind = document.keys().get("kind")
    if kind is None or kind.text() != KIND:
        said = f"kind {shown(kind.text())} is" if kind is not None else "this is"
        raise document.error(f"{said} no question of cost, which begins with `kind: {KIND}`")
    return document


def _market(document: Cursor, curves: Read) -> Market:
    keys = document.fields(KEYS, required=("kind", "sites", "types", "workloads"))
    if "apiVersion" in keys:
        keys["apiVersion"].choice({VERSION: VERSION})
    reader = Sites(curves)
    sites = _named(keys["sites"], reader.read)
    types = _named(keys["types"], node_type)
    workloads = _named(keys["workloads"], workload)
    market = Market(
        sites=tuple(one for _, one in sites),
        types=tuple(one for _, one in types),
        workloads=tuple(one for _, one in workloads),
        limits=_limits(keys["limits"]) if "limits" in keys else Limits(),
        currency=keys["currency"].name() if "currency" in keys else "",
        hours=keys["hours"].integer(0, 8784) if "hours" in keys else HOURS,
        gaps=tuple(reader.gaps),
    )
    _check_names(market, types, workloads)
    _check_energy(market, sites, types)
    _check_regions(market, keys)
    _check_dimensions(market, workloads)
    return market


def _named(given: Cursor, read: Callable[[Cursor], Named]) -> list[tuple[Cursor, Named]]:
    found: dict[str, tuple[Cursor, Named]] = {}
    for item in given.items():
        one = read(item)
        if one.name in found:
            raise item.error(f"another of this name is at {found[one.name][0].place}")
        found[one.name] = item, one
    if not found:
        raise given.error("is empty")
    return list(found.values())


def _limits(given: Cursor) -> Limits:
    keys = given.fields(LIMIT_KEYS)
    return Limits(
        renewable_milli=share(keys["renewable"]) if "renewable" in keys else None,
        regions={name: share(one) for name, one in sorted(keys["regions"].entries().items())}
        if "regions" in keys
        else {},
        carbon_mg=amount(keys["carbon"], MASS, least=0) if "carbon" in keys else None,
        capex_milli=money(keys["capex"]) if "capex" in keys else None,
    )


def _check_names(
    market: Market, types: list[tuple[Cursor, NodeType]], workloads: list[tuple[Cursor, Workload]]
) -> None:
    sites, names = {one.name for one in market.sites}, {one.name for one in market.types}
    models = {one.model for one in market.types if one.model is not None}
    for at, type_ in types:
        _known(at, "sites", type_.sites, sites)
    for at, one in workloads:
        _known(at, "sites", one.sites, sites)
        _known(at, "types", one.types, names)
        _known(at, "speed", (name for name in one.speed_micro if name), names | models)


def _known(at: Cursor, key: str, named: Iterable[str], known: Collection[str]) -> None:
    for name in named:
        if name not in known:
            near = nearest(name, known, 1) or f"; known are {', '.join(sorted(known)[:5])}"
            noun = {"sites": "site", "types": "type", "speed": "type or accelerator"}[key]
            raise at.at((key,)).error(f"there is no {noun} {shown(name)}{near}")


def _check_energy(
    market: Market, sites: list[tuple[Cursor, Place]], types: list[tuple[Cursor, NodeType]]
) -> None:
    """What is priced or limited must be told of all, or the untold would be taken for free."""
    limits = market.limits
    asked = {
        "tariff": any(one.tariff_micro is not None for one in market.sites),
        "carbon": limits.carbon_mg is not None or any(one.carbon_mg is not None for one in market.sites),
        "renewable": limits.renewable_milli is not None
        or bool(limits.regions)
        or any(one.renewable_milli is not None for one in market.sites),
    }
    asked["pue"] = any(asked.values()) or any(one.pue_milli is not None for one in market.sites)
    for at, site in sites:
        told = {
            "tariff": site.tariff_micro,
            "carbon": site.carbon_mg,
            "renewable": site.renewable_milli,
            "pue": site.pue_milli,
        }
        for key, value in told.items():
            if asked[key] and value is None:
                raise at.error(f"the key `{key}` is missing: without it energy there would count for nothing")
    limited = any(one.power_mw is not None or any(r.power_mw for r in one.racks) for one in market.sites)
    for at, type_ in types:
        if (limited or any(asked.values())) and type_.each.power_mw is None:
            raise at.at(("each",)).error("the key `power` is missing: without it a node would take none")


def _check_regions(market: Market, keys: dict[str, Cursor]) -> None:
    known = {one.region for one in market.sites} - {""}
    for name in market.limits.regions:
        if name not in known:
            near = nearest(name, known, 1) or (f"; known are {', '.join(sorted(known))}" if known else "")
            raise keys["limits"].at(("regions", name)).error(f"no site is in the region {shown(name)}{near}")


def _check_dimensions(market: Market, workloads: list[tuple[Cursor, Workload]]) -> None:
    """An amount that no node tells is not known; it is not taken for none."""
    for at, one in workloads:
        for field in _DIMENSIONS:
            there = any(getattr(type_.each, field) is not None for type_ in market.types)
            there |= field in _OF_SITES and any(getattr(site, _OF_SITES[field]) for site in market.sites)
            if getattr(one.total, field) is not None and not there:
                key = field.partition("_")[0]
                raise at.at(("total", key)).error(
                    f"nobody tells how much {key} there is: no type of node does"
                )
