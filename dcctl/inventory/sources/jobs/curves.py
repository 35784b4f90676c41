"""Prices and carbon over time, from a CSV file of equal steps: what is missing in it is not known."""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from dcctl.errors import UsageError
from dcctl.inventory.conditions import Curve
from dcctl.inventory.moments import moment
from dcctl.inventory.nodeexpr import HIDDEN, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

_KNOWN = ("time", "site", "value")
_VALUE = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_HINT = "head -3 FILE: time,site,value or time,value"


class _Row(NamedTuple):
    place: str
    site: str
    at_s: int
    value: int | None


def curves(text: str, where: str, *, negative: bool = False) -> dict[str, Curve]:
    """Return the curve of each site (under the empty name that of all others), in thousandths.

    A value holds for one step: the shortest time between two rows of its site; one row alone holds from then
    on. A value that is empty, and a row that is missing, is not known. `negative`: there are such values.
    UsageError with file and line.
    """
    by_site: dict[str, list[_Row]] = {}
    for row in _rows(text, where, negative):
        by_site.setdefault(row.site, []).append(row)
    if not by_site:
        raise UsageError(where, "has no values", _HINT)
    return {site: _curve(rows) for site, rows in sorted(by_site.items())}


def _rows(text: str, where: str, negative: bool) -> Iterable[_Row]:
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        _check_head(head, where)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _row(cells, head, f"{where}:{reader.line_num}", negative)
    except csv.Error as error:
        raise UsageError(f"{where}:{reader.line_num}", f"is not CSV: {error}", _HINT) from error


def _check_head(head: list[str], where: str) -> None:
    for name in head:
        if name not in _KNOWN:
            near = nearest(name, _KNOWN, 1) or f"; known are {', '.join(_KNOWN)}"
            raise UsageError(f"{where}:1", f"the column {shown(name)} is not known{near}", _HINT)
    for name in ("time", "value"):
        if name not in head:
            raise UsageError(f"{where}:1", f"the column {name} is missing", _HINT)
    if len(set(head)) != len(head):
        raise UsageError(f"{where}:1", "has a column twice", _HINT)


def _row(given: list[str], head: list[str], place: str, negative: bool) -> _Row:
    if len(given) != len(head):
        raise UsageError(place, f"has {len(given)} cells and not {len(head)}", _HINT)
    cells = dict(zip(head, given, strict=True))
    site = cells.get("site", "").strip()
    if HIDDEN.search(site) or len(site.split()) > 1:
        raise UsageError(place, f"{shown(site)} is no name of a site")
    try:
        return _Row(place, site, moment(cells["time"].strip()), _value(cells["value"].strip(), negative))
    except ValueError as error:
        raise UsageError(place, str(error)) from error


def _value(text: str, negative: bool) -> int | None:
    if not text:
        return None
    if not _VALUE.fullmatch(text):
        raise ValueError(f"{shown(text)} is no number; write it as 82.50, or leave it empty if nobody knows")
    value = Fraction(text) * 1000
    if value.denominator != 1:
        raise ValueError(f"{shown(text)} is finer than a thousandth")
    if value < 0 and not negative:
        raise ValueError(f"{shown(text)} is negative")
    return int(value)


def _curve(rows: list[_Row]) -> Curve:
    rows.sort(key=lambda row: row.at_s)
    if len(rows) == 1:
        return Curve((rows[0].at_s,), (rows[0].value,))
    for one, other in pairwise(rows):
        if one.at_s == other.at_s:
            raise UsageError(other.place, f"the time is told before, at {one.place}")
    step = min(other.at_s - one.at_s for one, other in pairwise(rows))
    told: list[tuple[int, int | None]] = []
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        if (row.at_s - rows[0].at_s) % step:
            raise UsageError(row.place, f"does not begin a step of {step:,} s after {rows[0].place}")
        told.append((row.at_s, row.value))
        if following is None or following.at_s > row.at_s + step:
            told.append((row.at_s + step, None))
    return Curve(tuple(at_s for at_s, _ in told), tuple(value for _, value in told))
