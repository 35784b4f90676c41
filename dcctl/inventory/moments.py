"""Points in time as job files write them: ISO 8601 with its zone, which nobody has to guess."""

from __future__ import annotations

import re
from datetime import datetime

from dcctl.inventory.lengths import duration
from dcctl.inventory.nodeexpr import shown

_FORM = "2026-11-24T08:00Z, or with its zone: 2026-11-24T08:00+08:00"
_DATE = re.compile(r"\s*(?:[0-9]{4}-|[0-9]{8}T)")


def moment_or_length(text: str, now_s: int) -> int:
    """Return Unix time of a date and time, or of the end of a length from now on: `6h`, `1440m`.

    ValueError says what is wrong.
    """
    if _DATE.match(text):
        return moment(text)
    try:
        return now_s + duration(text)
    except ValueError as error:
        raise ValueError(f"{error}; a date and time reads 2026-11-28T22:00Z") from error


def moment(text: str) -> int:
    """Return Unix time in seconds. ValueError says what is wrong."""
    try:
        read = datetime.fromisoformat(text.replace(" ", "T", 1))
    except ValueError as error:
        raise ValueError(f"{shown(text)} is no date and time; write it as {_FORM}") from error
    if read.tzinfo is None:
        raise ValueError(f"{shown(text)} does not say in which time zone; write it as {_FORM}")
    try:
        seconds = read.timestamp()
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{shown(text)} is out of range") from error
    if seconds < 0 or seconds != int(seconds):
        raise ValueError(f"{shown(text)} is before 1970, or not a whole second")
    return int(seconds)
