"""ResourceQuotas: what the pods of a namespace may ask for together, and what is used of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import field

from dcctl.inventory.model import Quota, Resources
from dcctl.inventory.sources.kubernetes.quantity import ceil_milli, ceil_units, parse
from dcctl.inventory.sources.kubernetes.requests import is_device
from dcctl.inventory.sources.kubernetes.types import Amounts, Meta, Wire

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMES = {
    "cpu": "cpu_milli",
    "memory": "memory_bytes",
    "ephemeral-storage": "storage_bytes",
    "pods": "pods",
    "count/pods": "pods",
}
"""What a quota calls a dimension -> field of Resources. Limits, objects and volumes are no such amounts."""
_REQUESTS = "requests."


class ScopeExpression(Wire):
    """One condition on the pods."""

    scope_name: str = ""
    operator: str = ""
    values: list[str] | None = None


class ScopeSelector(Wire):
    """Conditions on the pods that all hold."""

    match_expressions: list[ScopeExpression] | None = None


class QuotaSpec(Wire):
    """What is allowed, and to which pods."""

    hard: Amounts | None = None
    scopes: list[str] | None = None
    scope_selector: ScopeSelector | None = None


class QuotaStatus(Wire):
    """What the controller enforces and has counted: every pod that has not ended, waiting or running."""

    hard: Amounts | None = None
    used: Amounts | None = None


class QuotaObject(Wire):
    """A ResourceQuota."""

    metadata: Meta = field(default_factory=Meta)
    spec: QuotaSpec = field(default_factory=QuotaSpec)
    status: QuotaStatus = field(default_factory=QuotaStatus)


class Quotas:
    """All quotas of a cluster that limit what pods ask for. A sink for pages of them."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.found: list[Quota] = []
        self.bad: list[tuple[str, str]] = []
        """(namespace/name, why) of those with amounts that cannot be read."""

    def add(self, items: list[QuotaObject]) -> None:
        """Read one page."""
        for item in items:
            try:
                quota = parse_quota(item, self._source)
            except ValueError as error:
                self.bad.append((f"{item.metadata.namespace}/{item.metadata.name}", str(error)))
                continue
            if quota.hard != Resources():
                self.found.append(quota)

    def clear(self) -> None:
        """Forget all."""
        self.found.clear()
        self.bad.clear()


def parse_quota(item: QuotaObject, source: str) -> Quota:
    """The quota as the model has it. Raises ValueError for a bad quantity."""
    spec, status = item.spec, item.status
    told = [ScopeExpression(name, "Exists") for name in spec.scopes or ()]
    told += (spec.scope_selector.match_expressions or ()) if spec.scope_selector else ()
    best_effort = {_BEST_EFFORT[each.scope_name] for each in told if each.scope_name in _BEST_EFFORT}
    classes = [each.values or () for each in told if _is_class(each)]
    others = [each for each in told if each.scope_name not in _BEST_EFFORT and not _is_class(each)]
    return Quota(
        name=item.metadata.name,
        account=item.metadata.namespace,
        source=source,
        hard=_resources(status.hard if status.hard is not None else spec.hard or {}),
        used=None if status.used is None else _resources(status.used),
        best_effort=next(iter(best_effort), None),
        priority_classes=tuple(sorted(set(classes[0]).intersection(*classes))) if classes else (),
        scopes=tuple(_scope_words(others)),
    )


_BEST_EFFORT = {"BestEffort": True, "NotBestEffort": False}


def _is_class(each: ScopeExpression) -> bool:
    return each.scope_name == "PriorityClass" and each.operator == "In"


def _scope_words(others: Iterable[ScopeExpression]) -> Iterable[str]:
    return (" ".join((each.scope_name, each.operator, *(each.values or ()))) for each in others)


def _resources(amounts: Amounts) -> Resources:
    """Amounts under the names that a quota has for them: the least of those that mean the same.

    Nothing at all is an amount here: a quota of no GPUs.
    """
    counts: dict[str, int] = {}
    devices: dict[str, int] = {}
    for name, text in amounts.items():
        plain = name.removeprefix(_REQUESTS)
        known = _NAMES.get(plain)
        if known is not None:
            amount = ceil_milli(parse(text)) if known == "cpu_milli" else ceil_units(parse(text))
            counts[known] = min(amount, counts.get(known, amount))
        elif plain != name and is_device(plain):
            devices[plain] = ceil_units(parse(text))
    return Resources(**counts, devices=dict(sorted(devices.items())))
