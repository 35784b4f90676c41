"""RBAC: who may do what, directly, by groups, and by way of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.audit.check import Fault, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.rbac import Role

_SYSTEM = ("system:", "kubeadm:")


def bound_roles(scene: Scene) -> frozenset[str]:
    """Return the keys of roles that some binding with a subject names."""
    return frozenset(
        f"ClusterRole/{one.role}" if one.role_kind == "ClusterRole" else f"{one.namespace}/Role/{one.role}"
        for one in scene.evidence.bindings or ()
        if one.subjects
    )


def _of_the_site(role: Role, scene: Scene) -> str:
    if role.name.startswith(_SYSTEM) or role.labels.get("kubernetes.io/bootstrapping") == "rbac-defaults":
        return "roles that come with Kubernetes"
    if role.aggregated:
        return "roles that are filled in from others"
    return "" if role.key in scene.once(bound_roles) else "roles that nobody is bound to"


@check(
    "RBAC-03",
    "Wildcard in a bound role",
    "high",
    tier="A",
    over="roles",
    refs=("cis-1.12:5.1.3",),
    why="A rule with * also allows what will be added to the API later: nobody has decided that.",
    fix="Name verbs, resources and groups. kubectl auth can-i --list --as shows what is used.",
    applies=_of_the_site,
)
def wildcards(role: Role, scene: Scene) -> Iterator[Fault]:
    """No rule has `*` among its verbs, resources or groups."""
    for name in ("verbs", "resources", "groups"):
        if any("*" in getattr(rule, name) for rule in role.rules):
            yield Fault(f"allows any of the {name}", name)
