"""Admission policies of the API server itself, of Gatekeeper and of Sigstore."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from msgspec import field

from dcctl.inventory.evidence.admission import AdmissionPolicy
from dcctl.inventory.placement import Selector as Labels
from dcctl.inventory.sources.kubernetes.budgets import (
    Selector,  # noqa: TC001  # msgspec resolves annotations at run time
)
from dcctl.inventory.sources.kubernetes.evidence.row import Row
from dcctl.inventory.sources.kubernetes.listed import Listed
from dcctl.inventory.sources.kubernetes.selecting import selector
from dcctl.inventory.sources.kubernetes.types import Meta, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.evidence.admission import Control

_OF_PODS = re.compile(
    r"privileged|allowPrivilegeEscalation|hostPID|hostIPC|hostNetwork|hostPath|capabilities|runAsNonRoot"
    r"|podSecurity"
)
"""Fields by which a pod reaches its node: a policy about pods names some of them."""
_INCLUDED = Labels({"policy.sigstore.dev/include": "true"})
"""Its webhook is asked about namespaces with this label alone."""


class Resources(Wire):
    """What a policy of the API server is for."""

    namespace_selector: Selector | None = None


class Checked(Wire):
    """A condition (CEL)."""

    expression: str = ""


class PolicySpec(Wire):
    """A policy in CEL: of the API server, or of Kyverno, which binds itself."""

    validations: list[Checked] | None = None
    match_constraints: Resources = field(default_factory=Resources)
    validation_actions: list[str] | None = None


class PolicyWire(Wire):
    """A ValidatingAdmissionPolicy, or a ValidatingPolicy or ImageValidatingPolicy of Kyverno."""

    metadata: Meta = field(default_factory=Meta)
    spec: PolicySpec = field(default_factory=PolicySpec)


class BindingSpec(Wire):
    """Where a policy holds, and what comes of breaking it."""

    policy_name: str = ""
    validation_actions: list[str] | None = None
    match_resources: Resources = field(default_factory=Resources)


class BindingWire(Wire):
    """A ValidatingAdmissionPolicyBinding."""

    metadata: Meta = field(default_factory=Meta)
    spec: BindingSpec = field(default_factory=BindingSpec)


class Match(Wire):
    """What a constraint of Gatekeeper is for."""

    namespaces: list[str] | None = None
    excluded_namespaces: list[str] | None = None
    namespace_selector: Selector | None = None


class ConstraintSpec(Wire):
    """Where a constraint holds, and what comes of breaking it."""

    enforcement_action: str = "deny"
    match: Match = field(default_factory=Match)


class ConstraintWire(Wire):
    """A constraint of Gatekeeper."""

    kind: str = ""
    metadata: Meta = field(default_factory=Meta)
    spec: ConstraintSpec = field(default_factory=ConstraintSpec)


class ImagesSpec(Wire):
    """What comes of an image without the signature."""

    mode: str = "enforce"


class ImagesWire(Wire):
    """A ClusterImagePolicy of Sigstore."""

    metadata: Meta = field(default_factory=Meta)
    spec: ImagesSpec = field(default_factory=ImagesSpec)


def about_pods(text: str) -> tuple[Control, ...]:
    """Return what a policy looks after, from the fields that its conditions name."""
    return ("pods",) if _OF_PODS.search(text) else ()


def in_cel(
    item: PolicyWire, cluster: str, *, kind: str, signatures: bool = False
) -> Iterator[AdmissionPolicy]:
    """Yield a policy in CEL; one of the API server does nothing until it is bound."""
    spec, said = item.spec, " ".join(one.expression for one in item.spec.validations or ())
    yield AdmissionPolicy(
        cluster=cluster,
        namespace=item.metadata.namespace,
        name=item.metadata.name,
        kind=kind,
        enforces="Deny" in (spec.validation_actions or ()),
        controls=("signatures",) if signatures else about_pods(said),
        selector=selector(spec.match_constraints.namespace_selector),
    )


def bound(item: BindingWire, cluster: str) -> Iterator[AdmissionPolicy]:
    """Yield what binds a policy of the API server."""
    spec = item.spec
    yield AdmissionPolicy(
        cluster=cluster,
        name=item.metadata.name,
        kind="ValidatingAdmissionPolicyBinding",
        enforces="Deny" in (spec.validation_actions or ()),
        binds=spec.policy_name,
        selector=selector(spec.match_resources.namespace_selector),
    )


def constraint(item: ConstraintWire, cluster: str, *, kind: str) -> Iterator[AdmissionPolicy]:
    """Yield a constraint of Gatekeeper."""
    match = item.spec.match
    yield AdmissionPolicy(
        cluster=cluster,
        name=item.metadata.name,
        kind=kind,
        enforces=item.spec.enforcement_action == "deny",
        controls=("pods",),
        included=tuple(match.namespaces or ()),
        excluded=tuple(match.excluded_namespaces or ()),
        selector=selector(match.namespace_selector),
    )


def images(item: ImagesWire, cluster: str) -> Iterator[AdmissionPolicy]:
    """Yield a policy of Sigstore."""
    enforces = item.spec.mode != "warn"
    yield AdmissionPolicy(
        cluster=cluster,
        name=item.metadata.name,
        kind="ClusterImagePolicy",
        enforces=enforces,
        controls=("signatures",),
        selector=_INCLUDED,
    )


_INTO, _WHY = ("admission_policies",), "what policies there are"
_OWN = ("admissionregistration.k8s.io", ("v1", "v1beta1"))
_KYVERNO = ("policies.kyverno.io", ("v1", "v1beta1", "v1alpha1"))
_GATEKEEPER = (
    "K8sPSPPrivilegedContainer",
    "K8sPSPHostNamespace",
    "K8sPSPHostFilesystem",
    "K8sPSPCapabilities",
    "K8sPSPAllowPrivilegeEscalationContainer",
    "K8sPSPAllowedUsers",
)
"""Constraints about pods of Gatekeeper's own library; what other templates look after is not known."""


def _listed(where: tuple[str, tuple[str, ...]], plural: str) -> Listed:
    return Listed(*where, plural, _WHY, namespaced=False, custom=True)


def _gatekeeper(kind: str) -> Row:
    where = _listed(("constraints.gatekeeper.sh", ("v1beta1",)), kind.lower())
    return Row(where, ConstraintWire, _INTO, partial(constraint, kind=kind))


def _cel(where: tuple[str, tuple[str, ...]], kind: str, plural: str, *, signatures: bool = False) -> Row:
    parse = partial(in_cel, kind=kind, signatures=signatures)
    return Row(_listed(where, plural), PolicyWire, _INTO, parse)


ROWS = (
    _cel(_OWN, "ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
    Row(_listed(_OWN, "validatingadmissionpolicybindings"), BindingWire, _INTO, bound),
    _cel(_KYVERNO, "ValidatingPolicy", "validatingpolicies"),
    _cel(_KYVERNO, "ImageValidatingPolicy", "imagevalidatingpolicies", signatures=True),
    *map(_gatekeeper, _GATEKEEPER),
    Row(
        _listed(("policy.sigstore.dev", ("v1beta1", "v1alpha1")), "clusterimagepolicies"),
        ImagesWire,
        _INTO,
        images,
    ),
)
