"""Which columns of a table are shown and in which order its rows stand: `--columns` and `--sort`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.render.text import natural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.render.report import Cell, Row, Table


def unknown_word(what: str, word: str, known: Sequence[str]) -> UsageError:
    """Return the error for a word that is not one of `known`: it names them all and the nearest one."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return UsageError(f"no {what} {word!r}", f"{meant}there are {', '.join(known)}")


def position(table: Table, word: str) -> int:
    """Return the position of the column whose key, or else heading, is `word`. UsageError if none is."""
    lower = word.casefold()
    for index, column in enumerate(table.columns):
        if word == column.key:
            return index
    for index, column in enumerate(table.columns):
        if lower in (column.key.casefold(), column.title.casefold()):
            return index
    if not table.columns:
        raise UsageError(f"no column {word!r}", "this is a document and has none")
    raise unknown_word("column", word, list(dict.fromkeys(column.key for column in table.columns)))


def pick(table: Table, words: Sequence[str]) -> Table:
    """Return `table` with the named columns alone, in the order named; none of them is wide any more."""
    chosen = [position(table, word.strip()) for word in words if word.strip()]
    if not chosen:
        raise UsageError("no column is named", f"there are {', '.join(c.key for c in table.columns)}")
    chosen = list(dict.fromkeys(chosen))
    columns = tuple(replace(table.columns[index], wide=False, keep=9, spare=False) for index in chosen)
    return replace(table, columns=columns, rows=tuple(tuple(row[i] for i in chosen) for row in table.rows))


def narrow(table: Table) -> Table:
    """Return `table` without the columns that only `-o wide` shows; as it is when all of them are."""
    shown = [index for index, column in enumerate(table.columns) if not column.wide]
    if len(shown) in (0, len(table.columns)):
        return table
    columns = tuple(table.columns[index] for index in shown)
    return replace(table, columns=columns, rows=tuple(tuple(row[i] for i in shown) for row in table.rows))


def order(table: Table, sort: str) -> Table:
    """Return `table` ordered by `sort`: `key`, `-key` or `key:desc`, several with commas; unknown is last.

    Text stands in natural order (gpu9 before gpu10), words of a column with an order in that one. Rows that
    are equal keep the order they came in.
    """
    rows = list(table.rows)
    for word in reversed([part.strip() for part in sort.split(",") if part.strip()]):
        rows = _by(table, rows, word)
    return replace(table, rows=tuple(rows), tail=0)


def _by(table: Table, rows: list[Row], word: str) -> list[Row]:
    """Return `rows` ordered by one sort word."""
    key, _, direction = word.partition(":")
    if direction not in ("", "asc", "desc"):
        raise unknown_word("direction", direction, ["asc", "desc"])
    down = direction == "desc" or (key.startswith("-") and not direction)
    index = position(table, key.removeprefix("-"))
    known = [row for row in rows if not _is_unknown(row[index])]
    last = [row for row in rows if _is_unknown(row[index])]
    words = table.columns[index].order
    return sorted(known, key=lambda row: _rank(row[index], words), reverse=down) + last


def _is_unknown(cell: Cell) -> bool:
    """Whether nothing is known of a cell."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _rank(cell: Cell, words: Sequence[str] = ()) -> tuple[int, float, tuple[tuple[int, int, str], ...]]:
    """Return a key that orders numbers by size and words, these as `words` are or in natural order."""
    if isinstance(cell, int | float):
        return (0, cell, ())
    if isinstance(cell, str) and cell in words:
        return (1, words.index(cell), ())
    return (2, 0, natural(" ".join(cell) if isinstance(cell, tuple) else cell or ""))
