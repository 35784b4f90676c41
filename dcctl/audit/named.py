"""What a pattern of objects means: `*`, `?`, and the node sets that tables print, `gpu[017-024]/GPU-*`."""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

_COMMA: Final = re.compile(r",(?![^\[\]]*\])")
_RANGES: Final = re.compile(r"\[((?:[0-9]{1,18}(?:-[0-9]{1,18})?,?)+)\]", re.ASCII)


class _Range(NamedTuple):
    low: int
    high: int
    width: int
    """With how many digits its numbers are written at least."""

    def has(self, digits: str) -> bool:
        number = int(digits)
        return self.low <= number <= self.high and str(number).zfill(self.width) == digits


class _Named(NamedTuple):
    """One term of a node set."""

    text: re.Pattern[str]
    ranges: tuple[tuple[_Range, ...], ...]
    """What each of its numbers may be."""

    def means(self, name: str) -> bool:
        found = self.text.fullmatch(name)
        return found is not None and all(
            any(one.has(digits) for one in each)
            for digits, each in zip(found.groups(), self.ranges, strict=True)
        )


def means(pattern: str, name: str) -> bool:
    """Tell whether a pattern means a name: by its letters, or as a node set of several."""
    return any(one.means(name) for one in _named(pattern))


@cache
def _named(pattern: str) -> tuple[_Named, ...]:
    """The pattern as it is, since names may have brackets and commas, and each term that it lists."""
    return _Named(re.compile(_text(pattern), re.DOTALL), ()), *map(_term, _COMMA.split(pattern))


def _term(text: str) -> _Named:
    parts = _RANGES.split(text)
    pattern = "([0-9]{1,18})".join(map(_text, parts[::2]))
    return _Named(re.compile(pattern, re.DOTALL | re.ASCII), tuple(map(_ranges, parts[1::2])))


def _text(text: str) -> str:
    return "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in text)


def _ranges(text: str) -> tuple[_Range, ...]:
    return tuple(_range(*part.partition("-")) for part in text.split(",") if part)


def _range(low: str, _dash: str, high: str) -> _Range:
    return _Range(int(low), int(high or low), len(low) if low.startswith("0") else 1)
