"""What principals may do with what they were bound to: rights that are as good as others, or worse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.audit.check import Fault, check
from dcctl.audit.facts.graph import RBAC, may_ever
from dcctl.audit.facts.shipped import DEFAULTS
from dcctl.audit.facts.trusted import trusted
from dcctl.audit.facts.workkinds import MAKE_PODS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dcctl.audit.check import Severity
    from dcctl.audit.facts.graph import Grant, Principal
    from dcctl.audit.scene import Scene

READ: Final = ("get", "list", "watch")
WRITE: Final = ("create", "update", "patch", "delete", "deletecollection")
_CSR: Final = "certificates.k8s.io"
_HOOKS: Final = "admissionregistration.k8s.io"
_BROAD: Final = (
    "system:authenticated",
    "system:unauthenticated",
    "system:anonymous",
    "system:serviceaccounts",
)
"""Principals that are many: what they may do in one namespace is given broadly as well."""


class Power(NamedTuple):
    """Requests that come to the same."""

    verbs: tuple[str, ...]
    group: str
    resources: tuple[str, ...]

    def of(self, grant: Grant) -> Iterator[str]:
        """Yield what a grant allows of it: `get secrets`."""
        for resource in self.resources:
            verbs = [one for one in self.verbs if may_ever(grant.rule, one, resource, self.group)]
            if verbs:
                yield f"{', '.join(verbs)} {resource}"


def _from_the_site(principal: Principal, _scene: Scene) -> str:
    return "" if any(not one.shipped for one in principal.grants) else "has what Kubernetes gives, or nothing"


def _everywhere(_principal: Principal, grant: Grant) -> bool:
    return not grant.namespace


def _faults(
    name: str,
    principal: Principal,
    scene: Scene,
    powers: Iterable[Power],
    counts: Callable[[Principal, Grant], bool] = _everywhere,
    narrowed: Severity = "low",
) -> Iterator[Fault]:
    """One fault for each role and place by which a principal has some of these powers.

    `counts`: which grants are asked; `narrowed`: the severity where only objects of some names are allowed.
    """
    if trusted(principal.key, name, scene):
        return
    found: dict[str, dict[str, bool]] = {}
    wanted = tuple(powers)
    for grant in principal.grants:
        if not grant.shipped and counts(principal, grant):
            for power in wanted:
                for what in power.of(grant):
                    told = found.setdefault(grant.scope, {})
                    told[what] = told.get(what, True) and bool(grant.rule.names)
    for scope, told in found.items():
        limited = all(told.values())
        says = f"may {'; '.join(told)}{' of some names' if limited else ''}, by {scope}"
        yield Fault(says, scope, narrowed if limited else None)


@check(
    "RBAC-02",
    "May read the Secrets of every namespace",
    "high",
    tier="A",
    over="principals",
    refs=("cis-1.12:5.1.2", "soc2:CC6.1", "soc2:CC6.3", "iso:A.8.2", "mlps:8.1.4.2"),
    why="Tokens, registry passwords and keys of all tenants are one request away.",
    fix="Give the role in the namespaces that need it, or name the Secrets (resourceNames).",
    applies=_from_the_site,
)
def reads_secrets(principal: Principal, scene: Scene) -> Iterator[Fault]:
    """Nobody may get, list or watch Secrets in all namespaces. Secrets of some names only are less grave."""
    yield from _faults("RBAC-02", principal, scene, (Power(READ, "", ("secrets",)),))


@check(
    "RBAC-04",
    "May create pods, or what makes pods, in every namespace",
    "medium",
    tier="A",
    over="principals",
    refs=("cis-1.12:5.1.4", "soc2:CC6.3", "iso:A.8.2"),
    why="A pod may run as any service account of its namespace and mount any of its Secrets.",
    fix="Give the role in the namespaces of its work, not to the whole cluster.",
    applies=_from_the_site,
)
def creates_pods(principal: Principal, scene: Scene) -> Iterator[Fault]:
    """Nobody but the site's policy may create pods or workloads in all namespaces."""
    powers = [Power(("create",), group, plurals) for group, plurals in MAKE_PODS.items()]
    yield from _faults("RBAC-04", principal, scene, powers)


_RISE: Final = (
    Power(("escalate",), RBAC, ("clusterroles",)),
    Power(("impersonate",), "", ("users", "groups")),
    Power(("impersonate",), "authentication.k8s.io", ("uids", "userextras")),
)
"""Rights about what stands in no namespace."""
_RISE_INSIDE: Final = (
    Power(("bind",), RBAC, ("clusterroles", "roles")),
    Power(("escalate",), RBAC, ("roles",)),
    Power(("impersonate",), "", ("serviceaccounts",)),
)


def _inside(_principal: Principal, grant: Grant) -> bool:
    """In one namespace, the roles of Kubernetes for its users (admin, edit) bring its accounts."""
    return bool(grant.namespace) and grant.role not in DEFAULTS


