"""PodDisruptionBudgets and which pods they cover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import field

from dcctl.inventory.model import Budget
from dcctl.inventory.sources.kubernetes.types import Meta, Wire

Labels: TypeAlias = Mapping[str, str]


class Expression(Wire):
    """One line of `matchExpressions`."""

    key: str = ""
    operator: str = ""
    values: list[str] | None = None


class Selector(Wire):
    """A label selector."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[Expression] | None = None


class BudgetSpec(Wire):
    """Whom a budget covers. No selector: nobody; an empty one: the whole namespace (policy/v1)."""

    selector: Selector | None = None
    unhealthy_pod_eviction_policy: str | None = None


class BudgetStatus(Wire):
    """What the controller computed."""

    disruptions_allowed: int | None = None
    current_healthy: int | None = None
    desired_healthy: int | None = None
    expected_pods: int | None = None


class BudgetObject(Wire):
    """A PodDisruptionBudget."""

    metadata: Meta = field(default_factory=Meta)
    spec: BudgetSpec = field(default_factory=BudgetSpec)
    status: BudgetStatus = field(default_factory=BudgetStatus)


def selects(selector: Selector, labels: Labels) -> bool:
    """Whether the labels satisfy every line of the selector."""
    wanted = selector.match_labels or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(each, labels) for each in selector.match_expressions or ())


def _holds(expression: Expression, labels: Labels) -> bool:
    """Kubernetes' rule: NotIn holds for a label that is not there; an unknown operator never holds."""
    value, values = labels.get(expression.key), expression.values or ()
    match expression.operator:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


Row = tuple[Selector, Budget]


class Budgets:
    """All budgets of a cluster. A sink for pages of them.

    Most selectors name a label and its value: those are looked up by it: a pod is compared with the few
    budgets that may cover it and not with all of its namespace.
    """

    def __init__(self) -> None:
        self._by_label: dict[str, dict[tuple[str, str], list[Row]]] = {}
        self._others: dict[str, list[Row]] = {}

    def add(self, items: list[BudgetObject]) -> None:
        """Read one page."""
        for item in items:
            selector, namespace = item.spec.selector, item.metadata.namespace
            if selector is None:
                continue
            row = (selector, parse_budget(item))
            if selector.match_labels:
                label = min(selector.match_labels.items())
                self._by_label.setdefault(namespace, {}).setdefault(label, []).append(row)
            else:
                self._others.setdefault(namespace, []).append(row)

    def clear(self) -> None:
        """Forget all."""
        self._by_label.clear()
        self._others.clear()

    def covering(self, namespace: str, labels: Labels) -> list[Budget]:
        """The budgets that cover a pod."""
        rows = self._others.get(namespace, [])
        by_label = self._by_label.get(namespace)
        if by_label:
            rows = [*rows, *(row for label in labels.items() if label in by_label for row in by_label[label])]
        return [budget for selector, budget in rows if selects(selector, labels)] if rows else []


def parse_budget(item: BudgetObject) -> Budget:
    """The budget as the model has it."""
    status = item.status
    return Budget(
        name=item.metadata.name,
        allowed=status.disruptions_allowed,
        desired_healthy=status.desired_healthy,
        current_healthy=status.current_healthy,
        expected=status.expected_pods,
        unhealthy_always=item.spec.unhealthy_pod_eviction_policy == "AlwaysAllow",
    )
