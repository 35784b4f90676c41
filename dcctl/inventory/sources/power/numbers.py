"""Numbers as devices tell them, made into whole units of the model; what is no amount is not known."""

from __future__ import annotations

import math
from typing import Final

WH_MJ: Final = 3_600_000
"""Millijoules of a watt-hour."""
_MOST: Final = 1 << 62


def amount(value: object, factor: float) -> int | None:
    """Return `value` times `factor` as a whole number; None for what is no number, or below nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value) * factor
    except ValueError:
        return None
    if not math.isfinite(number) or not 0 <= number <= _MOST:
        return None
    return round(number)


def milliwatts(value: object) -> int | None:
    """Watts as a device tells them."""
    return amount(value, 1000)


def percent(value: object) -> int | None:
    """Per cent as thousandths; None above 1000 %."""
    found = amount(value, 10)
    return found if found is not None and found <= 10_000 else None


def total(values: list[int | None]) -> int | None:
    """The sum, of which no part may be unknown; None where there is no part."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