@check(
    "RBAC-08",
    "May bind, escalate or impersonate",
    "critical",
    tier="A",
    over="principals",
    refs=("cis-1.12:5.1.8", "800-53:AC-6(1)", "soc2:CC6.3", "iso:A.8.2"),
    why="These verbs are rights to take other rights: whoever has one has, in the end, all of them.",
    fix="Remove bind, escalate and impersonate, also where a wildcard among the verbs brings them.",
    applies=_from_the_site,
)
def rises(principal: Principal, scene: Scene) -> Iterator[Fault]:
    """Nobody beyond the controllers of Kubernetes may bind, escalate or impersonate."""
    yield from _faults("RBAC-08", principal, scene, _RISE + _RISE_INSIDE, narrowed="high")
    for one in _faults("RBAC-08", principal, scene, _RISE_INSIDE, _inside, narrowed="medium"):
        yield one._replace(severity=one.severity or "high")


@check(
    "RBAC-09",
    "May create PersistentVolumes",
    "high",
    tier="A",
    over="principals",
    refs=("cis-1.12:5.1.9", "soc2:CC6.3", "iso:A.8.2"),
    why="A PersistentVolume may be any folder of a node, whatever policies say about the volumes of pods.",
    fix="Leave it to provisioners; people and pipelines ask for claims.",
    applies=_from_the_site,
)
def creates_volumes(principal: Principal, scene: Scene) -> Iterator[Fault]:
    """Only provisioners and the site's policy may create PersistentVolumes."""
    yield from _faults("RBAC-09", principal, scene, (Power(("create",), "", ("persistentvolumes",)),))


@check(
    "RBAC-10",
    "May talk to kubelets through the API server",
    "critical",
    tier="A",
    over="principals",
    refs=("cis-1.12:5.1.10", "800-53:AC-6", "soc2:CC6.3", "iso:A.8.2"),
    why="By nodes/proxy one runs commands in any pod of the node, past admission and past the audit log.",
    fix="Use nodes/metrics and nodes/stats for monitoring, and remove nodes/proxy.",
    applies=_from_the_site,
)
def proxies(principal: Principal, scene: Scene) -> Iterator[Fault]:
    """Nobody has nodes/proxy."""
    powers = (Power(("get", "create", "update", "patch", "delete"), "", ("nodes/proxy",)),)
    yield from _faults("RBAC-10", principal, scene, powers)


_APPROVE: Final = (
    Power(("update", "patch"), _CSR, ("certificatesigningrequests/approval",)),
    Power(("approve",), _CSR, ("signers",)),
)
_TOKENS: Final = (Power(("create",), "", ("serviceaccounts/token",)),)


def _in_the_system(_principal: Principal, grant: Grant) -> bool:
    return grant.namespace == "kube-system"


@check(
    "RBAC-11",
    "May approve certificates or make tokens of service accounts",
    "high",
    tier="A",
    over="principals",
    refs=("cis-1.12:5.1.11", "cis-1.12:5.1.13", "soc2:CC6.3", "iso:A.8.2"),
    why="Whoever makes a certificate or a token for somebody else is that somebody.",
    fix="Leave approval to its controllers; name the accounts whose tokens may be made (resourceNames).",
    applies=_from_the_site,
)
def makes_credentials(principal: Principal, scene: Scene) -> Iterator[Fault]:
    """Nobody but approvers approves; tokens are made in a namespace of one's own, or of accounts by name."""
    yield from _faults("RBAC-11", principal, scene, _APPROVE + _TOKENS)
    yield from _faults("RBAC-11", principal, scene, _TOKENS, _in_the_system)


@check(
    "RBAC-12",
    "May change admission webhooks",
    "high",
    tier="A",
    over="principals",
    refs=("cis-1.12:5.1.12", "soc2:CC6.3", "iso:A.8.2"),
    why="A webhook sees and may change every object; without the one that is there, policies are off.",
    fix="Leave webhook configurations to their operators, each by the name of its own (resourceNames).",
    applies=_from_the_site,
)
def changes_webhooks(principal: Principal, scene: Scene) -> Iterator[Fault]:
    """Only operators of admission may write webhook configurations."""
    kinds = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
    yield from _faults("RBAC-12", principal, scene, (Power(WRITE, _HOOKS, kinds),))


def _broadly(principal: Principal, grant: Grant) -> bool:
    many = principal.kind != "ServiceAccount" and (
        principal.name in _BROAD or principal.name.startswith("system:serviceaccounts:")
    )
    return many or not grant.namespace


@check(
    "RBAC-13",
    "May enter containers broadly",
    "high",
    tier="A",
    over="principals",
    refs=("nsa:C-0002", "800-53:AC-6", "soc2:CC6.3", "iso:A.8.18"),
    why="A shell or a tunnel into a pod has its secrets, its network and its data, and leaves little trace.",
    fix="Give exec, attach, portforward and ephemeralcontainers to named people in named namespaces.",
    applies=_from_the_site,
)
def enters(principal: Principal, scene: Scene) -> Iterator[Fault]:
    """Nobody but the site's policy may enter containers everywhere, and no group of everybody anywhere."""
    powers = (
        Power(("create", "get"), "", ("pods/exec", "pods/attach", "pods/portforward")),
        Power(("update", "patch"), "", ("pods/ephemeralcontainers",)),
    )
    yield from _faults("RBAC-13", principal, scene, powers, _broadly)
