"""Text as a terminal counts it: what is harmless to print, how wide it is, where it may be cut.

Nothing that a node, a pod or a server wrote reaches a terminal before it went through `printable`.
"""

from __future__ import annotations

import re

from dcctl.harmless import HOSTILE, escape, json_safe, visible

__all__ = [
    "HOSTILE",
    "cut",
    "escape",
    "json_safe",
    "natural",
    "pad",
    "printable",
    "take",
    "visible",
    "width",
    "wrap",
    "wrap_parts",
]

_TYPOGRAPHY = str.maketrans(
    {
        "…": "...",
        "–": "-",
        "—": "-",
        "−": "-",
        "·": "-",
        "×": "x",
        "→": "->",
        "←": "<-",
        "≤": "<=",
        "≥": ">=",
        "±": "+/-",
        "µ": "u",
        "μ": "u",
        "°": "",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
    }
)
_NARROW = re.compile("[ -\u02ff\u2010-\u2027\u2030-\u205e\u2190-\u2193\u2500-\u259f]*")
_BLANK = re.compile(" (?!%)")  # 87 % stays together
_MARKS = 16
"""Characters per cell beyond which combining marks are noise."""
_DIGITS = re.compile("([0-9]{1,18})")


def printable(text: str, unicode: bool) -> str:
    """Return `visible(text)`; without `unicode` in ASCII alone: typography replaced, the rest written out."""
    clean = visible(text)
    if unicode or clean.isascii():
        return clean
    return clean.translate(_TYPOGRAPHY).encode("ascii", "backslashreplace").decode("ascii")


def width(text: str) -> int:
    """Number of terminal cells of a printable `text`: 2 for CJK and emoji, 0 for combining marks."""
    if text.isascii() or _NARROW.fullmatch(text):
        return len(text)
    from rich.cells import cell_len  # its tables know the emoji sequences; 15 ms, so not for plain text

    return cell_len(text)


def take(text: str, cells: int) -> str:
    """Return the longest head of a printable `text` that is at most `cells` wide."""
    if text.isascii():
        return text[:cells]
    low, high = 0, min(len(text), _MARKS * cells)
    while low < high:  # a longer head is never narrower
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width(text[:middle]) <= cells else (low, middle - 1)
    return text[:low]


def cut(text: str, cells: int, unicode: bool) -> str:
    """Return `text` in at most `cells` cells; what is missing is shown by an ellipsis."""
    if width(text) <= cells:
        return text
    mark = "…" if unicode else "..."
    if cells <= len(mark):
        return mark[: max(cells, 0)]
    return take(text, cells - len(mark)) + mark


def pad(text: str, cells: int, right: bool = False) -> str:
    """Return `text` filled with blanks to `cells` cells; `right` puts it at the right edge."""
    blanks = " " * (cells - width(text))
    return blanks + text if right else text + blanks


def wrap(text: str, cells: int, indent: str = "  ") -> list[str]:
    """Return printable `text` in lines of at most `cells` cells, broken at blanks; later ones are indented.

    A word that is wider than a line is broken where it must be. `cells` is at least 4 more than the indent.
    """
    lines: list[str] = []
    line = ""
    for number, word in enumerate(_BLANK.split(text)):
        joined = f"{line} {word}" if number else word
        if number and width(joined) > cells and line.strip():
            lines.append(line.rstrip())
            joined = indent + word
        line = _broken(joined, cells, indent, lines)
    return [*lines, line.rstrip()]


def _broken(line: str, cells: int, indent: str, lines: list[str]) -> str:
    """Move whole lines off the front of a `line` that is too wide; return what is left of it."""
    while width(line) > cells:
        head = take(line, cells)
        lines.append(head.rstrip())
        line = indent + line[len(head) :].lstrip(" ")
    return line


def wrap_parts(text: str, cells: int) -> list[str]:
    """Return `text` in lines that break between its parts, which two spaces set apart, if at all possible."""
    if width(text) <= cells:
        return [text]
    lines: list[str] = []
    for part in filter(None, map(str.strip, text.split("  "))):
        if lines and width(lines[-1]) + 2 + width(part) <= cells:
            lines[-1] += f"  {part}"
        else:
            lines.append(part)
    return [piece for line in lines for piece in wrap(line, cells)]


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which ``gpu9`` comes before ``gpu10``."""
    return tuple(
        (0, int(part), part) if index % 2 else (1, 0, part.casefold())
        for index, part in enumerate(_DIGITS.split(text))
    )
