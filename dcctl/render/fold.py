"""The cells of a table as text, with rows that read the same folded into one: `gpu[001-126]  8  ready`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.things import brief, kind_of
from dcctl.render.text import printable
from dcctl.render.units import near, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.render.report import Cell, Column, Row, Table

Line = tuple[str, ...]


def lines(table: Table, unicode: bool, shown: Sequence[int] | None = None) -> list[Line]:
    """Return the rows of `table` as text: the columns `shown` alone, or all.

    Rows that read the same in all of these but the node names become one, where the first of them stood; of
    things that are no nodes, those of one kind. No node is lost. A table whose `fold` is off keeps its rows.
    """
    columns = range(len(table.columns)) if shown is None else shown
    texts = [_column(table.rows, index, table.columns[index], unicode) for index in columns]
    nodes = next((at for at, index in enumerate(columns) if table.columns[index].unit == "nodes"), None)
    ready = list(zip(*texts, strict=True)) if texts else []
    if nodes is None or not table.fold:
        return ready
    names = [_names(row[columns[nodes]]) for row in table.rows]
    return _folded(ready, names, nodes, unicode)


def _column(rows: Sequence[Row], index: int, column: Column, unicode: bool) -> list[str]:
    """Return one column as text. Values repeat in a fleet, so each is worded once."""
    known: dict[tuple[type, Cell], str] = {}
    texts: list[str] = []
    for row in rows:
        cell = row[index]
        key = (type(cell), cell)
        text = known.get(key)
        if text is None:
            text = known[key] = _text(cell, column, unicode)
        texts.append(text)
    return texts


def _text(cell: Cell, column: Column, unicode: bool) -> str:
    """Return one cell as text."""
    if column.unit == "nodes" and isinstance(cell, tuple) and cell:
        return _brief(cell, unicode)
    if column.since_s is not None and isinstance(cell, int):
        return near(cell, column.since_s, column.zone)
    return show(cell, column.unit, unicode, column.zone)


def _names(cell: Cell) -> tuple[str, ...] | None:
    """Return the node names in a cell; None when they are unknown."""
    if cell is None:
        return None
    return cell if isinstance(cell, tuple) else (str(cell),)


def _folded(
    ready: Iterable[Line], names: Iterable[tuple[str, ...] | None], nodes: int, unicode: bool
) -> list[Line]:
    """Return the lines with equal ones joined."""
    groups: dict[tuple[str | None, Line], list[str]] = {}
    first: dict[tuple[str | None, Line], Line] = {}
    count: dict[tuple[str | None, Line], int] = {}
    for line, known in zip(ready, names, strict=True):
        kind = None if known is None else kind_of(known[0]) if known else ""
        key = (kind, (*line[:nodes], *line[nodes + 1 :]))
        groups.setdefault(key, []).extend(known or ())
        first.setdefault(key, line)
        count[key] = count.get(key, 0) + 1
    return [
        line if count[key] == 1 or key[0] is None else _with(line, nodes, _brief(groups[key], unicode))
        for key, line in first.items()
    ]


def _brief(names: Iterable[str], unicode: bool) -> str:
    return printable(brief(names), unicode)


def _with(line: Line, at: int, text: str) -> Line:
    """Return `line` with `text` in place of one cell."""
    return (*line[:at], text, *line[at + 1 :])
