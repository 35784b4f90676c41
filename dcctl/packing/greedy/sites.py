"""Several data centres: how long data is on its way, and over which links a gang may be split."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.units import plural, scaled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.inventory.conditions import SiteLink
    from dcctl.inventory.model import Dataset
    from dcctl.packing.problem import Bin

_TB = 10**12


class Arrival(NamedTuple):
    """When the data of a job can be at a site."""

    after_s: int | None
    """Seconds from now; None: nobody can tell."""
    cost_milli: int = 0
    """What bringing it costs, in thousandths of the currency."""
    says: str = ""
    """Why nobody can tell."""


def site_of(one: Bin) -> str:
    """The data centre of a bin; empty: not known."""
    return one.path[-1]


def sites_of(bins: Iterable[Bin]) -> tuple[str, ...]:
    """All data centres, in order of name."""
    return tuple(sorted({site_of(one) for one in bins}))


def arrival(data: Sequence[Dataset], site: str, links: Sequence[SiteLink]) -> Arrival:
    """When all of the data can be at a site: what comes over one link comes one after the other."""
    bits: dict[SiteLink, int] = {}
    cost = 0
    for one in data:
        if site and site in one.sites:
            continue
        ways = [link for link in links for copy in one.sites if link.joins(copy, site)]
        if one.size_bytes is None or not ways:
            return Arrival(None, 0, _unknown(one, site))
        after = {link: bits.get(link, 0) + one.size_bytes * 8 for link in ways}
        best = min(ways, key=lambda link: (_seconds(after[link], link), link.a, link.b))
        bits[best] = after[best]
        cost += one.size_bytes * best.cost_milli_per_tb // _TB
    return Arrival(max((_seconds(amount, link) for link, amount in bits.items()), default=0), cost)


def _seconds(bits: int, link: SiteLink) -> int:
    return -(-bits // link.rate_bps)


def _unknown(one: Dataset, site: str) -> str:
    where = site or "nodes whose data centre nobody tells"
    if not one.sites:
        return f"nobody says where a copy of {one.name} is"
    if one.size_bytes is None:
        return f"nobody knows how large {one.name} is, and {where} has no copy"
    return f"no link is known from {' or '.join(one.sites)} to {where} for {one.name}"


def most_across(one: str, other: str, each_bps: int, links: Iterable[SiteLink]) -> int:
    """How many members with this bandwidth each may stand on the smaller side of a gang in two sites.

    None at all without a link, or if nobody says how much they send.
    """
    return _rate(one, other, links) // each_bps if each_bps else 0


def why_apart(sites: Sequence[str], across: int, each_bps: int, links: Iterable[SiteLink]) -> str:
    """Why a gang with so many members on the smaller side may not stand in these two sites, in words."""
    rate, where = _rate(sites[0], sites[1], links), " and ".join(sorted(sites))
    if not rate:
        why = "over two sites only with a told link: --links FILE"
    elif not each_bps:
        why = "over two sites only if each member says how much it sends: bandwidth"
    else:
        sent = f"{plural(across, 'member')} would send {scaled(across * each_bps, 'b/s')}"
        why = f"{sent} over the link, which carries {scaled(rate, 'b/s')}"
    return f"{where} together have room; {why}"


def _rate(one: str, other: str, links: Iterable[SiteLink]) -> int:
    return max((link.rate_bps for link in links if link.joins(one, other)), default=0)
