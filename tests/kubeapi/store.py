"""What the emulated server holds: objects, one resource version for all, the history that watches read."""

from __future__ import annotations

import json
import threading
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.kubeapi import status
from tests.kubeapi.kinds import PODS

if TYPE_CHECKING:
    from tests.kubeapi.kinds import Kind
    from tests.kubeapi.status import Obj


def encode(obj: Obj) -> bytes:
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False).encode()


def key_of(namespace: str, name: str) -> str:
    """The key that orders a list: the server walks `namespace/name` byte by byte, not as a pair."""
    return f"{namespace}/{name}" if namespace else name


@dataclass(slots=True)
class Record:
    """One stored version of one object. `obj` is never changed in place: a write stores a new Record."""

    version: int
    obj: Obj
    custom: bool
    _item: bytes | None = field(default=None, repr=False)

    @property
    def item(self) -> bytes:
        """The object as an item of a list: built-in types leave apiVersion and kind out there."""
        if self._item is None:
            obj = self.obj
            if not self.custom:
                obj = {key: value for key, value in obj.items() if key not in {"apiVersion", "kind"}}
            self._item = encode(obj)
        return self._item


@dataclass(frozen=True, slots=True)
class Change:
    """One write: no `before` in a creation, no `after` in a deletion; `last` is what it left or removed."""

    version: int
    key: str
    before: Record | None
    after: Record | None
    last: Record


class Table:
    """The objects of one type."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.records: dict[str, Record] = {}
        self.spaces: dict[str, dict[str, Record]] = {}
        """The same by namespace."""
        self.changes: list[Change] = []
        self._sorted: dict[int, list[tuple[str, Record]]] = {}

    def put(self, key: str, version: int, obj: Obj | None) -> Record:
        """Store or (obj None) delete; the metadata of what is stored carries the version."""
        before = self.records.get(key)
        source = before.obj if obj is None and before else obj or {}
        stamped = {**source, "metadata": {**source["metadata"], "resourceVersion": str(version)}}
        record = Record(version, stamped, self.kind.custom)
        inside = self.spaces.setdefault(key.rpartition("/")[0], {})
        for records in (self.records, inside):
            if obj is None:
                records.pop(key, None)
            else:
                records[key] = record
        self.changes.append(Change(version, key, before, None if obj is None else record, record))
        return record

    def snapshot(self, version: int) -> list[tuple[str, Record]]:
        """All records as they were at `version`, in list order."""
        last = self.changes[-1].version if self.changes else 0
        effective = min(version, last)
        if effective not in self._sorted:
            if len(self._sorted) > 8:
                self._sorted.clear()
            found = self._undone(version).items()
            self._sorted[effective] = sorted(found, key=lambda pair: pair[0])
        return self._sorted[effective]

    def _undone(self, version: int) -> dict[str, Record]:
        records = dict(self.records)
        for change in reversed(self.changes):
            if change.version <= version:
                break
            if change.before is None:
                records.pop(change.key, None)
            else:
                records[change.key] = change.before
        return records

    def since(self, version: int) -> list[Change]:
        return self.changes[bisect_right(self.changes, version, key=lambda change: change.version) :]


class Store:
    """All tables under one lock and one counter. `moved` is notified at every write and at every stop."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.moved = threading.Condition(self.lock)
        self.watches = 0  # how many have begun and not ended
        self.version = 1000
        self.oldest = 1000  # history before this version is compacted away
        self.closed = False
        self.dying: set[str] = set()  # keys of pods with a deletionTimestamp: what kubelets look at
        self._tables: dict[tuple[str, str], Table] = {}

    def table(self, kind: Kind) -> Table:
        # Versions of one group's type share their objects, as the real server's do.
        with self.lock:
            return self._tables.setdefault((kind.group, kind.plural), Table(kind))

    def find(self, kind: Kind, namespace: str, name: str) -> Obj | None:
        record = self.table(kind).records.get(key_of(namespace, name))
        return record.obj if record else None

    def get(self, kind: Kind, namespace: str, name: str) -> Obj:
        """The object; 404 when there is none."""
        found = self.find(kind, namespace, name)
        if found is None:
            raise status.not_found(kind, name)
        return found

    def objects(self, kind: Kind, namespace: str = "") -> list[Obj]:
        table = self.table(kind)
        records = table.spaces.get(namespace, {}) if namespace else table.records
        return [records[key].obj for key in sorted(records)]

    def moved_since(self, kind: Kind, version: int) -> set[str]:
        """The namespaces in which an object of this type was written after a version."""
        return {change.key.rpartition("/")[0] for change in self.table(kind).since(version)}

    def put(self, kind: Kind, obj: Obj) -> Obj:
        """Store a new version; what was stored, with its resourceVersion, comes back."""
        return self._write(kind, obj, obj)

    def drop(self, kind: Kind, obj: Obj) -> Obj:
        return self._write(kind, obj, None)

    def _write(self, kind: Kind, named: Obj, obj: Obj | None) -> Obj:
        meta = named["metadata"]
        with self.moved:
            self.version += 1
            key = key_of(meta.get("namespace", ""), meta["name"])
            record = self.table(kind).put(key, self.version, obj)
            if kind == PODS:
                (self.dying.add if obj and "deletionTimestamp" in obj["metadata"] else self.dying.discard)(
                    key
                )
            self.moved.notify_all()
            return record.obj

    def compact(self) -> None:
        """Requests that start from an older version are answered 410; running watches go on."""
        with self.moved:
            self.oldest = self.version

    def close(self) -> None:
        with self.moved:
            self.closed = True
            self.moved.notify_all()
