"""Numbers in text from elsewhere: what is absent, malformed or absurd is None, never an exception. Pure."""

from __future__ import annotations

import math

_DIGITS = 20
"""2**64 has so many; Python refuses to read some thousands."""


def number(text: str | None) -> int | None:
    """A count; None when it is absent, negative (the kernel's `unknown`), too long or no number."""
    word = (text or "").strip()
    return int(word) if word.isascii() and word.isdigit() and len(word) <= _DIGITS else None


def scaled(value: float | str | None, factor: int) -> int | None:
    """`value` times `factor` to the nearest whole; None when absent, negative, no number or not finite."""
    if value is None:
        return None
    try:
        product = float(value) * factor
    except ValueError:
        return None
    return round(product) if math.isfinite(product) and product >= 0 else None
