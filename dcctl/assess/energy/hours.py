"""When work that can wait is cheapest and greenest: the best start by a curve of prices or of carbon."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.model import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.inventory.conditions import Curve
    from dcctl.inventory.model import Workload


class Best(NamedTuple):
    """The best start for a piece of work, against starting now."""

    site: str
    start_s: int
    saved_milli: int
    """Of what it takes if it starts now at the best site for that."""


def movable(workloads: Iterable[Workload]) -> list[Workload]:
    """Work of known length that has not begun."""
    return [one for one in workloads if one.duration_s and one.members and _waits(one)]


def _waits(work: Workload) -> bool:
    return all(member.phase == "pending" or member.phase in ENDED for member in work.members)


def best_start(work: Workload, curves: Mapping[str, Curve], now_s: int) -> Best | None:
    """The start between now and the last that meets its deadline, on the site where it is best.

    A curve is a step function, so the sum over a run is linear between starts at which a step begins or ends:
    one of them is the best. None: no curve covers the run, or all hours are alike.
    """
    length = work.duration_s or 0
    offers = [
        (whole, start_s, site)
        for site, curve in curves.items()
        for start_s in _starts(work, curve, length, now_s)
        if (whole := curve.integral(start_s, start_s + length)) is not None
    ]
    now = [whole for whole, start_s, _ in offers if start_s == now_s]
    if not now:
        return None
    least, start_s, site = min(offers)
    if least >= min(now) or min(now) <= 0:
        return None
    return Best(site, start_s, (min(now) - least) * 1000 // min(now))


def _starts(work: Workload, curve: Curve, length: int, now_s: int) -> set[int]:
    first = max(now_s, work.earliest_s or now_s)
    edges = {step for time_s in curve.times_s for step in (time_s, time_s - length)}
    last = work.deadline_s - length if work.deadline_s is not None else max(curve.times_s)
    return {first, *(step for step in edges if first <= step <= last)}
