"""A report on a terminal: the headline, the tables, the pictures, what to do, and what is missing."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, TextIO

from msgspec.structs import replace

from dcctl.render.fold import Line, lines
from dcctl.render.gaps import gap_parts, most_shown
from dcctl.render.layout import GUTTER, Layout, alike, fit, natural_widths, whole
from dcctl.render.paint import Tone, paint, tone_of
from dcctl.render.text import cut, pad, printable, width, wrap, wrap_parts
from dcctl.render.units import LEFT, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.render.report import Column, Note, Report, Severity, Table
    from dcctl.render.style import Style

NARROWEST = 20
"""A terminal that says it is narrower is taken for this wide."""
EVIDENCE_ROWS = 3
"""Rows below a note."""
_INDENT = "  "
_TONES: dict[Severity, Tone] = {"ok": "ok", "info": "bold", "warn": "warn", "crit": "crit"}


def as_table(report: Report, style: Style, out: TextIO) -> None:
    """Write the report for a person at a terminal of `style.width` cells; `wide` cuts and hides nothing."""
    if report.documents:
        out.writelines(_document(text, style) for text in report.documents)
        return
    blocks = [block for block in _blocks(report, style) if block]
    out.write("\n\n".join("\n".join(block) for block in blocks) + "\n")


def _document(text: str, style: Style) -> str:
    """Return a document line by line as it is, but harmless to the terminal that shows it."""
    clean = (printable(line, style.unicode).replace("\\t", "\t") for line in text.split("\n"))
    return "\n".join(clean)


def _blocks(report: Report, style: Style) -> Iterator[list[str]]:
    """Yield the parts of the screen from the top down; a blank line stands between them."""
    room = max(style.width, NARROWEST)
    unseen: list[str] = []
    headline = printable(report.headline, style.unicode)
    yield [paint(line, "bold", style.color) for line in wrap_parts(headline, room)]
    yield table_lines(report.items, style, room, unseen)
    for table in report.details if style.output == "wide" else ():
        yield table_lines(table, style, room, unseen)
    if report.gantts:
        from dcctl.render.gantt import gantt_lines

        for chart in report.gantts:
            yield gantt_lines(chart, style, room)
    if report.plots:
        from dcctl.render.plot import plot_lines

        for plot in report.plots:
            yield plot_lines(plot, style, room)
    if report.trees:
        from dcctl.render.tree import tree_lines

        for tree in report.trees:
            yield tree_lines(tree, style, room)
    notes = [line for note in report.notes for line in _told(report, note, style, room)]
    yield [*notes, *_gaps(report, style, room), *_unseen(unseen, style, room)]
    if report.maps:
        from dcctl.render.heatmap import map_lines

        for picture in report.maps:
            yield map_lines(picture, style, room)


def table_lines(table: Table, style: Style, room: int, unseen: list[str]) -> list[str]:
    """Return one table as lines; what is hidden or cut for want of room is appended to `unseen`."""
    title = [paint(line, "bold", style.color) for line in wrap(printable(table.title, style.unicode), room)]
    head = title if table.title else []
    if not table.rows:
        return []
    indent = "  " if table.title else ""
    tail = table.tail if style.output != "wide" else 0
    if tail == len(table.rows):
        return _more(table, tail, style, indent)
    table = replace(table, rows=table.rows[: len(table.rows) - tail])
    layout, body = _laid_out(table, style, room - len(indent))
    if layout is None:
        return [*head, *(indent + line for line in _stacked(table, body, style, room - len(indent)))]
    shown = body[: table.head or None] if style.output != "wide" else body
    unseen.extend(_hidden(table, index, style) for index in layout.hidden)
    unseen.extend(f"{table.columns[index].title} (cut)" for index in layout.cut)
    grid = _grid([table.columns[index] for index in layout.shown], layout, shown, style)
    more = _more(table, len(body) - len(shown) + tail, style, indent)
    return [*head, *(indent + line for line in grid), *more]


def _hidden(table: Table, index: int, style: Style) -> str:
    """Return the heading of a column that is not shown, and the word that would stand in all of its rows."""
    column = table.columns[index]
    cells = {row[index] for row in table.rows}
    if not column.spare or len(cells) > 1:
        return column.title
    return f"{column.title} (all {show(cells.pop(), column.unit, style.unicode)})"


def _laid_out(table: Table, style: Style, room: int) -> tuple[Layout | None, list[Line]]:
    """Return the layout and the text of its columns, or None and the text of all when only records fit."""
    titles = [printable(column.title, style.unicode) for column in table.columns]
    body = lines(table, style.unicode)
    natural = natural_widths(titles, body)
    everything = tuple(range(len(table.columns)))
    if style.output == "wide":
        return whole(table.columns, natural, room), body
    layout = fit(table.columns, natural, room, alike(table.columns, body))
    if layout is None or layout.shown == everything:
        return layout, body
    body = lines(table, style.unicode, layout.shown)  # fewer columns: more rows read the same
    return _widened(table, layout, body, titles, room), body


def _widened(table: Table, layout: Layout, body: list[Line], titles: list[str], room: int) -> Layout:
    """Return `layout` for the rows as they folded: a longer node set, fewer different texts."""
    columns = [table.columns[index] for index in layout.shown]
    again = fit(columns, natural_widths([titles[index] for index in layout.shown], body), room)
    if again is None or again.hidden:
        return layout
    cut_columns = tuple(layout.shown[index] for index in again.cut)
    return Layout(layout.shown, again.widths, layout.hidden, cut_columns)


def _grid(columns: Sequence[Column], layout: Layout, body: Sequence[Line], style: Style) -> Iterator[str]:
    """Yield the heading and the rows, cells padded to their columns."""
    titles = tuple(printable(column.title, style.unicode) for column in columns)
    yield paint(_row(titles, columns, layout, style, heading=True), "dim", style.color)
    for line in body:
        for part in _parts(line, layout) if style.output == "wide" else (line,):
            yield _row(part, columns, layout, style)


def _parts(line: Line, layout: Layout) -> Iterator[Line]:
    """Yield a row as lines, so that no cell is cut."""
    pairs = zip(line, layout.widths, strict=True)
    cells = ([text] if width(text) <= cells else wrap(text, cells, "") for text, cells in pairs)
    yield from zip_longest(*cells, fillvalue="")


def _row(line: Line, columns: Sequence[Column], layout: Layout, style: Style, heading: bool = False) -> str:
    """Return one row without blanks at its end."""
    cells = []
    for text, column, cells_wide in zip(line, columns, layout.widths, strict=True):
        short = cut(text, cells_wide, style.unicode)
        padded = pad(short, cells_wide, right=column.unit not in LEFT)
        if column.unit == "state" and not heading:
            padded = padded.replace(short, paint(short, tone_of(text), style.color), 1)
        cells.append(padded)
    return (" " * GUTTER).join(cells).rstrip()


def _stacked(table: Table, body: Sequence[Line], style: Style, room: int) -> Iterator[str]:
    """Yield each row as `HEADING: value` lines with a blank line between rows: readable at any width."""
    titles = [printable(column.title, style.unicode) for column in table.columns]
    for number, line in enumerate(body):
        if number:
            yield ""
        for title, text, column in zip(titles, line, table.columns, strict=True):
            first, *rest = wrap(f"{title}: {text}", room)
            if column.unit == "state" and not rest and width(text) and first.endswith(text):
                first = first[: -len(text)] + paint(text, tone_of(text), style.color)
            yield from (first, *rest)


def _more(table: Table, left: int, style: Style, indent: str) -> list[str]:
    """Return how many rows are left out: by the command, which showed the head of them alone, or here."""
    mark = "…" if style.unicode else "..."
    if left:
        return [f"{indent}{mark} {left:,} more: -o wide"]
    if table.total is None or table.total <= len(table.rows):
        return []
    return [f"{indent}{mark} {table.total - len(table.rows):,} more"]


def _note(note: Note, style: Style, room: int) -> list[str]:
    """Return `label: text: command`, wrapped, with the label in the colour of its severity."""
    label, text, command = (printable(part, style.unicode) for part in (note.label, note.text, note.command))
    sentence = ": ".join(part for part in (label, text.rstrip(".") if command else text) if part)
    first, *rest = _with_command(sentence, ": " if sentence else "", command, room)
    if label and first.startswith(f"{label}:"):
        first = paint(f"{label}:", _TONES[note.severity], style.color) + first[len(label) + 1 :]
    return [first, *rest]


def _told(report: Report, note: Note, style: Style, room: int) -> list[str]:
    """Return a note and the evidence below it."""
    return [*_note(note, style, room), *_evidence(report, note, style, room)]


def _evidence(report: Report, note: Note, style: Style, room: int) -> list[str]:
    """Return the head of the table that a note points to, without its heading; `wide` shows it whole."""
    table = next((table for table in report.details if table.name == note.detail), None)
    if table is None or style.output == "wide":
        return []
    head = replace(table, rows=table.rows[:EVIDENCE_ROWS])
    layout, body = _laid_out(head, style, room - len(_INDENT))
    if layout is None:
        return []
    _, *rows = _grid([table.columns[index] for index in layout.shown], layout, body, style)
    more = len(table.rows) - len(rows)
    mark = "…" if style.unicode else "..."
    return [*(_INDENT + row for row in rows), *([f"{_INDENT}{mark} {more:,} more: -o wide"] if more else [])]


def _with_command(sentence: str, between: str, command: str, room: int) -> list[str]:
    """Return a sentence and its command in one line; if that is too long, the command below, to be copied."""
    whole = f"{sentence}{between}{command}" if command else sentence
    if not command or width(whole) <= room:
        return wrap(whole, room)
    below = wrap(f"  {between.lstrip('.: ')}{command}", room, "    ")
    return [*wrap(sentence, room), *below] if sentence else below


def _gaps(report: Report, style: Style, room: int) -> Iterator[str]:
    """Yield what gave no answer, the word `gap` coloured."""
    for text, hint in gap_parts(report, style.unicode, most_shown(style)):
        first, *rest = _with_command(text, ". Try: ", hint, room)
        yield first.replace("gap:", paint("gap:", "warn", style.color), 1)
        yield from rest


def _unseen(titles: Sequence[str], style: Style, room: int) -> list[str]:
    """Return the last line: what did not fit, and how to see it."""
    if not titles:
        return []
    text = f"no room for: {', '.join(dict.fromkeys(titles))}. Try: -o wide, or --columns"
    return [paint(line, "dim", style.color) for line in wrap(printable(text, style.unicode), room)]
