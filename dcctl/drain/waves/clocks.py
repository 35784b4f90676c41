"""When a campaign runs, by the clocks of the zones of its windows: administrators think in those."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.drain.campaign import Campaign
    from dcctl.drain.request import Request, Window


def clocks(campaign: Campaign, request: Request, site: str = "UTC") -> Iterator[str]:
    """Yield a sentence for each zone in which something is asked: when the waves begin, and the last ends.

    `site`: the zone of the fleet, in which moments are told where no window has one.
    """
    for zone in dict.fromkeys(one.zone for one in request.windows):
        asked = ", ".join(_named(one) for one in request.windows if one.zone == zone)
        times = [f"wave {wave.number} {local(wave.start_s, zone)}" for wave in campaign.waves if wave.start_s]
        ends = [f"ends {local(campaign.end_s, zone)}"] if campaign.end_s is not None else []
        yield f"{asked}: {', '.join([*times, *ends]) or 'nobody knows when'}"
    if request.deadline_s is not None:
        zone = zone_of(request, site)
        yield f"to be over by {local(request.deadline_s, zone)} ({zone})"


def _named(window: Window) -> str:
    """As it was typed, with its zone."""
    return window.text if window.zone in window.text else f"{window.text} {window.zone}".strip()


def zone_of(request: Request, site: str) -> str:
    """Return the zone that moments are told in: that of the first window, else that of the fleet."""
    return next((one.zone for one in request.windows), site)


def local(unix_s: int, zone: str) -> str:
    """Return `Sat 28 Nov 22:00` by the clocks of a zone."""
    return f"{datetime.fromtimestamp(unix_s, ZoneInfo(zone)):%a %d %b %H:%M}"
