"""A Gantt chart as SVG: the same rows, bars and words as on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.render.gantt import axis_labels, folded, scale
from dcctl.render.svg import CHARACTER, safe
from dcctl.render.text import visible, width
from dcctl.render.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.render.gantt import Scale
    from dcctl.render.report import Bar, Gantt

_ACROSS = 900
"""Pixels of the axis."""
_DOWN = 20
"""Pixels from one row to the next."""
_LABELS = 5
_NARROWEST = 3
"""Pixels of a bar at least, so that it can be seen."""


def gantt_html(chart: Gantt) -> Iterator[str]:
    """Yield the chart: title, axis, rows; hovering over a bar tells its times."""
    rows = folded(chart)
    if not any(bars for _, bars in rows):
        return
    axis = scale(chart, _ACROSS)
    left = round(max(width(visible(name)) for name, _ in rows) * CHARACTER) + 8
    across, down = left + _ACROSS + 8, _DOWN * (len(rows) + 1)
    yield f'<section><h2>{safe(chart.title or chart.name)}</h2>\n<div class="scroll">'
    yield f'<svg role="img" aria-label="{safe(chart.title)}" width="{across}" height="{down}" '
    yield f'viewBox="0 0 {across} {down}">\n'
    yield from _axis(axis, chart, left)
    for number, (name, bars) in enumerate(rows, 1):
        yield from _row(name, bars, axis, chart, (left, number * _DOWN))
    if chart.now is not None and axis.start <= chart.now < axis.end:
        mark = f'x="{left + axis.at(chart.now)}" y="{_DOWN}" width="1" height="{down}"'
        yield f'<g><title>now</title><rect class="s-fault" {mark}/></g>\n'
    yield "</svg></div></section>\n"


def _axis(axis: Scale, chart: Gantt, left: int) -> Iterator[str]:
    """Yield the times above the rows."""
    for at, text in axis_labels(axis, chart, _LABELS, lambda text: round(width(text) * CHARACTER)):
        yield f'<text x="{left + at}" y="{_DOWN - 6}">{safe(text)}</text>\n'


def _row(name: str, bars: Sequence[Bar], axis: Scale, chart: Gantt, corner: tuple[int, int]) -> Iterator[str]:
    """Yield a row's name and bars; `corner` is where its time begins."""
    left, top = corner
    yield f'<text x="0" y="{top + 13}">{safe(name)}</text>\n'
    for bar in bars:
        start = left + min(axis.at(bar.start), axis.cells - _NARROWEST)
        wide = max(_NARROWEST, left + axis.at(bar.end) - start - 1)
        since, until = (show(time, chart.unit, zone=chart.zone) for time in (bar.start, bar.end))
        told = f"{bar.word} on {name}: {since} to {until}"
        rect = f'<rect class="s-l2" x="{start}" y="{top + 1}" width="{wide}" height="{_DOWN - 4}" rx="2"/>'
        fits = width(visible(bar.word)) * CHARACTER + 6 <= wide
        word = f'<text x="{start + 4}" y="{top + 13}">{safe(bar.word)}</text>' if fits else ""
        yield f"<g><title>{safe(told)}</title>{rect}{word}</g>\n"
