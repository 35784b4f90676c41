"""Read one list to its end, page by page, whatever the server does on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from dcctl.inventory.sources.http.client import JSON
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.types import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.sources.http.client import Client

T = TypeVar("T")

PAGE = 500
"""Objects in one answer."""
RESTARTS = 3
MAX_PAGES = 20_000


class Sink(Protocol[T]):
    """Takes the items of one list, page by page, and keeps no reference to them."""

    def add(self, items: list[T]) -> None:
        """Read one page of items."""

    def clear(self) -> None:
        """Forget all pages: the list starts again, or what was read cannot be trusted."""


def read_list(
    client: Client,
    path: str,
    of: type[T],
    sink: Sink[T],
    page_size: int,
    accept: str = JSON,
    query: Mapping[str, str] | None = None,
) -> None:
    """All items were given to the sink, once each. Raises Failure; the sink then holds the pages before it.

    A continue token that has expired (410) starts the list again, at most RESTARTS times. No resourceVersion
    is sent: the API server then answers with the newest state and honours `limit`.
    `query`: selectors, which every page is asked with.
    """
    decoder = msgspec.json.Decoder(Page[of])  # type: ignore[valid-type]  # built at run time
    for _ in range(RESTARTS + 1):
        try:
            _read_once(client, path, decoder, sink, {**(query or {}), "limit": str(page_size)}, accept)
        except Failure as failure:
            if failure.status != 410:
                raise
            sink.clear()
        else:
            return
    raise Failure(
        f"the list expired {RESTARTS + 1} times before its end",
        "truncated",
        "ask again when the API server is less busy",
    )


class _All(list[T]):
    """A list that is filled page by page."""

    def add(self, items: list[T]) -> None:
        self.extend(items)


def all_of(client: Client, path: str, of: type[T], page_size: int, query: Mapping[str, str]) -> list[T]:
    """All items, as `read_list` gives them."""
    found: _All[T] = _All()
    read_list(client, path, of, found, page_size, query=query)
    return found


def _read_once(
    client: Client,
    path: str,
    decoder: msgspec.json.Decoder[Page[T]],
    sink: Sink[T],
    asked: Mapping[str, str],
    accept: str,
) -> None:
    token, most, tokens, got = "", MAX_PAGES, set[str](), 0
    for number in range(MAX_PAGES + 1):
        query = {**asked, **({"continue": token} if token else {})}
        try:
            page = _decode(decoder, client.get(path, query, accept))
        except Failure as failure:
            failure.after = got
            raise
        token = page.metadata.continue_
        if token in tokens:
            raise Failure(
                "the server repeats a page for ever",
                "invalid",
                "upgrade the API server or its proxy",
                after=got,
            )
        if number == 0:
            most = _most_pages(page, int(asked["limit"]))
        if number >= most:
            break
        sink.add(page.items or [])
        got += len(page.items or ())
        if not token:
            return
        tokens.add(token)
    sink.clear()
    raise Failure(
        f"the list does not end: {most} pages read", "invalid", "upgrade the API server or its proxy"
    )


def _most_pages(first: Page[T], page_size: int) -> int:
    """Pages that the first one promises, twice over and some: the count is an estimate, a list has an end."""
    if first.metadata.remaining_item_count is None:
        return MAX_PAGES
    expected = first.metadata.remaining_item_count // max(1, min(page_size, len(first.items or ()) or 1))
    return min(MAX_PAGES, 2 * expected + 10)


def _decode(decoder: msgspec.json.Decoder[Page[T]], body: bytes) -> Page[T]:
    try:
        page = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(
            f"the answer is not what it should be: {error}", "invalid", "check what answers at this address"
        ) from error
    if page.items is msgspec.UNSET or not page.kind.endswith("List"):
        what = f"it calls itself {page.kind[:40]!a}" if page.kind else "it has no kind"
        raise Failure(f"the answer is no list: {what}", "invalid", "check what answers at this address")
    return page
