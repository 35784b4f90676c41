"""Lengths of time as Go's package time reads and writes them."""

from __future__ import annotations

import re
from typing import Final

NS: Final = 10**9
"""Nanoseconds of a second."""
_UNITS: Final = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": NS, "m": 60 * NS, "h": 3600 * NS,
}  # fmt: skip
_PART = re.compile(r"(\d*)(\.\d*)?([^\d.]*)")
_MOST: Final = 2**63 - 1


def duration_ns(text: str) -> int:
    """Nanoseconds of `1h30m`, `-1.5s` or `0`. ValueError, in Go's words, for what is none."""
    sign, rest = (-1 if text.startswith("-") else 1), text.removeprefix("-" if text[:1] == "-" else "+")
    if rest == "0":
        return 0
    total, at = 0, 0
    while at < len(rest) or not rest:
        found = _PART.match(rest, at)
        if found is None or not (found[1] or (found[2] or ".") != "."):
            raise ValueError(f'time: invalid duration "{text}"')
        total += _part(text, found[1], found[2] or ".", found[3])
        at = found.end()
    if total > _MOST:
        raise ValueError(f'time: invalid duration "{text}"')
    return sign * total


def _part(text: str, whole: str, fraction: str, unit: str) -> int:
    if not unit:
        raise ValueError(f'time: missing unit in duration "{text}"')
    if unit not in _UNITS:
        raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
    digits, size = fraction[1:] or "0", _UNITS[unit]
    return int(whole or "0") * size + int(digits) * size // int(f"1{'0' * len(digits)}")


def told_ns(amount_ns: int) -> str:
    """As Go prints it: `1m30s`, `500ms`, `1h0m0s`, `0s`."""
    sign, left = ("-" if amount_ns < 0 else ""), abs(amount_ns)
    if left < NS:
        unit = next((each for each in ("ms", "µs", "ns") if left >= _UNITS[each]), "s")
        return f"{sign}{_decimal(left, _UNITS[unit])}{unit}"
    minutes, rest = divmod(left, 60 * NS)
    text = f"{_decimal(rest, NS)}s"
    if minutes:
        text = f"{minutes % 60}m{text}"
    return f"{sign}{minutes // 60}h{text}" if minutes >= 60 else f"{sign}{text}"


def _decimal(amount: int, unit: int) -> str:
    whole, part = divmod(amount, unit)
    digits = str(part).zfill(len(str(unit)) - 1).rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
