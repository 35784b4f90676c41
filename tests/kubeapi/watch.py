"""Watches: JSON lines from a resource version on, with bookmarks, time-outs and 410 after compaction."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kubeapi import paging, selectors, status
from tests.kubeapi.store import encode, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.kubeapi.cluster import Cluster
    from tests.kubeapi.kinds import Kind
    from tests.kubeapi.route import Route
    from tests.kubeapi.status import Obj
    from tests.kubeapi.store import Change, Record, Store

PULSE_S = 0.5  # how often an idle stream looks whether its client has left
LAST_BOOKMARK_S = 2.0  # before the end of a watch; both from cacheWatcher.nextBookmarkTime
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects a watch is about."""

    kind: Kind
    prefix: str
    key: str
    predicate: selectors.Predicate | None

    def has(self, key: str, record: Record | None) -> bool:
        if record is None or not key.startswith(self.prefix) or self.key not in {"", key}:
            return False
        return self.predicate is None or self.predicate(record.obj)


def event(kind_of_event: str, obj: Obj) -> bytes:
    return encode({"type": kind_of_event, "object": obj}) + b"\n"


def bookmark(kind: Kind, version: int, annotations: Mapping[str, str] | None = None) -> bytes:
    meta: Obj = {"resourceVersion": str(version)}
    if annotations:
        meta["annotations"] = dict(annotations)
    return event("BOOKMARK", {"kind": kind.name, "apiVersion": kind.api_version, "metadata": meta})


def open_stream(cluster: Cluster, kind: Kind, route: Route, query: Mapping[str, str]) -> Iterator[bytes]:
    """Check the query now (400, 422 before the headers); what goes wrong later is an ERROR event."""
    start = paging.version_number(query.get("resourceVersion", ""), for_watch=True)
    initial = query.get("sendInitialEvents", "")
    if initial and query.get("resourceVersionMatch") != "NotOlderThan":
        why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise status.invalid_options("ListOptions", "resourceVersionMatch", why)
    timeout_s = paging.number(query, "timeoutSeconds")
    predicate = selectors.predicate(kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))
    key = key_of(route.namespace, route.name) if route.name else ""
    scope = Scope(kind, f"{route.namespace}/" if route.namespace else "", key, predicate)
    bookmarks = query.get("allowWatchBookmarks", "") in {"1", "true"}
    return _stream(cluster, scope, start, _Mode(initial == "true", initial == "false", bookmarks, timeout_s))


@dataclass(frozen=True, slots=True)
class _Mode:
    initial: bool
    no_initial: bool
    bookmarks: bool
    timeout_s: int


def _stream(cluster: Cluster, scope: Scope, start: int, mode: _Mode) -> Iterator[bytes]:
    store = cluster.store
    with store.lock:
        version, oldest = store.version, store.oldest
        present = store.table(scope.kind).snapshot(version)
    if mode.initial or (start == 0 and not mode.no_initial):
        yield from _present(scope, present, version, mode)
    elif start == 0:
        pass
    elif start < oldest:
        yield event("ERROR", status.watch_expired(start, oldest).status)
        return
    else:
        version = start  # one of the future is waited for in silence
    with _counted(store):
        yield from _follow(cluster, scope, version, mode)


@contextmanager
def _counted(store: Store) -> Iterator[None]:
    with store.lock:
        store.watches += 1
    try:
        yield
    finally:
        with store.lock:
            store.watches -= 1


def _present(scope: Scope, present: list[tuple[str, Record]], version: int, mode: _Mode) -> Iterator[bytes]:
    for key, record in present:
        if scope.has(key, record):
            yield event("ADDED", record.obj)
    if mode.initial and mode.bookmarks:
        yield bookmark(scope.kind, version, {INITIAL_EVENTS_END: "true"})


def _follow(cluster: Cluster, scope: Scope, version: int, mode: _Mode) -> Iterator[bytes]:
    store, born = cluster.store, time.monotonic()
    reached = known = _last(cluster, scope.kind)
    end = born + (mode.timeout_s or 1800)
    due = _next_bookmark(born, end, cluster.bookmark_period_s)
    while not store.closed:
        changes, version = _wait(cluster, scope.kind, version, min(end, due) - time.monotonic())
        yield b"".join(filter(None, (_event_of(scope, change) for change in changes)))
        reached = max(reached, changes[-1].version) if changes else reached
        now = time.monotonic()
        if now >= due:
            due = _next_bookmark(now, end, cluster.bookmark_period_s)
            if mode.bookmarks and reached > known:  # while this type has not moved, there is none
                yield bookmark(scope.kind, reached)
        if now >= end:
            return


def _last(cluster: Cluster, kind: Kind) -> int:
    with cluster.store.lock:
        changes = cluster.store.table(kind).changes
        return changes[-1].version if changes else 0


def _next_bookmark(now: float, end: float, period_s: float) -> float:
    """The next round, or two seconds before the end when that is sooner; after the end there is none."""
    last = end - LAST_BOOKMARK_S
    return min(now + period_s, last if last > now else end + 1)


def _wait(cluster: Cluster, kind: Kind, version: int, most_s: float) -> tuple[list[Change], int]:
    """The changes after `version`, waiting a pulse for the first; and the version reached."""
    store = cluster.store
    with store.moved:
        if store.version <= version and not store.closed:
            store.moved.wait(max(0.0, min(PULSE_S, most_s)))
        return store.table(kind).since(version), max(version, store.version)


def _event_of(scope: Scope, change: Change) -> bytes:
    """What this watch sees: an object that starts or stops to match is ADDED or DELETED for it."""
    was, now = scope.has(change.key, change.before), scope.has(change.key, change.after)
    if now:
        return event("MODIFIED" if was else "ADDED", change.last.obj)
    if not was or change.before is None:
        return b""
    meta = {**change.before.obj["metadata"], "resourceVersion": str(change.version)}
    return event("DELETED", {**change.before.obj, "metadata": meta})
