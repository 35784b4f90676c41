"""A plot as SVG: the same lines, axis and names as on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.render.plot import columns, times
from dcctl.render.svg import CHARACTER, safe
from dcctl.render.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.render.plot import Cell
    from dcctl.render.report import Line, Plot

_ACROSS, _DOWN = 900, 200
"""Pixels of the plot."""
_BELOW = 20
_LABELS = 6


def plot_html(plot: Plot) -> Iterator[str]:
    """Yield the plot: title, lines, axes, and the name of each line in its colour."""
    if not plot.steps:
        return
    labels = [show(plot.top * part / 4, plot.unit) for part in range(5)]
    left = round(max(map(len, labels)) * CHARACTER) + 8
    across, down = left + _ACROSS + 8, _DOWN + 2 * _BELOW
    yield f'<section><h2>{safe(plot.title)}</h2>\n<div class="scroll">'
    yield f'<svg role="img" aria-label="{safe(plot.title)}" width="{across}" height="{down}" '
    yield f'viewBox="0 0 {across} {down}">\n'
    for part, text in enumerate(labels):
        height = 6 + (4 - part) * (_DOWN - 6) // 4
        yield f'<line class="grid" x1="{left}" x2="{left + _ACROSS}" y1="{height}" y2="{height}"/>'
        yield f'<text x="0" y="{height + 4}">{safe(text)}</text>\n'
    for number, time_s in enumerate(times(plot, _LABELS)):
        text = safe(show(time_s, "time_s")[: len("2000-01-01")])
        shift = round(len(text) * CHARACTER) * number // (_LABELS - 1)
        yield f'<text x="{left + number * _ACROSS // (_LABELS - 1) - shift}" y="{_DOWN + 16}">{text}</text>\n'
    for line in plot.lines:
        yield from _line(line, plot, left)
    yield from _key(plot, left)
    yield "</svg></div></section>\n"


def _line(line: Line, plot: Plot, left: int) -> Iterator[str]:
    """Yield a line, broken where nothing is known; hovering tells its name."""
    cells = min(plot.steps, _ACROSS)
    piece: list[str] = []
    for column, cell in enumerate([*columns(line, plot.steps, cells), None]):
        if cell is not None:
            piece += _points(cell, plot.top, left + column * _ACROSS // max(1, cells - 1))
        elif piece:
            shape = f'<polyline class="p-{line.kind}" points="{" ".join(piece)}"/>'
            yield f"<g><title>{safe(line.name)}</title>{shape}</g>\n"
            piece = []


def _points(cell: Cell, top: float, x: int) -> list[str]:
    ends = [cell.low] if cell.low == cell.high else [cell.low, cell.high]
    return [f"{x},{round(6 + (1 - max(0.0, end) / top) * (_DOWN - 6))}" for end in ends]


def _key(plot: Plot, left: int) -> Iterator[str]:
    for line in plot.lines:
        yield f'<polyline class="p-{line.kind}" points="{left},{_DOWN + 32} {left + 18},{_DOWN + 32}"/>'
        yield f'<text x="{left + 22}" y="{_DOWN + 36}">{safe(line.name)}</text>\n'
        left += round((len(line.name) + 5) * CHARACTER) + 18
