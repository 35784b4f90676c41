"""A plot on a terminal: lines over time as marks in a grid, their names below."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from dcctl.render.paint import paint
from dcctl.render.text import pad, printable, width, wrap
from dcctl.render.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dcctl.render.paint import Tone
    from dcctl.render.report import Line, Plot
    from dcctl.render.style import Style

_ROWS = 8
_FEWEST_CELLS = 16
_PER_TIME = 24
"""Cells of the axis for each time that it tells."""


class _Sign(NamedTuple):
    """The mark of a kind of line, and its tone."""

    unicode: str
    ascii: str
    tone: Tone


_SIGNS: Mapping[str, _Sign] = {
    "limit": _Sign("─", "-", "warn"),
    "part": _Sign("·", ".", "l2"),
    "forecast": _Sign("○", "o", "l1"),
    "measured": _Sign("●", "*", "l4"),
}
"""By kind of line, in the order in which they are drawn: what comes later hides what came before."""
_ORDER = tuple(_SIGNS)


class Cell(Struct, frozen=True):
    """What one line has in one column of a plot: the least and the most of its values there."""

    low: float
    high: float


def columns(line: Line, steps: int, cells: int) -> list[Cell | None]:
    """Return a line in so many columns; None where nothing is known."""
    found: list[Cell | None] = []
    for column in range(cells):
        first = column * steps // cells
        last = max(first + 1, (column + 1) * steps // cells)
        known = [value for value in line.values[first:last] if value is not None]
        found.append(Cell(min(known), max(known)) if known else None)
    return found


def plot_lines(plot: Plot, style: Style, room: int) -> list[str]:
    """Return the plot in lines of at most `room` cells: title, grid, axis, key. Nothing without room."""
    labels = [show(plot.top * part / 2, plot.unit, style.unicode) for part in (2, 1, 0)]
    left = max(map(width, labels))
    cells = min(room - left - 2, max(plot.steps, _FEWEST_CELLS))
    if cells < _FEWEST_CELLS or not plot.steps:
        return []
    title = [paint(line, "bold", style.color) for line in wrap(printable(plot.title, style.unicode), room)]
    told = {0: labels[0], _ROWS // 2: labels[1], _ROWS - 1: labels[2]}
    edge = "│" if style.unicode else "|"
    grid = [
        f"{pad(told.get(number, ''), left, right=True)} {edge}{_painted(row, style)}".rstrip()
        for number, row in enumerate(_grid(plot, cells, style.unicode))
    ]
    axis = " " * (left + 2) + _times(plot, cells, style.unicode)
    return [*title, *grid, paint(axis.rstrip(), "dim", style.color), *_key(plot, style, room)]


def _grid(plot: Plot, cells: int, unicode: bool) -> list[list[str]]:
    """Return the rows from the top down, a sign or a blank in each cell."""
    rows = [[" "] * cells for _ in range(_ROWS)]
    for line in sorted(plot.lines, key=lambda line: _ORDER.index(line.kind)):
        sign = _SIGNS[line.kind]
        for column, cell in enumerate(columns(line, plot.steps, cells)):
            if cell is not None:
                for row in range(_row(cell.high, plot.top), _row(cell.low, plot.top) + 1):
                    rows[row][column] = sign.unicode if unicode else sign.ascii
    return rows


def _row(value: float, top: float) -> int:
    """Return the row of a value: the last for 0, the first for the largest."""
    return _ROWS - 1 - min(_ROWS - 1, max(0, round(value / top * (_ROWS - 1))))


def _painted(row: Sequence[str], style: Style) -> str:
    text = "".join(row).rstrip()
    if not style.color:
        return text
    tones = {sign.unicode if style.unicode else sign.ascii: sign.tone for sign in _SIGNS.values()}
    return "".join(paint(sign, tones[sign], color=True) if sign in tones else sign for sign in text)


def _times(plot: Plot, cells: int, unicode: bool) -> str:
    """Return days below their columns, the last one at the right edge."""
    labels = max(2, cells // _PER_TIME)
    found = ""
    for number, time_s in enumerate(times(plot, labels)):
        text = show(time_s, "time_s", unicode)[: len("2000-01-01")]
        place = number * cells // (labels - 1) - (len(text) if number == labels - 1 else 0)
        found = pad(found, place) + text if place >= len(found) else found
    return found


def times(plot: Plot, labels: int) -> Iterator[int]:
    """Yield so many times from the first value to the last, evenly."""
    for number in range(labels):
        yield plot.start_s + plot.step_s * ((plot.steps - 1) * number // (labels - 1))


def _key(plot: Plot, style: Style, room: int) -> list[str]:
    """Return what each sign stands for."""
    words = [
        f"{sign.unicode if style.unicode else sign.ascii} {printable(line.name, style.unicode)}"
        for line in plot.lines
        for sign in (_SIGNS[line.kind],)
    ]
    return wrap("  ".join(words), room)
