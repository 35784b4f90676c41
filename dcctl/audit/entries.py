"""Entries of a file that people write: each knows its place, and says what is wrong with it there."""

from __future__ import annotations

import calendar
import difflib
import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Told: TypeAlias = "str | list[Told] | dict[str, Told] | None"
"""Scalars are text, as they stand in the file."""
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


class Entry(NamedTuple):
    """One mapping of a list in a file."""

    place: str
    """`waivers.yaml:3`."""
    told: Mapping[str, Told]
    places: Mapping[str, str]
    """Of each key."""
    hint: str = ""

    def wrong(self, key: str, why: str) -> UsageError:
        """Return the error for the value of a key."""
        return UsageError(self.places.get(key, self.place), f"{key}: {why}" if key else why, self.hint)

    def check_keys(self, known: Iterable[str]) -> None:
        """Return when every key is known. UsageError with the nearest that is."""
        names = sorted(known)
        for key in self.told:
            if key not in names:
                near = difflib.get_close_matches(key, names, 1)
                meant = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
                raise self.wrong(key, f"is no key of an entry; {meant}")

    def text(self, key: str, *, needed: bool = False) -> str:
        """Return a word or a sentence; empty where there is none. UsageError: none, though it is needed."""
        value = self.told.get(key)
        if isinstance(value, list | dict):
            raise self.wrong(key, "must be text")
        if needed and not (value or "").strip():
            raise self.wrong(key, "is missing")
        return (value or "").strip()

    def one_of(self, key: str, known: Iterable[str]) -> str:
        """Return a word out of a few. UsageError: it is none of them."""
        words, value = list(known), self.text(key, needed=True)
        if value not in words:
            raise self.wrong(key, f"must be one of {', '.join(words)}, not {value!r}")
        return value

    def day_s(self, key: str) -> int:
        """Return the first second, in UTC, of a day that stands as 2026-01-31. UsageError: it is none."""
        value = self.text(key, needed=True)
        match = _DATE.fullmatch(value)
        if match is None:
            raise self.wrong(key, f"must be a day like 2026-01-31, not {value!r}")
        year, month, day = map(int, match.groups())
        if not year >= 1970 or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
            raise self.wrong(key, f"there is no day {value}")
        return calendar.timegm((year, month, day, 0, 0, 0))
