"""How far a service account is from the whole cluster: what its rights let it become, step by step.

A step is a right by which one account acts as another, or as an administrator. Kubernetes checks that nobody
gives more than they have when roles are written or bound, so those rights alone are no step.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from dcctl.audit.facts.graph import RBAC, everything, graph, may_ever
from dcctl.audit.facts.workkinds import MAKE_PODS
from dcctl.audit.facts.works import runs_as

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.audit.facts.graph import Grant, Graph
    from dcctl.audit.facts.works import Whose
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.rbac import Account, Rule

MOST_STEPS: Final = 2
_CSR: Final = "certificates.k8s.io"
_HOOKS: Final = "admissionregistration.k8s.io"
_WRITE: Final = ("create", "update", "patch")


class Step(NamedTuple):
    """Accounts that one may act as."""

    says: str
    namespace: str
    """Where they are; empty: anywhere."""
    names: frozenset[str] | None = None
    """Those alone; None: any."""
    running: bool = False
    """Only as whom a pod runs already."""


class Path(NamedTuple):
    """The shortest way of an account to the whole cluster."""

    steps: tuple[str, ...]
    """Each with what comes of it; empty: it has every right already."""


class Reach:
    """The accounts of some clusters by how many steps they are away from every right."""

    def __init__(self, known: Graph, accounts: Iterable[Whose], running: frozenset[Whose]) -> None:
        self._running = running
        self._grants = {whose: known.of_account(*whose) for whose in sorted(set(accounts) | running)}
        self._paths: dict[Whose, Path] = {}
        self._near: list[list[Whose]] = [[]]
        for whose, grants in self._grants.items():
            if any(everything(grant.rule) and not grant.namespace for grant in grants):
                self._reached(whose, Path(()))
        steps = {whose: tuple(_steps(grants)) for whose, grants in self._grants.items()}
        for _ in range(MOST_STEPS):
            self._further(steps)

    def path(self, whose: Whose) -> Path | None:
        """Return how an account gets there within MOST_STEPS; None: not at all."""
        return self._paths.get(whose)

    def _further(self, steps: dict[Whose, tuple[Step, ...]]) -> None:
        """Those that are one step away from whom the last round has reached, or from every right."""
        nearer = self._near[-1]
        self._near.append([])
        for whose, grants in self._grants.items():
            if whose in self._paths:
                continue
            said = _directly(grants)
            path = Path((said,)) if said else self._by(whose, steps[whose], nearer)
            if path is not None:
                self._reached(whose, path)

    def _reached(self, whose: Whose, path: Path) -> None:
        self._paths[whose] = path
        self._near[-1].append(whose)

    def _by(self, whose: Whose, steps: tuple[Step, ...], nearer: list[Whose]) -> Path | None:
        for step in steps:
            for other in nearer:
                if other[0] == whose[0] and self._is_among(other, step):
                    says = f"{step.says} as {other[1]}/{other[2]}"
                    return Path((says, *self._paths[other].steps))
        return None

    def _is_among(self, other: Whose, step: Step) -> bool:
        _, namespace, name = other
        return (
            step.namespace in ("", namespace)
            and (step.names is None or name in step.names)
            and (not step.running or other in self._running)
        )


def _may(grants: Iterable[Grant], verbs: Iterable[str], resource: str, group: str = "") -> bool:
    """Whether everywhere, for objects of any name."""
    wanted = tuple(verbs)
    return any(
        not grant.namespace and grant.allows(verb, resource, group) for grant in grants for verb in wanted
    )


def _directly(grants: list[Grant]) -> str:
    """By what these rights are as good as every right; empty: they are not."""
    writes = _may(grants, ["update", "patch"], "clusterroles", RBAC)
    if writes and _may(grants, ["escalate"], "clusterroles", RBAC):
        return "escalates a ClusterRole"
    if _may(grants, ["bind"], "clusterroles", RBAC) and _may(grants, _WRITE, "clusterrolebindings", RBAC):
        return "binds cluster-admin"
    if _may(grants, ["impersonate"], "users") or _may(grants, ["impersonate"], "groups"):
        return "impersonates an administrator"
    if _may(grants, _WRITE, "mutatingwebhookconfigurations", _HOOKS):
        return "rewrites what others send by a webhook"
    asks = _may(grants, ["create"], "certificatesigningrequests", _CSR)
    signs = _may(grants, ["update", "patch"], "certificatesigningrequests/approval", _CSR)
    if asks and signs and _may(grants, ["approve"], "signers", _CSR):
        return "approves a certificate of an administrator"
    return ""


def _steps(grants: list[Grant]) -> Iterator[Step]:
    """Whom these rights let one act as; the plainest first."""
    for grant in grants:
        for way in _ways(grant.rule):
            if not (way.of_nodes and grant.namespace):
                names = frozenset(grant.rule.names) if way.by_name and grant.rule.names else None
                yield Step(way.says, grant.namespace, names, way.running)
    for namespace in sorted(_makes_secrets(grants)):
        yield Step("makes a Secret with a token", namespace)


class _Way(NamedTuple):
    """What a rule lets one do with accounts, wherever it holds."""

    says: str
    by_name: bool = False
    """The names of the rule are those of the accounts."""
    running: bool = False
    of_nodes: bool = False
    """By nodes, which stand in no namespace."""


@cache
def _ways(rule: Rule) -> tuple[_Way, ...]:
    """The ways of a rule: there are far fewer rules than bindings."""
    found = (
        (_any(rule, ("create",), "serviceaccounts/token"), _Way("makes a token", by_name=True)),
        (_any(rule, ("impersonate",), "serviceaccounts"), _Way("acts by impersonation", by_name=True)),
        (_starts(rule), _Way("starts a pod")),
        (_enters(rule), _Way("enters a pod that runs", running=True)),
        (
            _any(rule, ("get", "create"), "nodes/proxy"),
            _Way("enters a pod, by its kubelet, that runs", running=True, of_nodes=True),
        ),
    )
    return tuple(way for there, way in found if there)


def _any(rule: Rule, verbs: Iterable[str], resource: str, group: str = "") -> bool:
    return any(may_ever(rule, verb, resource, group) for verb in verbs)


def _starts(rule: Rule) -> bool:
    """A new pod, or other contents of what makes pods; the account of one that is there stays."""
    return any(
        _any(rule, ("create",) if plural == "pods" else _WRITE, plural, group)
        for group, plurals in MAKE_PODS.items()
        for plural in plurals
    )


def _enters(rule: Rule) -> bool:
    return (
        _any(rule, ("create", "get"), "pods/exec")
        or _any(rule, ("create", "get"), "pods/attach")
        or _any(rule, ("update", "patch"), "pods/ephemeralcontainers")
        or _any(rule, ("update", "patch"), "pods")
    )


def _makes_secrets(grants: list[Grant]) -> set[str]:
    """Namespaces where a Secret can be made and read: the system writes the token of its account into it."""
    made = {one.namespace for one in grants if may_ever(one.rule, "create", "secrets")}
    read = {one.namespace for one in grants if any(one.allows(verb, "secrets") for verb in ("get", "list"))}
    return {one for one in made | read if made & {one, ""} and read & {one, ""}}


def reach(scene: Scene) -> Reach:
    """Return the reach of all accounts that anybody names; ask for it by `scene.once`."""
    known = scene.once(graph)
    bound = [(each[0], each[2], each[3]) for each in known.principals if each[1] == "ServiceAccount"]
    accounts = cast("tuple[Account, ...]", scene.of("accounts"))
    told = [(one.cluster, one.namespace, one.name) for one in accounts]
    return Reach(known, (*bound, *told), frozenset(scene.once(runs_as)))
