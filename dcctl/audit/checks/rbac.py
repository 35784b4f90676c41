"""RBAC as it is written down: roles, bindings, and the service accounts that pods run as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from dcctl.audit.check import Fault, check
from dcctl.audit.facts.graph import ANY, graph, named, role_key
from dcctl.audit.facts.shipped import is_shipped, is_shipped_role
from dcctl.audit.facts.trusted import trusted
from dcctl.audit.facts.works import accounts
from dcctl.audit.scene import DERIVED, MADE_OF
from dcctl.inventory.evidence.rbac import Binding
from dcctl.inventory.evidence.secrets import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.base import Subject
    from dcctl.inventory.evidence.rbac import Bound, Role

_ADMIN: Final = "cluster-admin"
_MASTERS: Final = "system:masters"
_EVERYBODY: Final = frozenset(
    {("User", "system:anonymous"), ("Group", "system:unauthenticated"), ("Group", "system:authenticated")}
)


def who(bound: Bound) -> str:
    """Return the key of the principal that a subject of a binding means."""
    one = named(bound)
    return f"{one.namespace}/{one.kind}/{one.name}" if one.namespace else f"{one.kind}/{one.name}"


def _by_the_site(binding: Binding) -> list[Bound]:
    """The subjects of a binding that did not come with Kubernetes."""
    return [one for one in binding.subjects if not is_shipped(binding, one)]


def _has_subjects(binding: Binding, _scene: Scene) -> str:
    return "" if _by_the_site(binding) else "bindings of nobody, or that come with Kubernetes"


def _of_admin(binding: Binding, scene: Scene) -> str:
    other = binding.role_kind != "ClusterRole" or binding.role != _ADMIN
    return "bindings of other roles" if other else _has_subjects(binding, scene)


@check(
    "RBAC-01",
    "cluster-admin is bound beyond what Kubernetes needs",
    "high",
    tier="A",
    over="bindings",
    refs=("cis-1.12:5.1.1", "nsa:C-0035", "soc2:CC6.1", "soc2:CC6.3", "iso:A.8.2", "mlps:8.1.4.2"),
    why="Whoever holds it can read every Secret, run on every node and remove every trace of it.",
    fix="Bind a role that names what is needed, then delete this binding; keep one account for emergencies.",
    applies=_of_admin,
)
def cluster_admins(binding: Binding, scene: Scene) -> Iterator[Fault]:
    """The role cluster-admin has no holder but those of Kubernetes itself and of the site's policy.

    Inside one namespace it gives all that is in there, which is less.
    """
    for one in dict.fromkeys(map(who, _by_the_site(binding))):
        if not trusted(one, "RBAC-01", scene):
            where = f"in {binding.namespace}" if binding.namespace else "of the cluster"
            yield Fault(f"{one} is administrator {where}", one, "medium" if binding.namespace else None)


def bound_roles(scene: Scene) -> frozenset[tuple[str, str]]:
    """Return (cluster, key) of the roles that somebody has who is not trusted with wildcards.

    A role that is aggregated into one of these is one of them.
    """
    known = scene.once(graph)
    found: set[tuple[str, str]] = set()
    for binding in cast("tuple[Binding, ...]", scene.told("bindings")):
        if any(not trusted(who(one), "RBAC-03", scene) for one in binding.subjects):
            role = known.role(binding)
            found.update((binding.cluster, one.key) for one in (known.parts(role) if role else ()))
    return frozenset(found)


def _of_the_site(role: Role, scene: Scene) -> str:
    if is_shipped_role(role):
        return "roles that come with Kubernetes"
    if role.aggregated:
        return "roles that are filled in from others"
    unbound = (role.cluster, role.key) not in scene.once(bound_roles)
    return "roles that nobody is bound to, or only a well-known operator" if unbound else ""


@check(
    "RBAC-03",
    "Wildcard in a bound role",
    "high",
    tier="A",
    over="roles",
    refs=("cis-1.12:5.1.3", "soc2:CC6.3", "iso:A.8.2"),
    why="A rule with * also allows what will be added to the API later: nobody has decided that.",
    fix="Name verbs, resources and groups. `kubectl auth can-i --list --as NAME` shows what is allowed now.",
    applies=_of_the_site,
)
def wildcards(role: Role, _scene: Scene) -> Iterator[Fault]:
    """No rule has `*` among its verbs, resources or groups."""
    for name in ("verbs", "resources", "groups"):
        if any(ANY in getattr(rule, name) for rule in role.rules):
            yield Fault(f"allows any of the {name}", name)


def _holders(scene: Scene) -> tuple[Subject, ...]:
    """What may make somebody a member of system:masters: bindings, and certificates of clients."""
    groups = tuple(one for one in scene.evidence.certificates or () if one.organizations)
    return (*(scene.evidence.bindings or ()), *groups)


MADE_OF["group_holders"] = ("bindings",)
DERIVED["group_holders"] = _holders


def _not_of_masters(subject: Subject, _scene: Scene) -> str:
    if isinstance(subject, Binding):
        return "" if any(one.kind == "Group" for one in subject.subjects) else "bindings of no group"
    return ""


@check(
    "RBAC-07",
    "The group system:masters is used",
    "high",
    tier=("A", "S"),
    over="group_holders",
    refs=("cis-1.12:5.1.7", "800-53:AC-6", "soc2:CC6.3", "iso:A.8.2"),
    why="The API server lets this group do anything before it looks at RBAC: nothing can be taken from it.",
    fix="Issue certificates of another group and bind that; keep one of system:masters locked away.",
    applies=_not_of_masters,
)
def masters(subject: Subject, scene: Scene) -> Iterator[Fault]:
    """No binding of the site names system:masters, and no certificate is of it but those for emergencies."""
    if isinstance(subject, Binding):
        if any((one.kind, one.name) == ("Group", _MASTERS) for one in _by_the_site(subject)):
            yield Fault(f"binds {_MASTERS} to {subject.role}", _MASTERS)
    elif isinstance(subject, Certificate) and _unexpected(subject, scene):
        yield Fault(f"{subject.common_name or 'its holder'} is of {_MASTERS}", _MASTERS)


def _unexpected(one: Certificate, scene: Scene) -> bool:
    return _MASTERS in one.organizations and not one.name.endswith(scene.policy.rights.break_glass)


def _names_everybody(binding: Binding, scene: Scene) -> str:
    if any((one.kind, one.name) in _EVERYBODY for one in binding.subjects):
        return _has_subjects(binding, scene)
    return "bindings of somebody in particular"


@check(
    "RBAC-14",
    "A role is bound to anybody, or to whoever has logged in",
    "critical",
    tier="A",
    over="bindings",
    refs=("dcctl:bound-to-everybody", "800-53:AC-14", "soc2:CC6.3", "iso:A.8.2", "mlps:8.1.4.1"),
    why="In these groups is every user and every pod; in two of them, whoever reaches the port.",
    fix="Bind the role to the groups that need it, and delete this subject from the binding.",
    applies=_names_everybody,
)
def everybody(binding: Binding, scene: Scene) -> Iterator[Fault]:
    """Nobody and everybody have only the roles that Kubernetes itself gives to them."""
    for one in dict.fromkeys(_by_the_site(binding)):
        key = f"{one.kind}/{one.name}"
        if (one.kind, one.name) in _EVERYBODY and not trusted(key, "RBAC-14", scene):
            yield Fault(f"{one.name} has {binding.role}", key)


@check(
    "RBAC-15",
    "A binding names a role or a service account that is not there",
    "low",
    tier="A",
    over="bindings",
    refs=("dcctl:dangling-binding", "800-53:AC-2", "soc2:CC6.2"),
    why="Whoever may make an object of that name gets the rights that are waiting for it.",
    fix="Delete the binding, or make what it names.",
    applies=_has_subjects,
)
def dangling(binding: Binding, scene: Scene) -> Iterator[Fault]:
    """The role and every service account of a binding exist."""
    scene.told("roles")
    if scene.once(graph).role(binding) is None:
        yield Fault(f"{role_key(binding)} does not exist", role_key(binding))
    bound = [each for each in map(named, _by_the_site(binding)) if each.kind == "ServiceAccount"]
    for one in dict.fromkeys(bound):
        if (binding.cluster, one.namespace, one.name) not in scene.once(accounts):
            yield Fault(f"{who(one)} does not exist", who(one))
