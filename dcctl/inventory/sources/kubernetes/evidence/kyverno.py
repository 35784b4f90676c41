"""Policies of Kyverno (kyverno.io/v1), rule by rule: each has its own match, and may have its own action."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, field

from dcctl.inventory.evidence.admission import AdmissionPolicy
from dcctl.inventory.sources.kubernetes.budgets import (
    Selector,  # noqa: TC001  # msgspec resolves annotations at run time
)
from dcctl.inventory.sources.kubernetes.evidence.policies import about_pods
from dcctl.inventory.sources.kubernetes.evidence.row import Row
from dcctl.inventory.sources.kubernetes.listed import Listed
from dcctl.inventory.sources.kubernetes.selecting import selector
from dcctl.inventory.sources.kubernetes.types import Meta, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.evidence.admission import Control


class Resources(Wire):
    """Objects that a rule is for."""

    kinds: list[str] | None = None
    namespaces: list[str] | None = None
    namespace_selector: Selector | None = None


class Clause(Wire):
    """One of several descriptions of objects."""

    resources: Resources = field(default_factory=Resources)


class Block(Wire):
    """`match` or `exclude` of a rule."""

    any: list[Clause] | None = None
    all: list[Clause] | None = None
    resources: Resources | None = None

    def clauses(self) -> list[Resources]:
        """What it describes, in any of the three forms."""
        older = [self.resources] if self.resources is not None else []
        return [*(one.resources for one in (*(self.any or ()), *(self.all or ()))), *older]


class Action(Wire):
    """What comes of breaking a rule, where it is said with the rule."""

    failure_action: str | None = None


class RuleWire(Wire):
    """One rule."""

    name: str = ""
    match: Block = field(default_factory=Block)
    exclude: Block = field(default_factory=Block)
    validate: Raw = Raw()
    verify_images: list[Action] | None = None


class PolicySpec(Wire):
    """The rules."""

    validation_failure_action: str = "Audit"
    rules: list[RuleWire] | None = None


class PolicyWire(Wire):
    """A ClusterPolicy or Policy."""

    metadata: Meta = field(default_factory=Meta)
    spec: PolicySpec = field(default_factory=PolicySpec)


def rules(item: PolicyWire, cluster: str) -> Iterator[AdmissionPolicy]:
    """Yield the rules of a policy that look after something."""
    namespace = item.metadata.namespace
    for one in item.spec.rules or ():
        action, controls = _looks_after(one)
        match, exclude = one.match.clauses(), one.exclude.clauses()
        named = [each.namespaces for each in match]
        by_labels = (each.namespace_selector for each in match if each.namespace_selector is not None)
        yield AdmissionPolicy(
            cluster=cluster,
            namespace=namespace,
            name=f"{item.metadata.name}/{one.name}",
            kind="Policy" if namespace else "ClusterPolicy",
            enforces=(action or item.spec.validation_failure_action).lower() == "enforce",
            controls=controls,
            included=tuple(name for names in named for name in names or ()) if all(named) else (),
            excluded=tuple(name for each in exclude for name in each.namespaces or ()),
            selector=selector(next(by_labels, None)),
        )


def _looks_after(one: RuleWire) -> tuple[str | None, tuple[Control, ...]]:
    """(what it says comes of breaking it, what it looks after)."""
    if one.verify_images:
        return one.verify_images[0].failure_action, ("signatures",)
    if not one.validate:
        return None, ()
    told = msgspec.json.decode(one.validate, type=Action).failure_action
    return told, about_pods(bytes(one.validate).decode(errors="replace"))


def _of(plural: str, *, namespaced: bool) -> Row:
    why = "what policies there are"
    listed = Listed("kyverno.io", ("v1",), plural, why, namespaced=namespaced, custom=True)
    return Row(listed, PolicyWire, ("admission_policies",), rules)


ROWS = (_of("clusterpolicies", namespaced=False), _of("policies", namespaced=True))
