"""Reading a model's configuration: every key by name, every value checked, nothing guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST: Final = 1_000_000_000
"""No width, vocabulary or context is larger."""
MOST_ENTRIES: Final = 10_000
"""Of a list: layers, modules that are left out."""


class Fields:
    """The keys of one config.json, by the names that Llama's has.

    `spelled` tells how this family spells a name, the usual way first; `defaults` what transformers takes
    where a key is missing.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        where: str,
        spelled: Mapping[str, tuple[str, ...]] | None = None,
        defaults: Mapping[str, int | bool] | None = None,
    ) -> None:
        self.values, self.where = values, where
        self._spelled, self._defaults = spelled or {}, defaults or {}
        self.assumed: list[str] = []
        self.read: set[str] = set()
        """Keys that somebody asked for, whether they are there or not."""

    def whole(self, name: str, default: int | None = None, least: int = 1, most: int = MOST) -> int:
        """Return a whole number; UsageError when it is missing without a default, or out of bounds."""
        value = self.optional(name, least, most)
        if value is None:
            value = default
        if value is None:
            self.fail(name, "is missing; the size of the model depends on it")
        return int(value)

    def optional(self, name: str, least: int = 1, most: int = MOST) -> int | None:
        """Return a whole number, the family's default or None when the key is missing, None when it is null.

        UsageError when it is out of bounds.
        """
        value = self.raw(name)
        if value is None:
            return None if self._is_null(name) else self._defaults.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.fail(name, f"is {_short(value)}; it must be a whole number from {least:,} to {most:,}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Return true or false; UsageError when it is something else."""
        value = self.raw(name)
        if value is None:
            return bool(self._defaults.get(name, default))
        if not isinstance(value, bool):
            self.fail(name, f"is {_short(value)}; it must be true or false")
        return value

    def wholes(self, name: str) -> list[int] | None:
        """Return a list of whole numbers, None when missing; UsageError when it is something else."""
        value = self._list(name)
        if value is not None and not all(type(one) is int for one in value):
            self.fail(name, "must be a list of whole numbers")
        return value

    def texts(self, name: str) -> list[str] | None:
        """Return a list of texts, None when missing; UsageError when it is something else."""
        value = self._list(name)
        if value is not None and not all(isinstance(one, str) for one in value):
            self.fail(name, "must be a list of texts")
        return value

    def _list(self, name: str) -> list[Any] | None:
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, list):
            self.fail(name, "must be a list")
        if len(value) > MOST_ENTRIES:
            self.fail(name, f"has {len(value):,} entries; at most {MOST_ENTRIES:,} are read")
        return value

    def _is_null(self, name: str) -> bool:
        """Tell whether the key is there and says nothing, which is not what its absence says."""
        return any(way in self.values for way in self._spelled.get(name, (name,)))

    def table(self, name: str) -> Mapping[str, object]:
        """Return what is nested under a key, empty when it is missing; UsageError when it is not a table."""
        value = self.raw(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(name, "must be a table")
        return value

    def ratio(self, whole: str, part: str) -> int:
        """Return one number divided by another; UsageError when something is left over."""
        high, low = self.whole(whole), self.whole(part)
        if high % low:
            self.fail(whole, f"is {high:,}, which {self.spelled(part)} {low:,} does not divide")
        return high // low

    def raw(self, name: str) -> object:
        """Return what the configuration has there, None when nothing."""
        self.read.update(self._spelled.get(name, (name,)))
        return self.values.get(self.spelled(name))

    def spelled(self, name: str) -> str:
        """Tell how this configuration spells a name, or its family would."""
        ways = self._spelled.get(name, (name,))
        return next((way for way in ways if self.values.get(way) is not None), ways[0])

    def fail(self, name: str, why: str) -> NoReturn:
        """Refuse the configuration for what a key says, or does not."""
        raise UsageError(f"{self.where}: {self.spelled(name)}", why)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
