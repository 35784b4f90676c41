"""A picture of the fleet on a terminal: a row per node, a glyph per accelerator, racks side by side."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.render.nodes import node_set
from dcctl.render.paint import Tone, paint
from dcctl.render.text import cut, pad, printable, width, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.render.report import HeatMap, Tile
    from dcctl.render.style import Style

MOST_LINES = 16
"""Lines of a picture that nobody asked for; a taller one is only named."""
_LOOKED_AT = 200
"""Rows of a single group that are compared before all are drawn."""
_BETWEEN = 3
_LONGEST_LABEL = 24


class Glyph(Struct, frozen=True):
    """One kind of square: its sign in Unicode and in ASCII, its tone, its meaning in the legend."""

    key: str
    sign: str
    ascii: str
    tone: Tone
    meaning: str


_SPECIAL = {
    "idle": Glyph("idle", "○", "o", "warn", "idle"),
    "allocated": Glyph("allocated", "■", "H", "l3", "held, not measured"),
    "stranded": Glyph("stranded", "◌", "s", "warn", "stranded"),
    "unavailable": Glyph("unavailable", "×", "x", "unknown", "out of service"),
    "free": Glyph("free", "·", ".", "dim", "free"),
    "fault": Glyph("fault", "✗", "X", "crit", "fault"),
    "unknown": Glyph("unknown", "?", "?", "unknown", "unknown"),
}
_SYNONYMS = {"failed": "fault", "faulty": "fault", "error": "fault", "down": "fault", "sick": "fault"}
_LEVELS = (
    Glyph("l1", "░", "-", "l1", "under 25 %"),
    Glyph("l2", "▒", "+", "l2", "under 50 %"),
    Glyph("l3", "▓", "*", "l3", "under 75 %"),
    Glyph("l4", "█", "#", "l4", "75 % and more"),
)
GLYPHS = (*_LEVELS, *_SPECIAL.values())
"""In the order of the legend."""

Block = tuple[str, list[tuple[str, "tuple[Tile, ...]"]]]
"""(heading, [(node names, tiles)])."""


def glyph(tile: Tile) -> Glyph:
    """Return the glyph of a tile: of its word if that has one, else of its level; unknown if it has none."""
    word = tile.word.casefold()
    special = _SPECIAL.get(_SYNONYMS.get(word, word))
    if special is not None:
        return special
    if tile.level_milli is None:
        return _SPECIAL["unknown"]
    return _LEVELS[min(max(tile.level_milli, 0) // 250, 3)]


def blocks(picture: HeatMap, fold: bool = True) -> list[Block]:
    """Return the rows under their group headings; rows of a group that look the same become one.

    Rows that no group counts stand in a last one without a heading: none is lost.
    """
    found: list[Block] = []
    start = 0
    for heading, number in (*picture.groups, ("", len(picture.rows))):
        rows = picture.rows[start : start + max(number, 0)]
        start += len(rows)
        if rows:
            found.append((heading, _folded(rows) if fold else list(rows)))
    return found


def _folded(rows: Sequence[tuple[str, tuple[Tile, ...]]]) -> list[tuple[str, tuple[Tile, ...]]]:
    """Return the rows with those of the same glyphs joined where the first stood."""
    same: dict[tuple[str, ...], list[str]] = {}
    first: dict[tuple[str, ...], tuple[Tile, ...]] = {}
    for name, tiles in rows:
        key = tuple(glyph(tile).key for tile in tiles)
        same.setdefault(key, []).append(name)
        first.setdefault(key, tiles)
    return [(node_set(names), first[key]) for key, names in same.items()]


def map_lines(picture: HeatMap, style: Style, room: int) -> list[str]:
    """Return the picture in lines of at most `room` cells: title, legend, blocks.

    One of more than MOST_LINES that names a command to ask for it is not drawn: the command is told instead.
    """
    if picture.command and style.output != "wide" and _surely_too_tall(picture, room):
        return _named_only(picture, style, room)
    found = blocks(picture)
    lines = [*_title(picture, style, room), *_legend(found, style, room), *_grid(found, style, room)]
    if len(lines) > MOST_LINES and picture.command and style.output != "wide":
        return _named_only(picture, style, room)
    return lines


def _named_only(picture: HeatMap, style: Style, room: int) -> list[str]:
    """Return how to ask for the picture."""
    text = printable(f"map of {len(picture.rows):,} nodes: {picture.command}", style.unicode)
    return wrap(text, room)


def _surely_too_tall(picture: HeatMap, room: int) -> bool:
    """Tell a picture of more than MOST_LINES without drawing it; False: it may be, or may not.

    A group is a heading and a row at least, and so many stand side by side at most; and rows of one group
    that look different stand below each other.
    """
    groups = [(heading, number) for heading, number in picture.groups if number > 0]
    across = (room + _BETWEEN) // (len("n ░") + _BETWEEN)
    if 2 * sum(1 for heading, _ in groups if heading) > across * MOST_LINES:
        return True
    return not groups[1:] and len(_folded(picture.rows[:_LOOKED_AT])) > MOST_LINES


def _title(picture: HeatMap, style: Style, room: int) -> list[str]:
    """Return the title, or nothing."""
    text = printable(picture.title, style.unicode)
    return [paint(line, "bold", style.color) for line in wrap(text, room)] if text else []


def _legend(found: Sequence[Block], style: Style, room: int) -> list[str]:
    """Return what the glyphs in the picture mean; those that are not in it are left out."""
    used = {glyph(tile).key for _, rows in found for _, tiles in rows for tile in tiles}
    lines: list[str] = []
    line, filled = "", 0
    for each in (each for each in GLYPHS if each.key in used):
        sign = each.sign if style.unicode else each.ascii
        plain = f"{sign} {each.meaning}"
        text = f"{paint(sign, each.tone, style.color)} {each.meaning}"
        if line and filled + 2 + len(plain) > room:
            lines.append(line)
            line, filled = "", 0
        line = f"{line}  {text}" if line else text
        filled += len(plain) + (2 if filled else 0)
    return [*lines, line] if line else lines


def _grid(found: Sequence[Block], style: Style, room: int) -> list[str]:
    """Return the blocks side by side, as many in a row as fit."""
    longest = max((width(printable(name, style.unicode)) for _, rows in found for name, _ in rows), default=0)
    label = longest if style.output == "wide" else min(longest, _LONGEST_LABEL, max(8, room // 2))
    most = max((len(tiles) for _, rows in found for _, tiles in rows), default=0)
    tiles = max(1, min(most, room - label - 1))
    wide = label + 1 + tiles
    across = max(1, (room + _BETWEEN) // (wide + _BETWEEN))
    drawn = [list(_block(block, style, label, tiles)) for block in found]
    lines: list[str] = []
    for start in range(0, len(drawn), across):
        lines.extend(_beside(drawn[start : start + across], wide))
    return lines


def _beside(drawn: Sequence[Sequence[tuple[str, int]]], wide: int) -> Iterator[str]:
    """Yield the lines of several blocks next to each other."""
    for index in range(max(map(len, drawn))):
        line, gap = "", 0
        for block in drawn:
            text, cells = block[index] if index < len(block) else ("", 0)
            line += " " * gap + text if text else ""
            gap = wide + _BETWEEN - cells if text else gap + wide + _BETWEEN
        yield line.rstrip()


def _block(block: Block, style: Style, label: int, tiles: int) -> Iterator[tuple[str, int]]:
    """Yield the lines of one block as (text, cells it takes)."""
    heading, rows = block
    if heading:
        short = cut(printable(heading, style.unicode), label + 1 + tiles, style.unicode)
        yield paint(short, "bold", style.color), width(short)
    for names, squares in rows:
        name = pad(cut(printable(names, style.unicode), label, style.unicode), label)
        for start in range(0, max(len(squares), 1), tiles):
            part = squares[start : start + tiles]
            yield f"{name} {_squares(part, style)}", label + 1 + len(part)
            name = " " * label


def _squares(tiles: Sequence[Tile], style: Style) -> str:
    """Return the glyphs of some tiles, coloured run by run."""
    runs = groupby(map(glyph, tiles))
    return "".join(
        paint((each.sign if style.unicode else each.ascii) * len(list(run)), each.tone, style.color)
        for each, run in runs
    )
