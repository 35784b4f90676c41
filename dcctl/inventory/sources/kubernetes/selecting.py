"""Selectors of nodes and pods and what hangs on them (neighbours, spreads), in the terms of the model. Pure.

Newer API servers merge `matchLabelKeys` into the selector when they make a pod; here it is done for all, and
for pods that are not made yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, get_args

from dcctl.inventory.placement import (
    Expression,
    Neighbours,
    NodeTerm,
    Operator,
    Selector,
    Spread,
)
from dcctl.inventory.sources.kubernetes.budgets import Labels, selects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.inventory.sources.kubernetes import budgets
    from dcctl.inventory.sources.kubernetes.scheduling import (
        PodAffinity,
        PodTerm,
        SpreadConstraint,
        Term,
        Terms,
    )

NamespaceLabels: TypeAlias = Mapping[str, Labels]
"""The labels of every namespace, by its name."""

_OF_NODES: Mapping[str, Operator] = {each: each for each in get_args(Operator)}
_OF_PODS: Mapping[str, Operator] = {each: each for each in _OF_NODES.values() if each not in ("Gt", "Lt")}
EVERYWHERE = ("*",)
NODE_NAME = "metadata.name"
"""The one field of a node that terms may name."""


def node_terms(found: Terms) -> tuple[NodeTerm, ...]:
    """Terms of which one must hold. Raises ValueError for an operator or a field that is not known."""
    return tuple(map(node_term, found.node_selector_terms or ()))


def node_term(found: Term, weight: int = 0) -> NodeTerm:
    """Conditions on one node. Raises ValueError as `node_terms`."""
    for each in found.match_fields or ():
        if each.key != NODE_NAME:
            raise ValueError(f"unknown field {each.key[:60]!a} of a node")
    return NodeTerm(
        labels=tuple(_expression(each, _OF_NODES) for each in found.match_expressions or ()),
        names=tuple(_expression(each, _OF_NODES) for each in found.match_fields or ()),
        weight=weight,
    )


def selector(found: budgets.Selector | None, more: Iterable[Expression] = ()) -> Selector | None:
    """The selector with more conditions, each of them once. Raises ValueError as `node_terms`."""
    if found is None:
        return None
    told = [_expression(each, _OF_PODS) for each in found.match_expressions or ()]
    return Selector(found.match_labels or {}, tuple(dict.fromkeys([*told, *more])))


def _expression(found: budgets.Expression, known: Mapping[str, Operator]) -> Expression:
    if found.operator not in known:
        raise ValueError(f"unknown operator {found.operator[:60]!a}")
    return Expression(found.key, known[found.operator], tuple(found.values or ()))


def spread_of(found: SpreadConstraint, labels: Labels) -> Spread:
    """The constraint of a pod with these labels. Raises ValueError."""
    return Spread(
        key=found.topology_key,
        selector=selector(found.label_selector, _same(found.match_label_keys, labels)),
        max_skew=found.max_skew,
        required=found.when_unsatisfiable == "DoNotSchedule",
        min_domains=found.min_domains,
        honor_affinity=found.node_affinity_policy != "Ignore",
        honor_taints=found.node_taints_policy == "Honor",
    )


def neighbours_of(
    found: PodTerm, labels: Labels, namespaces: NamespaceLabels | None, *, apart: bool, weight: int
) -> Neighbours:
    """The term of a pod with these labels. Raises ValueError, also where namespaces had to be known."""
    more = [*_same(found.match_label_keys, labels), *_other(found.mismatch_label_keys, labels)]
    where = _where(found, namespaces)
    return Neighbours(
        key=found.topology_key,
        selector=None if where is None else selector(found.label_selector, more),
        namespaces=where or (),
        apart=apart,
        weight=weight,
    )


def _same(keys: Iterable[str] | None, labels: Labels) -> Iterator[Expression]:
    """A key that the pod itself does not have is passed over, as the API server does."""
    return (Expression(key, "In", (labels[key],)) for key in keys or () if key in labels)


def _other(keys: Iterable[str] | None, labels: Labels) -> Iterator[Expression]:
    return (Expression(key, "NotIn", (labels[key],)) for key in keys or () if key in labels)


def _where(term: PodTerm, namespaces: NamespaceLabels | None) -> tuple[str, ...] | None:
    """The namespaces; empty: the pod's own; None: none at all."""
    named, wanted = set(term.namespaces or ()), selector(term.namespace_selector)
    if term.namespace_selector is None:
        return tuple(sorted(named))
    if wanted == Selector():
        return EVERYWHERE
    if namespaces is None:
        raise ValueError("it selects namespaces by label, and they could not be listed")
    chosen = {name for name, labels in namespaces.items() if selects(term.namespace_selector, labels)}
    return tuple(sorted(named | chosen)) or None


def selector_keys(spreads: Iterable[SpreadConstraint], near: Iterable[PodAffinity]) -> set[str]:
    """Every label of pods that these selectors name."""
    found: set[str] = set()
    for each in spreads:
        found.update(_keys(each.label_selector), each.match_label_keys or ())
    for affinity in near:
        terms = [*(affinity.required or ()), *(each.pod_affinity_term for each in affinity.preferred or ())]
        for term in terms:
            found.update(_keys(term.label_selector), term.match_label_keys or ())
            found.update(term.mismatch_label_keys or ())
    return found


def _keys(found: budgets.Selector | None) -> set[str]:
    if found is None:
        return set()
    return {*(found.match_labels or ()), *(each.key for each in found.match_expressions or ())}
