"""What answers may hold: what is no number, or cannot be, is unknown, and a doubt that names the metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.assess.history import signals as s
from dcctl.assess.history.signals import Doubt
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dcctl.assess.history.signals import Found
    from dcctl.inventory.timeseries import Point, Series, Window

_BOARD_MIB = 16 << 20
_BOARD_W = 10_000
_SLACK = 1.001
"""What is lost in rounding, of a share of one."""
_NOTHING = -1e-6


class Believed(NamedTuple):
    """Answers without what cannot be."""

    answers: dict[str, tuple[Series, ...] | None]
    doubts: tuple[Doubt, ...]


def believed(window: Window, found: Found, answers: Mapping[str, Sequence[Series] | None]) -> Believed:
    """Return the answers in which what cannot be is unknown: below 0, too much, busier than what is held."""
    kept: dict[str, tuple[Series, ...] | None] = {}
    doubts: list[Doubt] = []
    for key in sorted(answers, key=lambda one: one in _OF_HELD):  # what is held comes first
        told = answers[key]
        if told is None:
            kept[key] = None
            continue
        most = _most(key, found, window, kept)
        checked = [_checked(one, most) for one in told]
        kept[key] = tuple(one for one, _ in checked)
        odd = [value for _, values in checked for value in values]
        no_numbers = sum(len(one.unknown_s) for one in told)
        why = _why(odd, no_numbers, sum(len(one.points) + len(one.unknown_s) for one in told))
        if why:
            doubts.append(Doubt(f"{key} ({', '.join(_metrics(key, found))})", why))
    return Believed(kept, tuple(doubts))


_OF_HELD = ("busy", "idle")


def _why(odd: Sequence[float], no_numbers: int, told: int) -> str:
    parts = []
    if odd:
        low, high = f"{min(odd):.3g}", f"{max(odd):.3g}"
        between = low if low == high else f"{low} to {high}"
        parts.append(f"{len(odd):,} cannot be ({between})")
    if no_numbers:
        parts.append(f"{no_numbers:,} no number")
    return f"of {plural(told, 'value')}: {', '.join(parts)}" if parts else ""


def _checked(one: Series, most: Callable[[Series, int], float]) -> tuple[Series, list[float]]:
    """The series with what cannot be among its unknown values, and those values."""
    right: list[Point] = []
    wrong: list[Point] = []
    for time_s, value in one.points:
        (right if _NOTHING <= value <= most(one, time_s) else wrong).append((time_s, value))
    if not wrong:
        return one, []
    unknown = tuple(sorted((*one.unknown_s, *(time_s for time_s, _ in wrong))))
    return replace(one, points=tuple(right), unknown_s=unknown), [value for _, value in wrong]


def _most(
    key: str, found: Found, window: Window, kept: Mapping[str, tuple[Series, ...] | None]
) -> Callable[[Series, int], float]:
    """The most that a value of an answer can be."""
    if key in _OF_HELD and kept.get("held") is not None:
        held = {
            (_owner(one, found), time_s): value for one in kept["held"] or () for time_s, value in one.points
        }
        return lambda one, time_s: held.get((_owner(one, found), time_s), s.MOST) * _SLACK - _NOTHING
    limit = _limit(key, found, window, kept)
    return lambda _, __: limit


def _limit(key: str, found: Found, window: Window, kept: Mapping[str, tuple[Series, ...] | None]) -> float:
    if key in ("memory", "memory size"):
        return _BOARD_MIB
    if key in ("power", "energy"):
        present = (value for one in kept.get("present") or () for _, value in one.points)
        watts = max(found.accelerators, *present, 1) * _BOARD_W
        return watts if key == "power" else watts * 1000 * (window.end_s - window.start_s)  # mJ
    if key.endswith(" steps"):
        return window.steps * _SLACK + 1
    return s.MOST * window.steps if key.startswith("stranded") else s.MOST


def _owner(one: Series, found: Found) -> tuple[str, ...]:
    return tuple(one.label(label) for label in (found.pool_label, found.team, "workload"))


def _metrics(key: str, found: Found) -> tuple[str, ...]:
    """The metrics that an answer is from."""
    if key in ("busy", "idle", "idle steps"):
        return tuple(one.metric for one in found.signals(s.BUSY if key == "busy" else s.ACTIVE))
    return (_METRIC.get(key) or found.present() or "",)


_METRIC = {
    "memory": s.MEMORY_USED,
    "memory size": s.MEMORY_FREE,
    "power": s.POWER,
    "energy": s.ENERGY,
    "memory-bound steps": s.DRAM.metric,
    "power-throttled steps": s.POWER_CAPPED,
    "I/O-bound steps": s.IO_PRESSURE,
    "queue": s.REQUESTS,
    "requested": s.REQUESTS,
    "allocatable": s.ALLOCATABLE,
    "stranded by cpu": s.ALLOCATABLE,
    "stranded by memory": s.ALLOCATABLE,
    "workloads": s.POD_OWNER,
}
"""By question; of those that are not here it is what tells that an accelerator is there."""
