"""How a raw cell is shown: SI integers become `6.2 kW`, None a dash. Formats for programs do not use it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from dcctl.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.render.report import Cell, Unit

LEFT = frozenset({"text", "nodes", "state", "time_s"})
"""Units that stand at the left edge of their column; numbers stand at the right."""

_DECIMAL = ("", "k", "M", "G", "T", "P", "E")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def unknown(unicode: bool) -> str:
    """Return the sign for a value that nobody could learn. It is neither 0 nor blank."""
    return "–" if unicode else "-"


def three(value: float) -> str:
    """Return `value` with three significant digits, or all whole ones: 1.53, 15.3, 1530; no trailing 0.

    What is not nothing never reads 0: 0.001 is `<0.01`.
    """
    places = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    text = f"{value:.{places}f}"
    text = text.rstrip("0").rstrip(".") if places else text
    if value and text in ("0", "-0"):
        return "<0.01" if value > 0 else ">-0.01"
    return text


def scaled(value: float, symbol: str, step: int = 1000, first: int = 0) -> str:
    """Return `value` with the prefix that leaves it below `step`; `first` is the prefix it comes with."""
    prefixes = _DECIMAL if step == 1000 else _BINARY
    power = first
    while power < len(prefixes) - 1 and abs(value) >= step - 0.5:  # 999.7 reads 1000
        value /= step
        power += 1
    return f"{three(value)} {prefixes[power]}{symbol}"


def cores(milli: float) -> str:
    """Return thousandths as a plain number: 1.5, 0.25, 96, 12,345."""
    value = milli / 1000
    places = 3 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def percent(milli: float) -> str:
    """Return thousandths as per cent. Only what is whole reads 100 %, and only nothing reads 0 %."""
    whole = round(milli / 10)
    if abs(milli) < 100 or (whole == 100 and milli != 1000):
        text = f"{milli / 10:.1f}".removesuffix(".0")
        return f"{text} %"
    return f"{whole} %"


def duration(seconds: float) -> str:
    """Return a length of time in its one or two largest units: 95 s, 2 h 10 min, 26 h, 3 d 4 h, 97 d."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 120:
        return f"{three(seconds)} s"
    for limit, big, name, small, rest, keep in _STEPS:
        if seconds < limit:
            whole, left = divmod(int(seconds), big)
            part = left // small
            return f"{whole} {name} {part} {rest}" if part and whole < keep else f"{whole} {name}"
    raise AssertionError("the last step has no limit")


_STEPS = (
    (3600, 60, "min", 1, "s", 10),
    (48 * 3600, 3600, "h", 60, "min", 10),
    (math.inf, 86400, "d", 3600, "h", 10),
)
"""(upper limit in s, large unit in s, name, small unit in s, name, up to how many the small one is shown)."""


def milliseconds(value: float) -> str:
    """Return a short length of time: 350 ms, 1.8 s, 12.3 s, 3 min 20 s."""
    if abs(value) < 1000:
        return f"{three(value)} ms"
    return f"{value / 1000:.1f}".removesuffix(".0") + " s" if abs(value) < 60_000 else duration(value / 1000)


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


def count(value: float) -> str:
    """Return a number with separators between thousands."""
    return f"{value:,}"


_SHOW: dict[str, Callable[[float], str]] = {
    "count": count,
    "milli": cores,
    "percent_milli": percent,
    "bytes": lambda value: scaled(value, "B"),
    "memory": lambda value: scaled(value, "B", 1024),
    "bps": lambda value: scaled(value, "b/s"),
    "power_mw": lambda value: scaled(value / 1000, "W"),
    "energy_mj": lambda value: scaled(value / 3_600_000, "Wh"),  # 1 Wh = 3600 J
    "hz": lambda value: scaled(value, "Hz"),
    "duration_s": duration,
    "duration_ms": milliseconds,
    "time_s": moment,
    "celsius": lambda value: f"{three(value)} °C",
}


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
