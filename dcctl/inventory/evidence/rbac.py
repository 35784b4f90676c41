"""Kubernetes RBAC as it was read: roles, bindings, service accounts."""

from typing import Literal

from msgspec import field

from dcctl.inventory.devices import Fact
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.placement import Selector


class Rule(Fact, frozen=True):
    """One rule of a role. `*` is any."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """API groups; the core group is empty."""
    resources: tuple[str, ...] = ()
    """With subresources as `pods/exec`."""
    names: tuple[str, ...] = ()
    """Empty: objects of any name."""
    urls: tuple[str, ...] = ()


class Role(Subject, frozen=True, kw_only=True):
    """A Role, or a ClusterRole where the namespace is empty."""

    cluster: str = ""
    namespace: str = ""
    name: str
    rules: tuple[Rule, ...] = ()
    """Of an aggregated role, those that the controller filled in."""
    labels: dict[str, str] = field(default_factory=dict)
    aggregated: bool = False
    selectors: tuple[Selector, ...] = ()
    """An aggregated role has the rules of every ClusterRole that one of these selects."""

    @property
    def key(self) -> str:
        """`ClusterRole/view`, `nlp/Role/dev`."""
        return f"{self.namespace}/Role/{self.name}" if self.namespace else f"ClusterRole/{self.name}"


class Bound(Fact, frozen=True):
    """Who a binding is for."""

    kind: Literal["User", "Group", "ServiceAccount"]
    name: str
    namespace: str = ""


class Binding(Subject, frozen=True, kw_only=True):
    """A RoleBinding, or a ClusterRoleBinding where the namespace is empty."""

    cluster: str = ""
    namespace: str = ""
    name: str
    role_kind: Literal["ClusterRole", "Role"]
    role: str
    subjects: tuple[Bound, ...] = ()

    @property
    def key(self) -> str:
        """`ClusterRoleBinding/admins`, `nlp/RoleBinding/dev`."""
        name = self.name
        return f"{self.namespace}/RoleBinding/{name}" if self.namespace else f"ClusterRoleBinding/{name}"


class Account(Subject, frozen=True, kw_only=True):
    """A service account."""

    cluster: str = ""
    namespace: str
    name: str
    automount: bool | None = None
    """None: not said, which means yes."""

    @property
    def key(self) -> str:
        """`nlp/ServiceAccount/default`."""
        return f"{self.namespace}/ServiceAccount/{self.name}"
