"""A tree on a terminal, and as nested lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.render.paint import paint
from dcctl.render.svg import safe
from dcctl.render.text import cut, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.render.report import Branch, Tree
    from dcctl.render.style import Style

_UNICODE = ("├─ ", "│  ", "└─ ")
_ASCII = ("|- ", "|  ", "`- ")
"""Before a line, before what hangs below it, and before the last line of its branch."""


def tree_lines(tree: Tree, style: Style, room: int) -> list[str]:
    """Return the lines of a tree; `wide` cuts none."""
    title = paint(printable(tree.title, style.unicode), "bold", style.color)
    found = (line for one in tree.branches for line in (one.text, *_below(one.below, style.unicode)))
    clean = (printable(line, style.unicode) for line in found)
    return [title, *(line if style.output == "wide" else cut(line, room, style.unicode) for line in clean)]


def _below(branches: Sequence[Branch], unicode: bool) -> Iterator[str]:
    before, beside, last = _UNICODE if unicode else _ASCII
    for number, one in enumerate(branches, 1):
        ends = number == len(branches)
        yield (last if ends else before) + one.text
        for line in _below(one.below, unicode):
            yield (" " * len(beside) if ends else beside) + line


def tree_html(tree: Tree) -> Iterator[str]:
    """Yield a tree as nested lists."""
    yield f"<section><h2>{safe(tree.title)}</h2>\n"
    yield from _list(tree.branches)
    yield "</section>\n"


def _list(branches: Sequence[Branch]) -> Iterator[str]:
    if branches:
        yield "<ul>\n"
        for one in branches:
            yield f"<li>{safe(one.text)}"
            yield from _list(one.below)
            yield "</li>\n"
        yield "</ul>\n"
