"""Lists: consistent pages with continue tokens, resourceVersion semantics and selectors."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kubeapi import selectors, status
from tests.kubeapi.status import Obj, bad_request
from tests.kubeapi.store import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.kubeapi.corpus import Corpus
    from tests.kubeapi.kinds import Kind
    from tests.kubeapi.store import Record, Store

MATCHES = ("Exact", "NotOlderThan")


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The query of a list or watch, checked as the server checks it."""

    limit: int
    token: str
    version: str
    match: str
    predicate: selectors.Predicate | None

    @classmethod
    def of(cls, kind: Kind, query: Mapping[str, str]) -> ListOptions:
        """Parse and check; 400 or 422 as the server answers them."""
        match, version, token = (
            query.get(key, "") for key in ("resourceVersionMatch", "resourceVersion", "continue")
        )
        limit = number(query, "limit")
        _check_match(match, version, token)
        if token and version not in {"", "0"}:
            raise bad_request("specifying resource version is not allowed when using continue")
        predicate = selectors.predicate(kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        return cls(limit, token, version, match, predicate)


def number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "")
    try:
        return int(text or "0")
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def version_number(text: str, *, for_watch: bool = False) -> int:
    """A resourceVersion; what is none is 400 for a list and 500 for a watch, as on the real server."""
    if text.isdigit() or not text:
        return int(text or "0")
    message = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
    if for_watch:
        raise status.ApiError(500, message, "")
    raise bad_request(f"invalid resource version: {message}")


def _check_match(match: str, version: str, token: str) -> None:
    why = None
    if match and not version:
        why = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match and token:
        why = "Forbidden: resourceVersionMatch is forbidden when continue is provided"
    elif match and match not in MATCHES:
        why = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
    elif match == "Exact" and version == "0":
        why = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    if why:
        raise status.invalid_options("ListOptions", "resourceVersionMatch", why)


def encode_token(version: int, after: str) -> str:
    """The real server's own form: the first key of the next page is the last one seen, plus a zero byte."""
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": after + "\0"}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_token(token: str) -> tuple[int, str]:
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        found = json.loads(text)
        return int(found["rv"]), str(found["start"]).rstrip("\0")
    except (binascii.Error, ValueError, KeyError, TypeError) as why:
        raise bad_request(f"invalid continue token: continue key is not valid: {why}") from None


@dataclass(frozen=True, slots=True)
class Page:
    """What one list request found; `remaining` is None where the server does not count."""

    version: int
    body: bytes
    token: str = ""
    remaining: int | None = None

    def render(self, kind: Kind) -> bytes:
        meta: Obj = {"resourceVersion": str(self.version)}
        if self.token:
            meta["continue"] = self.token
        if self.remaining is not None:
            meta["remainingItemCount"] = self.remaining
        head: Obj = {"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": meta}
        return encode(head)[:-1] + b',"items":[' + self.body + b"]}"


def page(store: Store, kind: Kind, namespace: str, options: ListOptions) -> Page:
    """One page, consistent with the first one; 410 once that state is compacted, 504 for the future."""
    with store.lock:
        version, after = _start(store, options)
        records = store.table(kind).snapshot(version)
    prefix = f"{namespace}/" if namespace else ""
    scoped = [pair for pair in records if pair[0].startswith(prefix)] if prefix else records
    rest = scoped[bisect_right(scoped, after, key=lambda pair: pair[0]) :] if after else scoped
    limit = 0 if options.version == "0" else options.limit  # a list at "any version" comes whole
    return _cut(version, rest, limit, options.predicate)


def _start(store: Store, options: ListOptions) -> tuple[int, str]:
    if options.token:
        version, after = decode_token(options.token)
        if version < 0:
            return store.version, after
        if version < store.oldest:
            raise status.continue_expired(encode_token(-1, after))
        return version, after
    asked = version_number(options.version)
    if asked > store.version:
        raise status.version_too_large(asked, store.version)
    exact = options.match == "Exact" or (not options.match and options.limit > 0)
    if asked and exact:
        if asked < store.oldest:
            raise status.list_expired()
        return asked, ""
    return store.version, ""


def _cut(version: int, rest: list[tuple[str, Record]], limit: int, test: selectors.Predicate | None) -> Page:
    chosen: list[bytes] = []
    for place, (key, record) in enumerate(rest):
        if test is None or test(record.obj):
            chosen.append(record.item)
        if limit and len(chosen) >= limit and place + 1 < len(rest):
            remaining = len(rest) - limit if test is None else None
            return Page(version, b",".join(chosen), encode_token(version, key), remaining)
    return Page(version, b",".join(chosen))


def corpus_page(store: Store, corpus: Corpus, namespace: str, options: ListOptions) -> Page:
    """One page of a static corpus: joined when nothing selects, decoded item by item when something does."""
    version, start = store.version, 0
    if options.token:
        version, after = decode_token(options.token)
        if 0 <= version < store.oldest:
            raise status.continue_expired(encode_token(-1, after))
        start = int(after)
    stop = start + options.limit if options.limit and options.version != "0" else corpus.count
    if options.predicate or namespace:
        return _selected(version, corpus, namespace, options.predicate)
    if stop >= corpus.count:
        return Page(version, corpus.page(start, corpus.count))
    return Page(version, corpus.page(start, stop), encode_token(version, str(stop)), corpus.count - stop)


def _selected(version: int, corpus: Corpus, namespace: str, test: selectors.Predicate | None) -> Page:
    chosen = []
    for text in map(corpus.item, range(corpus.count)):
        obj = json.loads(text)
        if namespace in {"", obj["metadata"].get("namespace", "")} and (test is None or test(obj)):
            chosen.append(text)
    return Page(version, b",".join(chosen))
