"""Amounts, shares and limits in words."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dcctl.packing.sharing.price import cost
from dcctl.packing.sharing.shares import PARTS
from dcctl.schedule.shares import DIVISIBLE, GPU
from dcctl.units import cores, memory, percent, power, scaled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.packing.sharing.shares import Amounts, Claim, Limit, Share, Supply

NOUNS = {
    "cpu_milli": "CPU",
    "memory_bytes": "memory",
    "storage_bytes": "storage",
    "bandwidth_bps": "bandwidth",
    "power_mw": "power",
    GPU: "GPU",
}
KEYS = {name: name.partition("_")[0] for name in DIVISIBLE} | {GPU: "gpu"}
"""How a file names a dimension; others go by their full name."""


def is_device(dimension: str) -> bool:
    """Whether a dimension is counted in devices."""
    return dimension not in DIVISIBLE


def noun(dimension: str) -> str:
    """What a dimension is called: `CPU`, or the full name of a resource."""
    return NOUNS.get(dimension, dimension)


def amount(dimension: str, count: int) -> str:
    """`10`, `100 GB`: as people read it."""
    if dimension == "memory_bytes":
        return memory(count)
    if dimension == "power_mw":
        return power(count)
    units = {"storage_bytes": "B", "bandwidth_bps": "b/s"}
    return scaled(count, units[dimension]) if dimension in units else cores(count)


def quantity(dimension: str, count: int) -> str:
    """`10 CPUs`, `100 GB of storage`."""
    counted = dimension in ("cpu_milli", GPU)
    joint = " " if counted or is_device(dimension) else " of "
    return f"{amount(dimension, count)}{joint}{noun(dimension)}{'s' if counted and count != 1000 else ''}"


def wanted(claims: Iterable[Claim]) -> dict[str, int]:
    """All that is wanted, by dimension."""
    total: dict[str, int] = {}
    for claim in claims:
        for part in PARTS:
            for name, count in claim.wanted(part).items():
                total[name] = total.get(name, 0) + count
    return total


def short_of(claims: Iterable[Claim], supply: Supply) -> list[str]:
    """`10 of 150 CPUs` for what is wanted in vain, the scarcest first."""
    rows = _scarce(claims, supply)
    return [f"{amount(name, there)} of {quantity(name, all_)}" for name, there, all_ in rows if there < all_]


def tightest(claims: Iterable[Claim], supply: Supply) -> str:
    """`at most 50 of 1,000 CPUs are wanted`: of what is scarcest; empty where nobody tells what there is."""
    for name, there, all_ in _scarce(claims, supply):
        return f"at most {amount(name, all_)} of {quantity(name, there)} are wanted"
    return ""


def _scarce(claims: Iterable[Claim], supply: Supply) -> list[tuple[str, int, int]]:
    """(dimension, what there is, all that is wanted), the scarcest first, of those that are told."""
    rows = [(name, supply.get(name), all_) for name, all_ in wanted(claims).items()]
    known = [(name, there, all_) for name, there, all_ in rows if there is not None]
    return sorted(known, key=lambda row: (Fraction(row[1], row[2]), row[0]))


def limit(one: Limit, supply: Supply) -> str:
    """What a share ends at, in one or two words."""
    if one.quota:
        return f"quota of {noun(one.dimension)}"
    return noun(one.dimension) if supply.get(one.dimension) else f"no {noun(one.dimension)}"


def milli(share: Fraction | None) -> int | None:
    """A share in thousandths: only nothing is 0, and only the whole is 1000."""
    if share is None or share in (0, 1):
        return None if share is None else int(share * 1000)
    return min(999, max(1, round(share * 1000)))


def percent_of(share: Fraction) -> str:
    """`5 %`, `6.7 %`."""
    return percent(milli(share) or 0)


def percents(share: Share) -> str:
    """`5 %`, or `41 % of training and 62 % of inference` where they differ."""
    found = [one for part in PARTS if (one := share.satisfied(part)) is not None]
    texts = [percent_of(one) for one in dict.fromkeys(found)]
    return " and ".join(texts) if len(texts) < 2 else f"{texts[0]} of training and {texts[1]} of inference"


def money_milli(amounts: Amounts, prices: Mapping[str, Fraction]) -> int:
    """What amounts cost in a year, in thousandths of the currency."""
    return round(cost(amounts, prices) * 1000)


def money(value: Fraction, currency: str) -> str:
    """`21,000`, with the currency if it is told."""
    return f"{cores(round(value * 1000))} {currency}".rstrip()
