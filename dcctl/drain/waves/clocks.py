"""When a campaign runs, by the clocks of the zones of its windows: administrators think in those."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.drain.campaign import Campaign
    from dcctl.drain.request import Request, Window


def clocks(campaign: Campaign, request: Request) -> Iterator[str]:
    """Yield a sentence for each zone in which something is asked: when the waves begin, and the last ends."""
    for zone in dict.fromkeys(one.zone for one in request.windows):
        asked = ", ".join(_named(one) for one in request.windows if one.zone == zone)
        times = [f"wave {wave.number} {local(wave.start_s, zone)}" for wave in campaign.waves if wave.start_s]
        ends = [f"ends {local(campaign.end_s, zone)}"] if campaign.end_s is not None else []
        yield f"{asked}: {', '.join([*times, *ends]) or 'nobody knows when'}"
    if request.deadline_s is not None:
        yield f"to be over by {local(request.deadline_s, zone_of(request))} ({zone_of(request)})"


def _named(window: Window) -> str:
    """As it was typed, with its zone."""
    return window.text if window.zone in window.text else f"{window.text} {window.zone}".strip()


def zone_of(request: Request) -> str:
    """Return the zone that times are told in: that of the first window, else UTC."""
    return next((one.zone for one in request.windows), "UTC")


def local(unix_s: int, zone: str) -> str:
    """Return `Sat 28 Nov 22:00` by the clocks of a zone."""
    return f"{datetime.fromtimestamp(unix_s, ZoneInfo(zone)):%a %d %b %H:%M}"
