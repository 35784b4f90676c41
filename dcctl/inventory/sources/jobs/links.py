"""Links between data centres, from a file: a list of `{from, to, rate, cost}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import UsageError
from dcctl.inventory.conditions import SiteLink
from dcctl.inventory.sources.files.documents import documents
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.jobs.cursor import Cursor
from dcctl.inventory.sources.jobs.resources import checked

if TYPE_CHECKING:
    from collections.abc import Iterable

_HINT = "- {from: dc1, to: dc2, rate: 10Gb/s, cost: 20 per TB}"


def links(text: str, where: str) -> tuple[SiteLink, ...]:
    """Return the links of a file, each in both directions. UsageError with file and line."""
    found: dict[frozenset[str], SiteLink] = {}
    for node, _ in documents(text, where):
        for item in _items(Cursor(node, where)):
            keys = item.fields(("from", "to", "rate", "cost"), required=("from", "to", "rate"))
            one, other = keys["from"].name(), keys["to"].name()
            if one == other:
                raise keys["to"].error(f"a link joins two sites, not {one} with itself", _HINT)
            if frozenset((one, other)) in found:
                raise item.error(f"the link of {one} and {other} is there twice", _HINT)
            rate = checked(keys["rate"], lambda text: amounts.read(text, amounts.BANDWIDTH))
            cost = _cost(keys["cost"]) if "cost" in keys else 0
            found[frozenset((one, other))] = SiteLink(one, other, rate, cost)
    if not found:
        raise UsageError(where, "names no link", _HINT)
    return tuple(sorted(found.values(), key=lambda link: (link.a, link.b)))


def _items(document: Cursor) -> Iterable[Cursor]:
    if document.is_mapping:
        return document.fields(("links",), required=("links",))["links"].items()
    return document.items()


def _cost(given: Cursor) -> int:
    """Thousandths of the currency for 10^12 bytes."""
    milli, per = checked(given, lambda text: amounts.rate(text, amounts.SIZE))
    return milli * 10**12 // per
