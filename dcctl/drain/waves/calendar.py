"""When work may be moved: windows by the clocks of a time zone, which is where daylight saving is told."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dcctl.drain.request import Window
from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.inventory.model import Fleet

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_S: Final = 86_400
_AHEAD: Final = 9
"""Days that are looked through: a week, the day before it, and one for the zone."""
_EXAMPLE: Final = "--window 'Sat,Sun 22:00-06:00 Europe/Berlin'"
_FORM: Final = re.compile(r"(\S+)\s+(\d{1,2}:\d\d)\s*-\s*(\d{1,2}:\d\d)(?:\s+(\S+))?", re.ASCII)


def window(text: str, zone: str = "UTC") -> Window:
    """Read `Sat,Sun 22:00-06:00 Europe/Berlin`, `Mon-Fri 01:00-05:00` or `daily 02:00-04:00`.

    A window that ends when it begins, or before, ends on the next day. `zone`: where the text names none.
    UsageError: what is wrong, why, and how it is written.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise _wrong(text, "must read DAYS FROM-TO, and a time zone where it is not that of the site")
    days, begins, ends, named = match.groups()
    name = named or zone
    _zone(name, text)
    midnights, from_s = divmod(_clock(begins, text), _DAY_S)  # what begins at 24:00 begins on the next day
    on = tuple(sorted((day + midnights) % 7 for day in _days(days, text)))
    return Window(on, from_s, _clock(ends, text) % _DAY_S, name, text.strip())


def zone_of(fleet: Fleet) -> str:
    """The time zone of its sites where they tell one and the same, else UTC."""
    told = {site.timezone for site in fleet.sites if site.timezone}
    return told.pop() if len(told) == 1 else "UTC"


def opening(windows: Iterable[Window], at_s: int, span_s: int = 0, over_s: int = 0) -> tuple[int, int] | None:
    """(first moment from `at_s` on at which work of so many seconds may begin, end of its window).

    `over_s`: Unix time before which it is not over. None: no window is as long as that, of the next days.
    Windows that touch or overlap are one.
    """
    for begins, ends in _merged(windows, at_s):
        start = max(begins, at_s)
        if start < ends and max(start + span_s, over_s) <= ends:
            return start, ends
    return None


def _merged(windows: Iterable[Window], at_s: int) -> Iterator[tuple[int, int]]:
    """What is open in the days after a moment, in order."""
    spans = sorted({span for one in windows for span in _spans(one, at_s) if span[1] > at_s})
    last: tuple[int, int] | None = None
    for begins, ends in spans:
        if last is not None and begins <= last[1]:
            last = (last[0], max(last[1], ends))
            continue
        if last is not None:
            yield last
        last = (begins, ends)
    if last is not None:
        yield last


def _spans(one: Window, at_s: int) -> Iterator[tuple[int, int]]:
    """Openings of one window, from that of the day before on."""
    zone = _zone(one.zone, one.text)
    today = datetime.fromtimestamp(at_s, zone).date()
    for ahead in range(-1, _AHEAD):
        day = today + timedelta(days=ahead)
        if day.weekday() not in one.days:
            continue
        last = day if one.to_s > one.from_s else day + timedelta(days=1)
        begins, ends = _unix(day, one.from_s, zone), _unix(last, one.to_s, zone)
        if begins < ends:  # what the clocks skip in spring is no window
            yield begins, ends


def _unix(day: date, clock_s: int, zone: ZoneInfo) -> int:
    """When the clocks of a zone show that time; one that they skip: as much later (PEP 495, fold 0)."""
    clock = time(clock_s // 3600, clock_s // 60 % 60, clock_s % 60, tzinfo=zone)
    return int(datetime.combine(day, clock).astimezone(UTC).timestamp())


@lru_cache(maxsize=16)
def _known(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _zone(name: str, text: str) -> ZoneInfo:
    try:
        return _known(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder
        raise _wrong(text, f"{name} is no time zone; they read Europe/Berlin or UTC") from error


def _days(text: str, whole: str) -> tuple[int, ...]:
    if text.lower() == "daily":
        return tuple(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begins = _day(first, whole)
        ends = _day(last, whole) if dash else begins
        found.update((begins + step) % 7 for step in range((ends - begins) % 7 + 1))
    return tuple(sorted(found))


def _day(text: str, whole: str) -> int:
    told = text.lower()
    found = next((at for at, name in enumerate(_DAYS) if told in (name, name[:3])), None)
    if found is None:
        raise _wrong(whole, f"{text or 'nothing'} is no day; days are Mon Tue Wed Thu Fri Sat Sun, or daily")
    return found


def _clock(text: str, whole: str) -> int:
    hours, _, minutes = text.partition(":")
    total = int(hours) * 3600 + int(minutes) * 60
    if int(minutes) > 59 or total > _DAY_S:
        raise _wrong(whole, f"{text} is no time of the day; the last is 24:00")
    return total


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(f"--window {text!r}", why, _EXAMPLE)


def clock(at_s: int, zone: str) -> str:
    """A moment by the clocks of a zone: `2026-11-24 22:00 Europe/Berlin`."""
    return f"{datetime.fromtimestamp(at_s, _zone(zone, zone)):%Y-%m-%d %H:%M} {zone}"
