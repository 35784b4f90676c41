"""A report as one HTML file: no network, no scripts but its own, readable in light, dark and on paper."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, TextIO

from dcctl.render.assets import SCRIPT, STYLE
from dcctl.render.fold import lines
from dcctl.render.gantt_svg import gantt_html
from dcctl.render.gaps import gap_parts
from dcctl.render.paint import tone_of
from dcctl.render.svg import map_html, safe
from dcctl.render.tree import tree_html
from dcctl.render.units import LEFT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.render.fold import Line
    from dcctl.render.report import Column, Note, Report, Table

_LONG = 40
"""Characters above which a cell may break."""


def as_html(report: Report, out: TextIO, unicode: bool = True) -> None:
    """Write the page. Every text of the report is escaped; a policy in the page forbids all other scripts."""
    for part in _page(report):
        out.write(part if unicode else part.encode("ascii", "xmlcharrefreplace").decode("ascii"))


def _page(report: Report) -> Iterator[str]:
    """Yield the page from top to bottom."""
    title = safe(report.headline)
    policy = f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'; base-uri 'none'"
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    for table in (report.items, *report.details):
        yield from _table(table)
    for chart in report.gantts:
        yield from gantt_html(chart)
    if report.plots:
        from dcctl.render.plot_svg import plot_html

        for plot in report.plots:
            yield from plot_html(plot)
    for tree in report.trees:
        yield from tree_html(tree)
    for picture in report.maps:
        yield from map_html(picture)
    yield from _list(report)
    for text in report.documents:
        yield f"<pre>{'<br>'.join(map(safe, text.splitlines()))}</pre>\n"
    yield f"<footer>dcctl {safe(report.kind)}</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"


def _hash(text: str) -> str:
    """Return the source expression that lets exactly this inline text run (CSP level 2)."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _table(table: Table) -> Iterator[str]:
    """Yield one table, folded as on a terminal; nothing when it has no rows."""
    if not table.rows:
        return
    heading = f"<h2>{safe(table.title)}</h2>\n" if table.title else ""
    yield f'<section>{heading}<div class="scroll"><table>\n<thead><tr>'
    for column in table.columns:
        side = "" if column.unit in LEFT else ' class="n"'
        yield f'<th scope="col"{side}><button type="button">{safe(column.title)}</button></th>'
    yield "</tr></thead>\n<tbody>\n"
    raw = _raw_values(table)
    for line in lines(table, unicode=True):
        yield f"<tr>{''.join(_cells(table, line, raw))}</tr>\n"
    yield "</tbody></table></div>\n"
    if table.total is not None and table.total > len(table.rows):
        yield f"<p>… {table.total - len(table.rows):,} more</p>\n"
    yield "</section>\n"


def _raw_values(table: Table) -> list[dict[str, str | None]]:
    """Return, for each column, the value that a shown text is sorted by: the number it stands for."""
    found: list[dict[str, str | None]] = []
    for index, shown in enumerate(zip(*lines(_unfolded(table), unicode=True), strict=True)):
        cells = (row[index] for row in table.rows)
        pairs = zip(shown, cells, strict=True)
        words = table.columns[index].order
        found.append({text: None if cell is None else _sortable(cell, text, words) for text, cell in pairs})
    return found


def _unfolded(table: Table) -> Table:
    """Return the table with a line for each row."""
    from msgspec.structs import replace

    return replace(table, fold=False)


def _sortable(cell: object, text: str, words: tuple[str, ...]) -> str:
    """Return a number as digits, a word as its place among `words`, anything else as it is shown."""
    if cell in words:
        return str(words.index(str(cell)))
    return str(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else text


def _cells(table: Table, line: Line, raw: list[dict[str, str | None]]) -> Iterator[str]:
    """Yield the cells of one row."""
    for column, text, values in zip(table.columns, line, raw, strict=True):
        value = values.get(text, text)
        sort = "" if value is None else f' data-v="{safe(value)}"'
        yield f"<td{_classes(column, text)}{sort}>{safe(text)}</td>"


def _classes(column: Column, text: str) -> str:
    """Return the class attribute of a cell."""
    names = [] if column.unit in LEFT else ["n"]
    if column.unit == "state" and tone_of(text) != "plain":
        names.append(tone_of(text))
    if len(text) > _LONG:
        names.append("long")
    return f' class="{" ".join(names)}"' if names else ""


def _list(report: Report) -> Iterator[str]:
    """Yield notes and gaps."""
    if report.notes or report.gaps:
        yield f"<ul>\n{''.join(map(_note, report.notes))}"
        yield from (_gap(text, hint) for text, hint in gap_parts(report, unicode=True, most=None))
        yield "</ul>\n"


def _note(note: Note) -> str:
    """Return one note."""
    label = f'<b class="{note.severity}">{safe(note.label)}:</b> ' if note.label else ""
    command = f" <code>{safe(note.command)}</code>" if note.command else ""
    return f"<li>{label}{safe(note.text)}{command}</li>\n"


def _gap(text: str, hint: str) -> str:
    """Return what gave no answer."""
    command = f". Try: <code>{safe(hint)}</code>" if hint else ""
    return f'<li><b class="warn">gap:</b>{safe(text.removeprefix("gap:"))}{command}</li>\n'
