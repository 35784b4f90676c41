"""Roles, bindings and service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from msgspec import field

from dcctl.inventory.evidence.rbac import Account, Binding, Bound, Role, Rule
from dcctl.inventory.sources.kubernetes.budgets import (
    Selector,  # noqa: TC001  # msgspec resolves annotations at run time
)
from dcctl.inventory.sources.kubernetes.evidence.row import Row
from dcctl.inventory.sources.kubernetes.listed import Listed
from dcctl.inventory.sources.kubernetes.selecting import selector
from dcctl.inventory.sources.kubernetes.types import Meta, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROUP, _V1 = "rbac.authorization.k8s.io", ("v1",)
_SUBJECTS = ("User", "Group", "ServiceAccount")


class RuleWire(Wire):
    """A PolicyRule, as roles and reviews have it."""

    verbs: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    resource_names: list[str] | None = None
    non_resource_urls: list[str] | None = field(default=None, name="nonResourceURLs")

    def rule(self) -> Rule:
        """The rule as evidence."""
        return Rule(
            tuple(self.verbs or ()),
            tuple(self.api_groups or ()),
            tuple(self.resources or ()),
            tuple(self.resource_names or ()),
            tuple(self.non_resource_urls or ()),
        )


class Aggregation(Wire):
    """Which roles are put together into one."""

    cluster_role_selectors: list[Selector] | None = None


class RoleWire(Wire):
    """A Role or ClusterRole."""

    metadata: Meta = field(default_factory=Meta)
    rules: list[RuleWire] | None = None
    aggregation_rule: Aggregation | None = None


class SubjectWire(Wire):
    """Whom a binding is for."""

    kind: str = ""
    name: str = ""
    namespace: str = ""


class RefWire(Wire):
    """The role of a binding."""

    kind: str = ""
    name: str = ""


class BindingWire(Wire):
    """A RoleBinding or ClusterRoleBinding."""

    metadata: Meta = field(default_factory=Meta)
    role_ref: RefWire = field(default_factory=RefWire)
    subjects: list[SubjectWire] | None = None


class AccountWire(Wire):
    """A ServiceAccount."""

    metadata: Meta = field(default_factory=Meta)
    automount_service_account_token: bool | None = None


def role(item: RoleWire, cluster: str) -> Iterator[Role]:
    """Yield the role of an object. ValueError for a selector that is not understood."""
    meta, chosen = item.metadata, item.aggregation_rule
    wanted = () if chosen is None else tuple(map(selector, chosen.cluster_role_selectors or ()))
    yield Role(
        cluster=cluster,
        namespace=meta.namespace,
        name=meta.name,
        rules=tuple(one.rule() for one in item.rules or ()),
        labels=meta.labels or {},
        aggregated=chosen is not None,
        selectors=tuple(one for one in wanted if one is not None),
    )


def binding(item: BindingWire, cluster: str) -> Iterator[Binding]:
    """Yield the binding of an object; subjects of a kind that RBAC does not know bind nobody."""
    meta, ref = item.metadata, item.role_ref
    yield Binding(
        cluster=cluster,
        namespace=meta.namespace,
        name=meta.name,
        role_kind="Role" if ref.kind == "Role" else "ClusterRole",
        role=ref.name,
        subjects=tuple(_bound(one, meta.namespace) for one in item.subjects or () if one.kind in _SUBJECTS),
    )


def _bound(one: SubjectWire, namespace: str) -> Bound:
    """A service account that names no namespace is of that of its binding (rbac/v1, `appliesToUser`)."""
    kind = cast("Literal['User', 'Group', 'ServiceAccount']", one.kind)
    return Bound(kind, one.name, (one.namespace or namespace) if kind == "ServiceAccount" else "")


def account(item: AccountWire, cluster: str) -> Iterator[Account]:
    """Yield the service account of an object."""
    meta = item.metadata
    automount = item.automount_service_account_token
    yield Account(cluster=cluster, namespace=meta.namespace, name=meta.name, automount=automount)


_WHY = "who may do what"
_EVERYWHERE = Listed(_GROUP, _V1, "clusterrolebindings", _WHY, namespaced=False)
ROWS = (
    Row(Listed(_GROUP, _V1, "clusterroles", _WHY, namespaced=False), RoleWire, ("roles",), role),
    Row(Listed(_GROUP, _V1, "roles", _WHY), RoleWire, ("roles",), role),
    Row(
        Listed(_GROUP, _V1, "clusterrolebindings", _WHY, namespaced=False),
        BindingWire,
        ("bindings",),
        binding,
    ),
    Row(Listed(_GROUP, _V1, "rolebindings", _WHY), BindingWire, ("bindings",), binding),
    Row(Listed("", _V1, "serviceaccounts", "whose tokens are mounted"), AccountWire, ("accounts",), account),
)
