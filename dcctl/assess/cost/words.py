"""Conditions in words, with their unit and how much of it there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.assess.cost.build import AMOUNTS
from dcctl.units import cores

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from dcctl.assess.cost.programme import Group
    from dcctl.inventory.market import Market

_UNITS: Final = {
    "stock": "nodes",
    "rack power": "kW",
    "rack room": "nodes",
    "power": "kW",
    "uplink": "Gb/s",
    "cpu": "CPUs",
    "memory": "GB",
    "storage": "TB",
    "bandwidth": "Gb/s",
    "renewable": "%",
    "region": "%",
    "carbon": "t",
    "capex": "million",
}
_CALLED: Final = {
    "need": "need of {subject}",
    "stock": "stock of {subject}",
    "rack power": "power of rack {subject} at {site}",
    "rack room": "room in rack {subject} at {site}",
    "power": "power of {site}",
    "uplink": "uplink of {site}",
    "cpu": "CPUs of the nodes at {site}",
    "memory": "memory of the nodes at {site}",
    "storage": "storage at {site}",
    "bandwidth": "bandwidth of the nodes at {site}",
    "renewable": "renewable share",
    "region": "renewable share in {subject}",
    "carbon": "CO2 of a year",
    "capex": "money at once",
}
_ONE_MORE: Final = {
    "need": "{unit} of {subject}",
    "stock": "node of {subject}",
    "rack power": "kW in rack {subject} at {site}",
    "rack room": "place in rack {subject} at {site}",
    "power": "kW at {site}",
    "uplink": "Gb/s out of {site}",
    "cpu": "CPU at {site}",
    "memory": "GB of memory at {site}",
    "storage": "TB of storage at {site}",
    "bandwidth": "Gb/s of the nodes at {site}",
    "renewable": "per cent of renewable energy",
    "region": "per cent of renewable energy in {subject}",
    "carbon": "tonne of CO2",
    "capex": "million at once",
}


def called(group: Group) -> str:
    """`power of rack r7 at north`."""
    return _CALLED[group.kind].format(subject=group.subject, site=group.site)


def one_more(group: Group, market: Market) -> str:
    """`kW in rack r7 at north`: what one unit of it is."""
    text = unit(group, market).removesuffix("s") if unit(group, market) == "GPUs" else unit(group, market)
    return _ONE_MORE[group.kind].format(subject=group.subject, site=group.site, unit=text or "unit")


def unit(group: Group, market: Market) -> str:
    """What it is counted in; empty where nobody tells."""
    if group.kind in _UNITS:
        return _UNITS[group.kind]
    work = next(one for one in market.workloads if one.name == group.subject)
    return work.unit if work.need_micro is not None else "times all"


def amount(group: Group, market: Market) -> float | None:
    """How much of it there is, or is asked for, in that unit; None for what is that of the nodes."""
    return _AMOUNT[group.kind](group, market)


def money(value: Fraction | float, currency: str) -> str:
    """`21,000 EUR`."""
    return f"{cores(round(value * 1000))} {currency}".rstrip()


def _need(group: Group, market: Market) -> float | None:
    work = next(one for one in market.workloads if one.name == group.subject)
    return 1.0 if work.need_micro is None else work.need_micro / 1e6


def _stock(group: Group, market: Market) -> float | None:
    return next(one.stock for one in market.types if one.name == group.subject)


def _site(field: str, unit: float) -> Callable[[Group, Market], float | None]:
    def read(group: Group, market: Market) -> float | None:
        return _over(next(getattr(one, field) for one in market.sites if one.name == group.site), unit)

    return read


def _rack(field: str, unit: float) -> Callable[[Group, Market], float | None]:
    def read(group: Group, market: Market) -> float | None:
        site = next(one for one in market.sites if one.name == group.site)
        rack = next(one for one in site.racks if one.name == group.subject)
        return _over(getattr(rack, field), unit)

    return read


def _limit(field: str, unit: float) -> Callable[[Group, Market], float | None]:
    return lambda _, market: _over(getattr(market.limits, field), unit)


def _over(value: int | None, unit: float) -> float | None:
    return None if value is None else value / unit


def _of_nodes(_: Group, __: Market) -> float | None:
    return None


_AMOUNT: Final[dict[str, Callable[[Group, Market], float | None]]] = {
    "need": _need,
    "stock": _stock,
    "rack power": _rack("power_mw", 1e6),
    "rack room": _rack("nodes", 1),
    "power": _site("power_mw", 1e6),
    "uplink": _site("uplink_bps", 1e9),
    **dict.fromkeys(AMOUNTS, _of_nodes),
    "renewable": _limit("renewable_milli", 10),
    "region": lambda group, market: market.limits.regions[group.subject] / 10,
    "carbon": _limit("carbon_mg", 1e9),
    "capex": _limit("capex_milli", 1e9),
}
