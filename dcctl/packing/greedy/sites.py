"""Several data centres: which there are, and over which links a gang may be split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.packing.greedy.links import Arrival, Links
from dcctl.units import plural, scaled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.inventory.conditions import SiteLink
    from dcctl.inventory.model import Dataset
    from dcctl.packing.problem import Bin


def site_of(one: Bin) -> str:
    """The data centre of a bin; empty: not known."""
    return one.path[-1]


def sites_of(bins: Iterable[Bin]) -> tuple[str, ...]:
    """All data centres, in order of name."""
    return tuple(sorted({site_of(one) for one in bins}))


def arrival(data: Sequence[Dataset], site: str, links: Sequence[SiteLink]) -> Arrival:
    """When all of the data can be at a site if nobody else uses the links."""
    return Links(links).arrival(data, site)


def why_apart(sites: Sequence[str], across: int, each_bps: int, links: Links) -> str:
    """Why a gang with so many members on the smaller side may not stand in these two sites, in words."""
    rate, left = links.rate_bps(*sites), links.left_bps(*sites)
    if not rate:
        why = "over two sites only with a told link: --links FILE"
    elif not each_bps:
        why = "over two sites only if each member says how much it sends: bandwidth"
    else:
        sent = f"{plural(across, 'member')} would send {scaled(across * each_bps, 'b/s')}"
        why = f"{sent} over the link, which carries {scaled(rate, 'b/s')}"
        why += f", of which {scaled(left, 'b/s') if left else 'nothing'} is left" if left < rate else ""
    return f"{' and '.join(sorted(sites))} together have room; {why}"
