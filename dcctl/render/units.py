"""How a raw cell is shown: SI integers become `6.2 kW`, None a dash. Formats for programs do not use it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from dcctl.render.text import printable
from dcctl.units import BY_UNIT

if TYPE_CHECKING:
    from dcctl.render.report import Cell, Unit

LEFT = frozenset({"text", "nodes", "state", "time_s"})
"""Units that stand at the left edge of their column; numbers stand at the right."""


def unknown(unicode: bool) -> str:
    """Return the sign for a value that nobody could learn. It is neither 0 nor blank."""
    return "–" if unicode else "-"


def moment(unix_s: float, zone: str = "") -> str:
    """Return a Unix time as date and time with its offset from UTC; out of range, the number itself.

    `zone`: whose clocks tell it; empty, or not known here: this machine's.
    """
    try:
        local, offset = _clock(unix_s, zone)
    except (OverflowError, ValueError, OSError):
        return str(unix_s)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', local)}{offset}"


def near(unix_s: int, now_s: int, zone: str = "") -> str:
    """Return a time as people tell it at `now_s`: now, 21:40, Mon 08:00, or with its date.

    `zone`: whose clocks tell it, with the offset from UTC; empty: this machine's, without.
    """
    if unix_s == now_s:
        return "now"
    try:
        (local, offset), (today, _) = _clock(unix_s, zone), _clock(now_s, zone)
    except (OverflowError, ValueError, OSError):
        return str(unix_s)
    told = f"{time.strftime('%H:%M', local)}{offset if zone else ''}"
    if local[:3] == today[:3]:
        return told
    if 0 < unix_s - now_s < _ALMOST_A_WEEK_S:
        return f"{_DAYS[local.tm_wday]} {told}"
    return f"{time.strftime('%Y-%m-%d', local)} {told}"


def _clock(unix_s: float, zone: str) -> tuple[time.struct_time, str]:
    """What the clocks of a zone show, and how far they are from UTC: Z, +01:00."""
    local = time.localtime(unix_s)
    offset = local.tm_gmtoff
    there = _offset_s(unix_s, zone) if zone else None
    if there is not None:
        local, offset = time.gmtime(unix_s + there), there
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset) // 60
    return local, f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" if offset else "Z"


def _offset_s(unix_s: float, zone: str) -> int | None:
    """How far a zone is from UTC at a time; None: no such zone is known here."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    try:
        told = datetime.fromtimestamp(unix_s, ZoneInfo(zone)).utcoffset()
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder
        return None
    return None if told is None else int(told.total_seconds())


_ALMOST_A_WEEK_S = 6 * 86400
"""Later, the name of a day could be that of today."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def show(cell: Cell, unit: Unit, unicode: bool = True, zone: str = "") -> str:
    """Return `cell` as a person reads it: one line, harmless to a terminal, never blank for an unknown.

    `zone`: whose clocks tell times, see `moment`.
    """
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return unknown(unicode)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, tuple):
        return printable(", ".join(cell), unicode)
    if isinstance(cell, str):
        return printable(cell, unicode)
    text = moment(cell, zone) if unit == "time_s" else BY_UNIT.get(unit, str)(cell)
    return printable(text, unicode)
