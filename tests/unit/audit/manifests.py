"""Evidence of manifests: through the same parsers that read the lists of an API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.sources.kubernetes.evidence.lists import ROWS
from dcctl.inventory.sources.kubernetes.evidence.looks import whole
from dcctl.inventory.sources.kubernetes.evidence.row import taker
from dcctl.inventory.sources.kubernetes.evidence.source import with_subjects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.evidence.base import Subject
    from dcctl.inventory.sources.kubernetes.evidence.row import Row

Json = dict[str, Any]


def _plural(kind: str) -> str:
    if kind == "NetworkPolicy":
        return "networkpolicies"
    if kind == "NetworkAttachmentDefinition":
        return "network-attachment-definitions"
    return f"{kind.lower()}es" if kind.endswith("s") else f"{kind.lower()}s"


def _row(item: Json) -> Row:
    group = item["apiVersion"].rpartition("/")[0]
    plural = _plural(item["kind"])
    return next(row for row in ROWS if (row.listed.group, row.listed.plural) == (group, plural))


def objects(manifests: Iterable[Json]) -> Iterable[Json]:
    for one in manifests:
        yield from objects(one["items"]) if one["kind"] == "List" else [one]


def evidence(*manifests: Json) -> Evidence:
    """Each object goes as JSON through the row of its list."""
    found: list[Subject] = []
    by_row: dict[int, list[Any]] = {}
    for item in objects(manifests):
        row = _row(item)
        decoded = msgspec.json.decode(msgspec.json.encode(item), type=row.of)
        by_row.setdefault(ROWS.index(row), []).append(decoded)
    for index, items in by_row.items():
        made = taker(ROWS[index], "")
        made.add(items)
        found += made.subjects()
    return with_subjects(Evidence(), whole(found))
