"""A Gantt chart on a terminal: a line per row, a bar from start to end of each thing that takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.render.nodes import node_set
from dcctl.render.paint import paint
from dcctl.render.text import cut, pad, printable, width, wrap
from dcctl.render.units import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dcctl.render.report import Bar, Gantt
    from dcctl.render.style import Style

_LONGEST_LABEL = 24
_FEWEST_CELLS = 12
"""Cells of time below which a chart says nothing."""
_PER_LABEL = 20
"""Cells of the axis for each time that it tells."""


class _Signs(Struct, frozen=True):
    """What bars are drawn with."""

    left: str
    line: str
    right: str
    short: str
    """A bar of one cell."""
    now: str


_UNICODE = _Signs("├", "─", "┤", "│", "┊")
_ASCII = _Signs("[", "-", "]", "|", ":")


class Scale(Struct, frozen=True):
    """Where a time lies on an axis of so many cells or pixels."""

    start: int
    end: int
    cells: int

    def at(self, time: int) -> int:
        """Return the position of a time between start and end."""
        return (time - self.start) * self.cells // (self.end - self.start)

    def times(self, labels: int) -> list[int]:
        """Return so many times from the start to the end, evenly."""
        return [self.start + (self.end - self.start) * number // (labels - 1) for number in range(labels)]


def scale(chart: Gantt, cells: int) -> Scale:
    """Return the scale from the first start to the last end of a chart."""
    bars = [bar for _, row in chart.rows for bar in row]
    start = min((bar.start for bar in bars), default=0)
    return Scale(start, max((bar.end for bar in bars), default=start + 1), cells)


def folded(chart: Gantt) -> list[tuple[str, tuple[Bar, ...]]]:
    """Return the rows that something takes, and all others as one."""
    idle = [name for name, bars in chart.rows if not bars]
    busy = [(name, bars) for name, bars in chart.rows if bars]
    return [*busy, (node_set(idle), ())] if idle else busy


def gantt_lines(chart: Gantt, style: Style, room: int) -> list[str]:
    """Return the chart in lines of at most `room` cells: title, axis, rows. Nothing where it has no room."""
    rows = [(printable(name, style.unicode), bars) for name, bars in folded(chart)]
    label = min(max((width(name) for name, _ in rows), default=0), _LONGEST_LABEL, room // 3)
    cells = room - label - 1
    if cells < _FEWEST_CELLS or not any(bars for _, bars in rows):
        return []
    axis = scale(chart, cells)
    signs = _UNICODE if style.unicode else _ASCII
    now = None if chart.now is None or not axis.start <= chart.now < axis.end else axis.at(chart.now)
    title = chart.title if now is None else f"{chart.title} ({signs.now} now)"
    head = [paint(line, "bold", style.color) for line in wrap(printable(title, style.unicode), room)]
    times = " " * (label + 1) + _axis(chart, axis, style.unicode)
    lines = [
        f"{pad(cut(name, label, style.unicode), label)} {_row(bars, axis, now, signs, style)}".rstrip()
        for name, bars in rows
    ]
    return [*head, paint(times.rstrip(), "dim", style.color), *lines]


def _axis(chart: Gantt, axis: Scale, unicode: bool) -> str:
    """Return times above their positions, the last one at the right edge."""
    line = ""
    for at, text in axis_labels(axis, chart, max(2, axis.cells // _PER_LABEL), width, unicode):
        line = pad(line, at) + text
    return cut(line, axis.cells, unicode)


def axis_labels(
    axis: Scale, chart: Gantt, most: int, size: Callable[[str], int], unicode: bool = True
) -> list[tuple[int, str]]:
    """Return where times are told and what: none twice, and none that touches another.

    `size`: how much of the axis a text takes. The last one ends where the axis does, and comes before
    those in between. An axis of one unit has no known end: it tells its beginning alone.
    """
    times = axis.times(most)
    texts = [show(time, chart.unit, unicode, chart.zone) for time in times]
    found, gap = [(0, texts[0])], size("  ")
    edge = axis.cells - size(texts[-1])
    last = axis.end - axis.start > 1 and texts[-1] != texts[0] and edge >= size(texts[0]) + gap
    for time, text in zip(times[1:-1], texts[1:-1], strict=True):
        at, (before, told) = axis.at(time), found[-1]
        room = (edge - gap if last else axis.cells) - size(text)
        if text not in (told, texts[-1]) and before + size(told) + gap <= at <= room:
            found.append((at, text))
    return [*found, (edge, texts[-1])] if last else found


def _row(bars: Sequence[Bar], axis: Scale, now: int | None, signs: _Signs, style: Style) -> str:
    """Return one row: bars of at least a cell each, those that find no cell left out."""
    text, filled = "", 0
    for start, end, bar in _placed(bars, axis):
        text += _idle(filled, start, now, signs) + paint(
            _bar(bar, end - start, signs, style.unicode), "l3", style.color
        )
        filled = end
    return text + _idle(filled, axis.cells, now, signs)


def _placed(bars: Sequence[Bar], axis: Scale) -> Iterator[tuple[int, int, Bar]]:
    """Yield the bars with their first cell and the one after their last."""
    filled = 0
    for bar in bars:
        start = max(filled, min(axis.at(bar.start), axis.cells - 1))
        end = min(axis.cells, max(start + 1, axis.at(bar.end)))
        if start < end:
            yield start, end, bar
            filled = end


def _idle(start: int, end: int, now: int | None, signs: _Signs) -> str:
    """Return blanks from a cell up to another, the present marked."""
    blanks = " " * (end - start)
    if now is None or not start <= now < end:
        return blanks
    return blanks[: now - start] + signs.now + blanks[now - start + 1 :]


def _bar(bar: Bar, cells: int, signs: _Signs, unicode: bool) -> str:
    """Return one bar with as much of its word as fits."""
    if cells == 1:
        return signs.short
    inner = cells - 2
    word = cut(printable(bar.word, unicode), inner, unicode)
    return signs.left + word + signs.line * (inner - width(word)) + signs.right
