"""Who may do what: the rules that bindings grant, as the RBAC authorizer of the API server reads them.

The rules are those of `pkg/apis/rbac/v1/evaluation_helpers.go` and `plugin/pkg/auth/authorizer/rbac`
(Kubernetes 1.36); tests/controlplane holds them against a real API server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from dcctl.audit.facts.shipped import is_shipped
from dcctl.audit.scene import DERIVED, MADE_OF
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.evidence.rbac import Bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.rbac import Binding, Role, Rule

RBAC: Final = "rbac.authorization.k8s.io"
ANY: Final = "*"
_ACCOUNT: Final = "system:serviceaccount:"
Who: TypeAlias = Literal["User", "Group", "ServiceAccount"]


class Grant(NamedTuple):
    """One rule that somebody has by one binding."""

    rule: Rule
    role: str
    """Key of the role that was bound; the rule may be of one that is aggregated into it."""
    binding: str
    namespace: str
    """Where it holds; empty: everywhere, and for what stands in no namespace."""
    shipped: bool
    """The binding comes with Kubernetes, for whom it is made."""

    def allows(self, verb: str, resource: str, group: str = "", name: str = "") -> bool:
        """Return whether it allows this, where it holds."""
        return allows(self.rule, verb, resource, group, name)

    @property
    def scope(self) -> str:
        """By what and where, the same in every run: `ClusterRole/edit in nlp`."""
        return f"{self.role} in {self.namespace}" if self.namespace else self.role


class Principal(Subject, frozen=True, kw_only=True):
    """A user, a group or a service account that bindings name, with what these grant to it."""

    cluster: str = ""
    kind: Who
    namespace: str = ""
    name: str
    grants: tuple[Grant, ...] = ()

    @property
    def key(self) -> str:
        """`User/wu`, `Group/devs`, `nlp/ServiceAccount/jupyter`."""
        return f"{self.namespace}/{self.kind}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"


def allows(rule: Rule, verb: str, resource: str, group: str = "", name: str = "") -> bool:
    """Return whether a rule allows a request; `name`: of the object, empty where it is about no one."""
    return (
        _in(verb, rule.verbs)
        and _in(group, rule.groups)
        and _about(rule.resources, resource)
        and (not rule.names or name in rule.names)
    )


def may_ever(rule: Rule, verb: str, resource: str, group: str = "") -> bool:
    """Return whether it allows that for an object of some name: what is being created has none yet."""
    if rule.names and "/" not in resource and verb in ("create", "deletecollection"):
        return False
    return allows(rule, verb, resource, group, rule.names[0] if rule.names else "")


def _in(one: str, names: Iterable[str]) -> bool:
    return any(name in (ANY, one) for name in names)


def _about(resources: Iterable[str], wanted: str) -> bool:
    """`*/scale` is that subresource of any resource; `pods` is none of its subresources, `pods/*` nothing."""
    _, slash, sub = wanted.partition("/")
    return any(one in (ANY, wanted) or (slash != "" and one == f"{ANY}/{sub}") for one in resources)


def everything(rule: Rule) -> bool:
    """Return whether it allows whatever can be asked about resources."""
    return ANY in rule.verbs and ANY in rule.groups and ANY in rule.resources and not rule.names


class Graph:
    """Roles and bindings of some clusters, by whom they are for."""

    def __init__(self, roles: Iterable[Role], bindings: Iterable[Binding]) -> None:
        self._roles = {(one.cluster, one.key): one for one in roles}
        self._rules: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self.bound: dict[tuple[str, str, str], list[Binding]] = {}
        """By (cluster, namespace, name) of a service account, the bindings that name it itself."""
        found: dict[tuple[str, Who, str, str], list[Grant]] = {}
        for binding in bindings:
            for bound in dict.fromkeys(map(named, binding.subjects)):
                whose = (binding.cluster, bound.kind, bound.namespace, bound.name)
                if bound.kind == "ServiceAccount":
                    self.bound.setdefault((binding.cluster, bound.namespace, bound.name), []).append(binding)
                found.setdefault(whose, []).extend(self._granted(binding, bound))
        self.principals = {
            whose: Principal(
                cluster=whose[0], kind=whose[1], namespace=whose[2], name=whose[3], grants=tuple(grants)
            )
            for whose, grants in sorted(found.items())
        }

    def role(self, binding: Binding) -> Role | None:
        """Return the role that a binding names; None: there is none."""
        return self._roles.get((binding.cluster, role_key(binding)))

    def rules(self, role: Role) -> tuple[Rule, ...]:
        """Return the rules of a role, with those of the roles that are aggregated into it."""
        kept = self._rules.get((role.cluster, role.key))
        if kept is None:
            parts = self.parts(role)
            kept = tuple(dict.fromkeys(rule for one in parts for rule in one.rules))
            self._rules[role.cluster, role.key] = kept
        return kept

    def parts(self, role: Role) -> list[Role]:
        """Return a role and the ClusterRoles that are aggregated into it, through others as well."""
        found = {role.key: role}
        left = [role]
        while left:
            one = left.pop()
            for other in self._selected(one):
                if other.key not in found:
                    found[other.key] = other
                    left.append(other)
        return list(found.values())

    def _selected(self, role: Role) -> Iterator[Role]:
        if not role.selectors:
            return
        from dcctl.packing.fit.relations import selects

        for other in self._roles.values():
            near = not other.namespace and other.cluster == role.cluster
            if near and any(selects(one, other.labels) for one in role.selectors):
                yield other

    def _granted(self, binding: Binding, bound: Bound) -> Iterator[Grant]:
        role = self.role(binding)
        if role is not None:
            shipped = is_shipped(binding, bound)
            for rule in self.rules(role):
                yield Grant(rule, role.key, binding.key, binding.namespace, shipped)

    def of_account(self, cluster: str, namespace: str, name: str) -> list[Grant]:
        """Return what a service account may do, by its groups as well."""
        return self.of_user(cluster, f"{_ACCOUNT}{namespace}:{name}")

    def of_user(self, cluster: str, user: str, groups: Sequence[str] = ()) -> list[Grant]:
        """Return what somebody may do whom the API server knows by this name and in these groups."""
        one = named(Bound("User", user))
        member = {*groups, "system:authenticated"}
        if one.kind == "ServiceAccount":
            member |= {"system:serviceaccounts", f"system:serviceaccounts:{one.namespace}"}
        whose: list[tuple[str, Who, str, str]] = [(cluster, one.kind, one.namespace, one.name)]
        whose += [(cluster, "Group", "", group) for group in sorted(member)]
        return [grant for each in whose if each in self.principals for grant in self.principals[each].grants]


def named(bound: Bound) -> Bound:
    """Return whom a subject means: a service account may be bound by the name that it has as a user."""
    if bound.kind == "User" and bound.name.startswith(_ACCOUNT):
        namespace, colon, name = bound.name.removeprefix(_ACCOUNT).partition(":")
        if colon and name:
            return Bound("ServiceAccount", name, namespace)
    return bound


def role_key(binding: Binding) -> str:
    """Return the key of the role that a binding names, whether there is one or not."""
    if binding.role_kind == "ClusterRole":
        return f"ClusterRole/{binding.role}"
    return f"{binding.namespace}/Role/{binding.role}"


def graph(scene: Scene) -> Graph:
    """Return the graph of a scene; ask it by `scene.once`."""
    return Graph(scene.evidence.roles or (), scene.evidence.bindings or ())


def _principals(scene: Scene) -> tuple[Principal, ...]:
    """None where a list of roles or bindings was refused: nobody would know that somebody may do nothing."""
    if scene.silence("principals"):
        return ()
    return tuple(scene.once(graph).principals.values())


MADE_OF["principals"] = ("roles", "bindings")
DERIVED["principals"] = _principals
