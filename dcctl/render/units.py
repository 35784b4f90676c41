"""How a raw cell is shown: SI integers become `6.2 kW`, None a dash. Formats for programs do not use it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from dcctl.render.text import printable
from dcctl.units import BY_UNIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.render.report import Cell, Unit

LEFT = frozenset({"text", "nodes", "state", "time_s"})
"""Units that stand at the left edge of their column; numbers stand at the right."""


def unknown(unicode: bool) -> str:
    """Return the sign for a value that nobody could learn. It is neither 0 nor blank."""
    return "–" if unicode else "-"


def moment(unix_s: float) -> str:
    """Return a Unix time as local date and time with its offset from UTC; out of range, the number itself."""
    try:
        local = time.localtime(unix_s)
    except (OverflowError, ValueError, OSError):
        return str(unix_s)
    offset = local.tm_gmtoff
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset) // 60
    zone = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" if offset else "Z"
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', local)}{zone}"


def near(unix_s: int, now_s: int) -> str:
    """Return a local time as people tell it at `now_s`: now, 21:40, Mon 08:00, or with its date."""
    if unix_s == now_s:
        return "now"
    try:
        local, today = time.localtime(unix_s), time.localtime(now_s)
    except (OverflowError, ValueError, OSError):
        return str(unix_s)
    if local[:3] == today[:3]:
        return time.strftime("%H:%M", local)
    if 0 < unix_s - now_s < _ALMOST_A_WEEK_S:
        return f"{_DAYS[local.tm_wday]} {time.strftime('%H:%M', local)}"
    return time.strftime("%Y-%m-%d %H:%M", local)


_ALMOST_A_WEEK_S = 6 * 86400
"""Later, the name of a day could be that of today."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


_SHOW: dict[str, Callable[[float], str]] = {**BY_UNIT, "time_s": moment}


def show(cell: Cell, unit: Unit, unicode: bool = True) -> str:
    """Return `cell` as a person reads it: one line, harmless to a terminal, never blank for an unknown."""
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return unknown(unicode)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, tuple):
        return printable(", ".join(cell), unicode)
    if isinstance(cell, str):
        return printable(cell, unicode)
    return printable(_SHOW.get(unit, str)(cell), unicode)
