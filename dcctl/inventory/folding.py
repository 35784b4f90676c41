"""Names as text: natural order, short form, and many as one, `gpu[001-126]`. No library is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NaturalKey = tuple[tuple[str | int, ...], str]

# Eighteen digits fit a machine word. Longer runs are cut into pieces: odd, but in order and never an error.
_NUMBER = re.compile(r"([0-9]{1,18})")
_SPECIAL = re.compile(r"[\[\],!&^@*?\s]")
_TOO_LONG = re.compile(r"[0-9]{19}")
_ADDRESS = re.compile(r"[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")
_AXES = 8
"""Names with more numbers in them are listed, not folded: nothing real looks like that."""


def is_address(name: str) -> bool:
    """Tell whether a name has the look of an IP address."""
    return _ADDRESS.fullmatch(name) is not None


def short(name: str) -> str:
    """Return the host part of a full name; an IP address is its own short name."""
    return name if is_address(name) else name.partition(".")[0]


def sort_key(name: str) -> NaturalKey:
    """Order names as people count: gpu9 before gpu10; gpu1 and gpu01 stay apart by their text."""
    parts = _NUMBER.split(name)
    return tuple(int(part) if at % 2 else part for at, part in enumerate(parts)), name


def fold(names: Iterable[str]) -> str:
    """Return the names as one node set that `expand` reads back, in natural order, each once.

    Names that a node set cannot hold (with brackets, commas, blanks, `@`, `!`, …) come last, as they are.
    """
    shapes: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    odd: list[str] = []
    for name in set(names):
        parts = _parts(name)
        if parts is None:
            odd.append(name)
        else:
            shapes.setdefault(parts[::2], []).append(parts[1::2])
    folded = [text for shape, rows in shapes.items() for text in _fold_shape(shape, rows)]
    return ",".join(sorted(folded, key=sort_key) + sorted(odd, key=sort_key))


def _parts(name: str) -> tuple[str, ...] | None:
    """Split into text, number, text, …; None when a node set cannot hold the name."""
    if not name or _SPECIAL.search(name) or _TOO_LONG.search(name):
        return None
    parts = tuple(_NUMBER.split(name))
    return parts if len(parts) <= 2 * _AXES + 1 else None


def _fold_shape(shape: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Fold names that differ in their numbers only: one axis after the other, the last first."""
    for axis in reversed(range(len(shape) - 1)):
        rows = _fold_axis(rows, axis)
    for row in rows:
        yield "".join(text + number for text, number in zip(shape, (*row, ""), strict=True))


def _fold_axis(rows: list[tuple[str, ...]], axis: int) -> list[tuple[str, ...]]:
    """Join the rows that are equal but for one number."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        groups.setdefault(row[:axis] + row[axis + 1 :], []).append(row[axis])
    return [
        (*rest[:axis], text, *rest[axis:])
        for rest, numbers in groups.items()
        for text in _fold_numbers(numbers)
    ]


def _fold_numbers(numbers: list[str]) -> Iterator[str]:
    """Yield `7` or `[1-3,9]`: one for unpadded numbers and one for each padded width."""
    if len(numbers) == 1:
        yield numbers[0]
        return
    padded = {len(number) for number in numbers if number[0] == "0" and len(number) > 1}
    widths: dict[int, list[int]] = {}
    for number in numbers:
        width = len(number) if len(number) in padded else 0
        widths.setdefault(width, []).append(int(number))
    for width in sorted(widths):
        ranges = ",".join(_ranges(sorted(widths[width]), width))
        yield f"[{ranges}]" if len(widths[width]) > 1 else ranges


def _ranges(values: list[int], width: int) -> Iterator[str]:
    """Yield `first-last` for each run of consecutive values."""
    first = last = values[0]
    for value in (*values[1:], None):
        if value == last + 1:
            last = value
            continue
        yield f"{first:0{width}d}" if first == last else f"{first:0{width}d}-{last:0{width}d}"
        if value is not None:
            first = last = value
