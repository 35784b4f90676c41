"""Which columns of a table fit a terminal and how wide each is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.render.text import width

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from dcctl.render.fold import Line
    from dcctl.render.report import Column

GUTTER = 2
_CUTTABLE = frozenset({"text", "nodes", "state"})
_FEWEST = 3
"""Fewer columns than this are not a table: the rows are stacked as records instead."""
_ROOMY = 80
"""A terminal of so many cells has room for longer texts."""


class Layout(Struct, frozen=True):
    """Positions of the columns that are shown, left to right, and the cells that each takes."""

    shown: tuple[int, ...]
    widths: tuple[int, ...]
    hidden: tuple[int, ...] = ()
    cut: tuple[int, ...] = ()
    """Positions of columns that are narrower than their widest cell."""


def natural_widths(titles: Sequence[str], lines: Iterable[Line]) -> list[int]:
    """Return the cells that each column needs for its heading and every value."""
    columns = list(zip(*lines, strict=True)) or [()] * len(titles)
    return [
        max(width(title), max(map(width, set(cells)), default=0))
        for title, cells in zip(titles, columns, strict=True)
    ]


def fit(
    columns: Sequence[Column], natural: Sequence[int], room: int, spare: Collection[int] = ()
) -> Layout | None:
    """Return the layout in `room` cells, or None when fewer than three columns of a wider table would remain.

    Where not all of it fits, the columns at `spare` go first, then others by `keep`, the lowest first, until
    the rest fits with its texts cut to their floor; then the widest texts are cut until all of it fits.
    """
    floors = [_floor(column, need, room) for column, need in zip(columns, natural, strict=True)]
    shown = [index for index in range(len(columns)) if index not in spare or total(natural) <= room]
    while total(floors[index] for index in shown) > room and len(shown) > 1:
        shown.remove(min(shown, key=lambda index: (columns[index].keep, -index)))
    if len(shown) < min(_FEWEST, len(columns)) or total(floors[index] for index in shown) > room:
        return None
    widths = _shrunk([natural[i] for i in shown], [floors[i] for i in shown], room)
    hidden = tuple(index for index in range(len(columns)) if index not in shown)
    cut = tuple(i for i, cells in zip(shown, widths, strict=True) if cells < natural[i])
    return Layout(tuple(shown), tuple(widths), hidden, cut)


def whole(columns: Sequence[Column], natural: Sequence[int], room: int) -> Layout:
    """Return the layout with every column, texts narrowed to their floor where `room` asks for it.

    The rows may be wider than `room` all the same: nothing is hidden, and no cell has to be cut, as cells of
    several lines hold all of it.
    """
    floors = [_floor(column, need, _ROOMY) for column, need in zip(columns, natural, strict=True)]
    widths = _shrunk(list(natural), floors, max(room, total(floors)))
    return Layout(tuple(range(len(columns))), tuple(widths))


def alike(columns: Sequence[Column], lines: Sequence[Line]) -> tuple[int, ...]:
    """Return the positions of spare columns that say the same in all of several rows."""
    return tuple(
        index
        for index, column in enumerate(columns)
        if column.spare and len(lines) > 1 and len({line[index] for line in lines}) == 1
    )


def total(widths: Iterable[int]) -> int:
    """Return the cells that columns of these widths take with the gutters between them."""
    each = list(widths)
    return sum(each) + GUTTER * max(0, len(each) - 1)


def _floor(column: Column, need: int, room: int) -> int:
    """Return how narrow a column may become: a number not at all, a text to what still says something."""
    if column.unit not in _CUTTABLE:
        return need
    return min(need, max(width(column.title), 16 if room < _ROOMY else 24))


def _shrunk(widths: list[int], floors: list[int], room: int) -> list[int]:
    """Return the widths with the widest of those above their floor narrowed until all fit."""
    excess = total(widths) - room
    while excess > 0:
        widest = max((i for i in range(len(widths)) if widths[i] > floors[i]), key=lambda i: widths[i])
        rivals = [widths[i] for i in range(len(widths)) if i != widest and widths[i] < widths[widest]]
        step = min(excess, widths[widest] - max(floors[widest], max(rivals, default=0)))
        widths[widest] -= max(step, 1)
        excess -= max(step, 1)
    return widths
