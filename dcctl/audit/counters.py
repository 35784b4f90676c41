"""What runs counted: of each subject its counters, so that the next run tells what grew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping


class Counters(Struct, frozen=True):
    """Counters by row (mostly a subject) and name: a fleet has millions of them, most of them at 0."""

    names: tuple[tuple[str, ...], ...] = ()
    """What is counted in each kind of row: subjects are alike."""
    rows: dict[str, tuple[int, dict[str, int]]] = {}
    """The place of its kind in `names`, and those of its counters that are not 0."""
    at_s: int | None = None
    """When the last run read them."""
    older: dict[str, int] = {}
    """Rows that the last run was not told, and when they were read."""

    def get(self, row: str, name: str) -> int | None:
        """Return a counter; None: nobody counted it."""
        kind, values = self.rows.get(row, (0, None))
        return None if values is None or name not in self.names[kind] else values.get(name, 0)

    def read_at_s(self, row: str) -> int | None:
        """Return when a row was read; None: nobody ever did."""
        return self.older.get(row, self.at_s) if row in self.rows else None

    def after(self, told: Iterable[tuple[str, Mapping[str, int]]], at_s: int | None = None) -> Counters:
        """Return them with these rows in place of their own; of a row that is empty nothing is kept."""
        kinds = {names: at for at, names in enumerate(self.names)}
        rows, fresh = dict(self.rows), set()
        for row, counted in told:
            rows.pop(row, None)
            fresh.add(row)
            if counted:
                kind = kinds.setdefault(tuple(counted), len(kinds))
                rows[row] = (kind, {name: value for name, value in counted.items() if value})
        older = {row: read for row in rows if row not in fresh and (read := self.read_at_s(row)) is not None}
        return Counters(tuple(kinds), rows, at_s, older)

    def only(self, rows: Container[str]) -> Counters:
        """Return them with these rows alone."""
        kept = {row: values for row, values in self.rows.items() if row in rows}
        older = {row: at_s for row, at_s in self.older.items() if row in rows}
        return Counters(self.names, kept, self.at_s, older)

    def encode(self) -> bytes:
        """Return them as JSON."""
        return msgspec.json.encode(self)


def decode(data: bytes) -> Counters:
    """Return counters as they were encoded. ValueError: they are none."""
    found = msgspec.json.decode(data, type=Counters)
    if any(not 0 <= kind < len(found.names) for kind, _ in found.rows.values()):
        raise ValueError("a row of counters is of no kind")
    return found
