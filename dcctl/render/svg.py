"""The heat map of a report as SVG: the same blocks, glyphs and words as on a terminal."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from dcctl.render.heatmap import GLYPHS, Block, Glyph, blocks, glyph
from dcctl.render.text import visible, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.render.report import HeatMap, Tile

_SIDE = 16
"""Pixels from one square to the next."""
CHARACTER = 6.7
"""Pixels that a character of the monospaced labels takes."""
_FOLD_ABOVE = 1000
"""Rows of a picture above which equal ones fold: a browser draws about as many squares at once."""
_PLAIN = frozenset({"l1", "l2", "l3", "l4"})


def safe(text: str) -> str:
    """Return text that is harmless in HTML, in an attribute and on a terminal."""
    return escape(visible(text), quote=True)


def map_html(picture: HeatMap) -> Iterator[str]:
    """Yield the picture: title, legend, one drawing per group."""
    found = blocks(picture, fold=len(picture.rows) > _FOLD_ABOVE)
    used = {glyph(tile).key for _, rows in found for _, tiles in rows for tile in tiles}
    yield f"<section><h2>{safe(picture.title or picture.name)}</h2>\n<p>"
    for each in (each for each in GLYPHS if each.key in used):
        square = _square(each, 0, 0)
        yield f'<svg class="key" width="{_SIDE}" height="{_SIDE}">{square}</svg> {each.meaning}&ensp; '
    yield '</p>\n<div class="map">\n'
    for block in found:
        yield from _drawing(block, picture.title)
    yield "</div></section>\n"


def _drawing(block: Block, title: str) -> Iterator[str]:
    """Yield one group as a figure."""
    heading, rows = block
    left = round(max(width(visible(name)) for name, _ in rows) * CHARACTER) + 8
    across = left + _SIDE * max(len(tiles) for _, tiles in rows)
    down = _SIDE * len(rows)
    caption = f"<figcaption>{safe(heading)}</figcaption>" if heading else ""
    label = safe(f"{title} {heading}".strip())
    yield f'<figure>{caption}<svg role="img" aria-label="{label}" width="{across}" height="{down}" '
    yield f'viewBox="0 0 {across} {down}">\n'
    for number, (name, tiles) in enumerate(rows):
        yield from _row(name, tiles, left, number * _SIDE)
    yield "</svg></figure>\n"


def _row(name: str, tiles: Sequence[Tile], left: int, top: int) -> Iterator[str]:
    """Yield a node's name and squares; hovering over one tells it in words."""
    yield f'<text x="0" y="{top + 12}">{safe(name)}</text>'
    for number, tile in enumerate(tiles):
        told = f"{name} #{number}: {_words(tile)}"
        yield f"<g><title>{safe(told)}</title>{_square(glyph(tile), left + number * _SIDE, top)}</g>"
    yield "\n"


def _words(tile: Tile) -> str:
    """Return what a square says: its word and its level, `unknown` when it has neither."""
    level = None if tile.level_milli is None else f"{tile.level_milli / 10:g} %"
    return " ".join(part for part in (tile.word, level) if part) or "unknown"


def _square(kind: Glyph, left: int, top: int) -> str:
    """Return one square, with its sign where colour alone would not tell it."""
    side = _SIDE - 2
    rect = f'<rect class="s-{kind.key}" x="{left + 1}" y="{top + 1}" width="{side}" height="{side}" rx="2"/>'
    if kind.key in _PLAIN:
        return rect
    return f'{rect}<text class="sign" x="{left + _SIDE // 2}" y="{top + 12}">{kind.sign}</text>'
