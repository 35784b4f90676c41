"""Kubernetes quantities (`100m`, `1.5`, `2Gi`, `1e3`) as exact integers."""

from __future__ import annotations

import re
from functools import lru_cache

NANO = 1_000_000_000
"""A quantity is held in thousand-millionths: the finest step that the API server keeps."""
MILLI = 1_000_000
"""Thousand-millionths in a thousandth."""

_FORM = re.compile(
    r"([+-]?)(\d*)(?:\.(\d*))?(?:([eE])([+-]?\d{1,2})|(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)?)", re.ASCII
)
_MAX_DIGITS = 40
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


@lru_cache(maxsize=65536)
def parse(text: str) -> int:
    """The quantity in thousand-millionths; what is finer is rounded away from zero, as the API server does.

    Raises ValueError for text that is not a quantity, and for a negative one: the API server takes none for a
    request, a capacity or a limit. Grammar: apimachinery's pkg/api/resource/quantity.go.
    """
    match = _FORM.fullmatch(text)
    if match is None or len(text) > _MAX_DIGITS or not (match[2] or match[3]):
        raise ValueError(f"{text[:_MAX_DIGITS]!r} is not a quantity")
    sign, whole, fraction, _, exponent, suffix = match.groups(default="")
    digits = int(whole + fraction) << _BINARY.get(suffix, 0)
    power = 9 - len(fraction) + (int(exponent) if exponent else _DECIMAL.get(suffix, 0))
    nano: int = digits * 10**power if power >= 0 else -(-digits // 10**-power)
    if sign == "-" and nano:
        raise ValueError(f"{text!r} is a negative quantity")
    return nano


def ceil_units(nano: int) -> int:
    """Whole units, rounded up: bytes, devices, pods."""
    return -(-nano // NANO)


def ceil_milli(nano: int) -> int:
    """Thousandths, rounded up: thousandths of a processor."""
    return -(-nano // MILLI)


def units(text: str) -> int:
    """Whole units in a quantity, rounded up. Raises ValueError."""
    return ceil_units(parse(text))
