"""Roles, bindings and accounts of the demo cluster: a notebook that reads too much, an old administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.rbac import Account, Binding, Bound, Role, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.model import Fleet

NOTEBOOKS: Final = "jupyter-sa"
_READ: Final = ("get", "list", "watch")
_ALL: Final = Rule(("*",), ("*",), ("*",))
_MASTERS: Final = Bound("Group", "system:masters")
_ROLES: Final = (
    Role(name="cluster-admin", rules=(_ALL, Rule(("*",), urls=("*",)))),
    Role(name="edit", rules=(Rule(("create", "delete", *_READ, "update"), ("",), ("pods", "configmaps")),)),
    Role(name="view", rules=(Rule(_READ, ("",), ("pods", "configmaps")),)),
    Role(name="dev-all", rules=(Rule(_READ, ("",), ("pods", "secrets", "configmaps")),)),
    Role(
        name="gpu-operator",
        rules=(
            Rule(("create", *_READ, "update"), ("apps",), ("daemonsets",)),
            Rule(("*",), ("nvidia.com",), ("*",)),
        ),
    ),
    Role(name="prometheus", rules=(Rule(("get",), ("",), ("nodes/metrics",)),)),
)
_CLUSTER: Final = (
    Binding(name="cluster-admin", role_kind="ClusterRole", role="cluster-admin", subjects=(_MASTERS,)),
    Binding(
        name="migration-2023",
        role_kind="ClusterRole",
        role="cluster-admin",
        subjects=(Bound("User", "vendor-support"),),
    ),
    Binding(
        name="notebooks",
        role_kind="ClusterRole",
        role="dev-all",
        subjects=(Bound("ServiceAccount", NOTEBOOKS, "nlp"),),
    ),
    Binding(
        name="gpu-operator",
        role_kind="ClusterRole",
        role="gpu-operator",
        subjects=(Bound("ServiceAccount", "gpu-operator", "gpu-operator"),),
    ),
    Binding(
        name="prometheus",
        role_kind="ClusterRole",
        role="prometheus",
        subjects=(Bound("ServiceAccount", "prometheus", "monitoring"),),
    ),
)
_ACCOUNTS: Final = (("nlp", NOTEBOOKS), ("gpu-operator", "gpu-operator"), ("monitoring", "prometheus"))


def spaces(fleet: Fleet) -> list[str]:
    """Return the namespaces of the fleet's work, in order."""
    return sorted({one.id.partition("/")[0] for one in fleet.workloads if "/" in one.id})


def part(fleet: Fleet) -> Evidence:
    """Return who may do what in the demo cluster."""
    tenants = spaces(fleet)
    defaults = tuple(Account(namespace=space, name="default", automount=False) for space in tenants)
    made = tuple(Account(namespace=space, name=name) for space, name in _ACCOUNTS)
    return Evidence(
        roles=_ROLES,
        bindings=(*_CLUSTER, *_teams(tenants)),
        accounts=tuple(sorted((*defaults, *made), key=lambda one: one.key)),
    )


def _teams(tenants: list[str]) -> Iterator[Binding]:
    """Each team edits its own namespace."""
    for space in tenants:
        team = (Bound("Group", f"team-{space}"),)
        yield Binding(namespace=space, name="team", role_kind="ClusterRole", role="edit", subjects=team)
