"""Quantities as people read them, `6.21 kW` from milliwatts: the same in tables and in sentences.

What is not nothing never reads 0, and nothing never reads -0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DECIMAL = ("", "k", "M", "G", "T", "P", "E")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def three(value: float) -> str:
    """Return `value` with three significant digits, or all whole ones: 1.53, 15.3, 1530; no trailing 0."""
    return _fixed(value, 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0)


def _fixed(value: float, places: int, form: str = "") -> str:
    """Return `value` with at most so many decimals: 0.001 is `<0.01` with two."""
    text = f"{value:{form}.{places}f}"
    text = text.rstrip("0").rstrip(".") if places else text
    if text not in ("0", "-0"):
        return text
    least = f"{10**-places:g}"
    return "0" if not value else f"<{least}" if value > 0 else f">-{least}"


def scaled(value: float, symbol: str, step: int = 1000, first: int = 0) -> str:
    """Return `value` with the prefix that leaves it below `step`; `first` is the prefix it comes with."""
    prefixes = _DECIMAL if step == 1000 else _BINARY
    power = first
    while power < len(prefixes) - 1 and abs(value) >= step - 0.5:  # 999.7 reads 1000
        value /= step
        power += 1
    return f"{three(value)} {prefixes[power]}{symbol}"


def memory(count_bytes: float) -> str:
    """Return bytes with binary prefixes: 96 GiB, 1.5 TiB."""
    return scaled(count_bytes, "B", 1024)


def power(milliwatts: float) -> str:
    """Return milliwatts in watts: 640 W, 7.94 kW."""
    return scaled(milliwatts / 1000, "W")


def energy(millijoules: float) -> str:
    """Return millijoules in watt-hours: 640 Wh, 7.94 MWh."""
    return scaled(millijoules / 3_600_000, "Wh")  # 1 Wh = 3600 J


def mass(milligrams: float) -> str:
    """Return milligrams in kilograms or tonnes: 0.12 kg, 640 kg, 7.94 t."""
    return f"{three(milligrams / 1e9)} t" if abs(milligrams) >= 1e9 else f"{three(milligrams / 1e6)} kg"


def gpu_hours(milliseconds_of_one: float) -> str:
    """Return milliseconds of one GPU in GPU hours: 0.4 GPU h, 1,280 GPU h."""
    hours = milliseconds_of_one / 3_600_000
    return f"{_fixed(hours, 2 if hours < 10 else 1 if hours < 100 else 0, ',')} GPU h"


def cores(milli: float) -> str:
    """Return thousandths as a plain number: 1.5, 0.25, 96, 12,345."""
    value = milli / 1000
    return _fixed(value, 3 if abs(value) < 10 else 1 if abs(value) < 1000 else 0, ",")


def percent(milli: float) -> str:
    """Return thousandths as per cent. Only what is whole reads 100 %, and only nothing reads 0 %."""
    whole = round(milli / 10)
    fine = abs(milli) < 100 or (whole == 100 and milli != 1000)
    return f"{_fixed(milli / 10, 1) if fine else whole} %"


def duration(seconds: float) -> str:
    """Return a length of time in its one or two largest units: 95 s, 2 h 10 min, 26 h, 3 d 4 h, 97 d."""
    if abs(seconds) < 120:
        return f"{three(seconds)} s"
    if seconds < 0:
        return f"-{duration(-seconds)}"
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


def elapsed(ms: float) -> str:
    """Return milliseconds since a start, exact enough to order by: 0 s, 24.3 s, 15 min 10 s, 13 h 12 min."""
    if abs(ms) < 120_000:
        return f"{_fixed(ms / 1000, 1)} s"
    seconds = round(ms / 1000)
    _, big, first, small, second, _ = next(step for step in _STEPS if seconds < step[0])
    whole, left = divmod(seconds, big)
    part = left // small
    return f"{whole} {first} {part} {second}" if part else f"{whole} {first}"


def count(value: float) -> str:
    """Return a whole number with separators between thousands; what is not whole has four digits."""
    return f"{int(value):,}" if value == int(value) else four(value)


def four(value: float) -> str:
    """Return a number with four significant digits, whole ones up to a million: 63.17, 178,880, 3.8e+25."""
    if value and not 1e-3 <= abs(value) < 1e9:
        return f"{value:.4g}"
    if abs(value) >= 1e6:
        return f"{float(f'{value:.4g}'):,.0f}"
    return f"{value:,.0f}" if abs(value) >= 999.95 or value == int(value) else f"{value:.4g}"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 node`, `3 nodes`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


BY_UNIT: Mapping[str, Callable[[float], str]] = {
    "count": count,
    "milli": cores,
    "percent_milli": percent,
    "bytes": lambda value: scaled(value, "B"),
    "memory": memory,
    "bps": lambda value: scaled(value, "b/s"),
    "power_mw": power,
    "energy_mj": energy,
    "gpu_ms": gpu_hours,
    "mass_mg": mass,
    "hz": lambda value: scaled(value, "Hz"),
    "duration_s": duration,
    "duration_ms": milliseconds,
    "elapsed_ms": elapsed,
    "celsius": lambda value: f"{three(value)} °C",
    "number": four,
}
"""How a value in the unit of a column reads; moments depend on the time zone and are told by `render`."""
