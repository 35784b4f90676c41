"""An entry of a file of rules: it knows its place and that of each key, and says what is wrong there."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from dcctl.errors import UsageError
from dcctl.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    T = TypeVar("T")

Told: TypeAlias = "str | list[Told] | dict[str, Told] | None"
"""Scalars are text, as they stand in the file."""
HINT = "dcctl man dcctl-drain | man -l -"


class Entry(NamedTuple):
    """One mapping of a file, or one within it."""

    place: str
    """`drain.yaml:3`."""
    told: Mapping[str, Told]
    places: Mapping[str, str] = {}
    """Of each key; of one within another as `checkpoint.proof`. The nearest above stands for one without."""
    hint: str = HINT
    within: str = ""
    """`checkpoint.`: the keys above this mapping."""

    def wrong(self, key: str, why: str) -> UsageError:
        """Return the error for the value of a key."""
        path = f"{self.within}{key}".rstrip(".")
        place = self.place
        for end in (at for at in range(len(path) + 1) if path[at : at + 1] in ("", ".")):
            place = self.places.get(path[:end], place)
        return UsageError(place, f"{path}: {why}" if path else why, self.hint)

    def check_keys(self, known: Iterable[str]) -> None:
        """Return when every key is known. UsageError with the nearest that is."""
        names = sorted(known)
        for key in self.told:
            if key not in names:
                near = get_close_matches(key, names, 1)
                meant = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
                raise self.wrong(key, f"is no key here; {meant}")

    def text(self, key: str) -> str:
        """Return a word or a sentence; empty where the key is not there. UsageError: nothing stands there."""
        value = self.told.get(key, "-")
        if isinstance(value, list | dict):
            raise self.wrong(key, "must be text")
        if key in self.told and not (value or "").strip():
            raise self.wrong(key, "is empty")
        return (value or "").strip() if key in self.told else ""

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of words; a single one may stand for it. UsageError: it is none."""
        value = self.told.get(key)
        if isinstance(value, str):
            return (self.text(key),)
        if key in self.told and not value:
            raise self.wrong(key, "is empty: leave it out to select any")
        found = []
        for each in value or ():
            if not isinstance(each, str) or not each.strip() or isinstance(value, dict):
                raise self.wrong(key, "must be a list of words")
            found.append(each.strip())
        return tuple(found)

    def pairs(self, key: str) -> dict[str, str]:
        """Return a mapping of words to words. UsageError: it is none."""
        if key not in self.told:
            return {}
        value = self.told[key]
        if not isinstance(value, dict) or not value:
            raise self.wrong(key, "must be a mapping of labels to values")
        inner = self.below(key)
        for name, each in value.items():
            if not isinstance(each, str):
                raise inner.wrong(name, "must be text")
        return {name: str(each) for name, each in value.items()}

    def below(self, key: str) -> Entry:
        """Return the mapping that stands under a key. UsageError: none does."""
        value = self.told.get(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "must be a mapping")
        return self._replace(told=value, within=f"{self.within}{key}.")

    def read(self, key: str, how: Callable[[], T]) -> T:
        """Return what `how` reads of the value of a key; its ValueError becomes a UsageError there."""
        try:
            return how()
        except ValueError as error:
            raise self.wrong(key, without_secrets(str(error))) from error
