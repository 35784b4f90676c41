"""When what of a campaign happens, as a picture: one row per wave, and one per piece of work it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.folding import fold
from dcctl.render.report import Bar, Gantt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.drain.campaign import Campaign, Unit, Wave

NAME: Final = "waves"


def timeline(campaign: Campaign, zone: str = "UTC") -> tuple[Gantt, ...]:
    """Return the picture by the clocks of a zone; none where nobody knows when any wave begins and ends."""
    rows = tuple(row for wave in campaign.waves for row in _rows(wave, campaign.made_at_s))
    return (Gantt(NAME, "when each wave runs", rows, "time_s", campaign.made_at_s, zone),) if rows else ()


def _rows(wave: Wave, now_s: int) -> Iterator[tuple[str, tuple[Bar, ...]]]:
    if wave.start_s is None or wave.end_s is None:
        return
    end_s = max(wave.end_s, wave.start_s + 1)
    yield f"wave {wave.number}", (Bar(wave.start_s, end_s, fold(wave.nodes)),)
    for unit in wave.units:
        until_s = _waited_for(unit)
        if until_s is not None and until_s > now_s:
            yield f"wait: {unit.workload}", (Bar(min(now_s, wave.start_s), until_s, "runs on"),)


def _waited_for(unit: Unit) -> int | None:
    return unit.waits_until_s if unit.waits else None
