"""Lengths of time as people write them: `3d12h`, `90m`, `45s`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from dcctl.inventory.nodeexpr import shown

SECONDS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_MOST_S: Final = 1 << 62


def duration(text: str) -> int:
    """Return `3d12h` in seconds. ValueError says what is wrong."""
    parts = re.findall(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s?(min|[smhdw])", text, re.ASCII)
    if not parts or "".join(n + u for n, u in parts) != re.sub(r"\s", "", text):
        raise ValueError(f"{shown(text)} is no length of time; write it as 3d12h, 90m or 45s")
    units = [unit for _, unit in parts]
    if sorted(set(units), key=lambda unit: -SECONDS[unit]) != units:
        raise ValueError(f"{shown(text)} names a unit twice, or a small one before a large one")
    total = sum(Fraction(number) * SECONDS[unit] for number, unit in parts)
    if total.denominator != 1 or not 0 < total <= _MOST_S:
        raise ValueError(f"{shown(text)} is not a whole number of seconds above 0")
    return int(total)
