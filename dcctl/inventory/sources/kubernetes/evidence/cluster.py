"""The cluster itself: its version, its APIs, who runs its control plane, and what dcctl may do there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import field

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.cluster import Cluster
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.evidence.rbac import (
    RuleWire,  # noqa: TC001  # msgspec resolves annotations at run time
)
from dcctl.inventory.sources.kubernetes.evidence.row import METADATA
from dcctl.inventory.sources.kubernetes.types import Bare, Page, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.evidence.rbac import Rule
    from dcctl.inventory.sources.http.client import Client
    from dcctl.inventory.sources.kubernetes.discovery import Served

T = TypeVar("T")
_MANAGED = re.compile(r"-(eks|gke)[-.]")
"""What EKS and GKE add to the version of their API servers."""
_PROVIDERS = {
    "vpcresources.k8s.aws": "EKS",
    "networking.gke.io": "GKE",
    "aks.azure.com": "AKS",
    "alibabacloud.com": "ACK",
}
"""Groups of APIs that a managed cluster has from its first day."""
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
REVIEWED = ("default", "kube-system")
"""Namespaces in which dcctl asks what it may do: an ordinary one, and that of the system."""


class VersionWire(Wire):
    """The answer of /version."""

    git_version: str = ""


class RulesStatus(Wire):
    """What somebody may do in a namespace, with what they may do everywhere."""

    resource_rules: list[RuleWire] | None = None
    non_resource_rules: list[RuleWire] | None = None
    incomplete: bool = False


class RulesReview(Wire):
    """A SelfSubjectRulesReview, answered."""

    status: RulesStatus = field(default_factory=RulesStatus)


class UserWire(Wire):
    """Who asks."""

    username: str = ""


class UserStatus(Wire):
    """Who asks, as the API server sees it."""

    user_info: UserWire = field(default_factory=UserWire)


class UserReview(Wire):
    """A SelfSubjectReview, answered."""

    status: UserStatus = field(default_factory=UserStatus)


class Rights(NamedTuple):
    """What dcctl may do."""

    rules: tuple[Rule, ...]
    complete: bool


def cluster(client: Client, name: str, told: str, served: Served | Failure) -> Cluster:
    """Ask what the cluster is. What is not answered is silent, with why.

    `told`: the name that subjects of several clusters are told apart by, or empty.
    """
    silent: dict[str, Silence] = {}
    version = _asked(silent, "version", lambda: _version(client))
    rights = _asked(silent, "rules", lambda: _rights(client))
    user = _asked(silent, "user", lambda: _user(client))
    apis = None
    if isinstance(served, Failure):
        silent["apis"] = silence_of(served)
    else:
        apis = served.titles()
    who, told_by = _control_plane(client, version or "", apis or (), silent)
    return Cluster(
        cluster=told,
        name=name,
        version=version,
        minor=_minor(version or ""),
        apis=apis,
        control_plane=who,
        told_by=told_by,
        user=user,
        rules=rights and rights.rules,
        rules_complete=rights is None or rights.complete,
        silent=silent,
    )


def _asked(silent: dict[str, Silence], what: str, ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except Failure as failure:
        silent[what] = silence_of(failure)
        return None


def silence_of(failure: Failure) -> Silence:
    """Return why something was not told."""
    return Silence(failure.reason, failure.cause)


def _decoded(body: bytes, of: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=of)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(f"the answer is not what it should be: {error}", "invalid") from error


def _version(client: Client) -> str:
    return _decoded(client.get("/version"), VersionWire).git_version


def _minor(version: str) -> int | None:
    found = re.match(r"v1\.(\d+)", version)
    return int(found[1]) if found else None


def _user(client: Client) -> str:
    body = msgspec.json.encode({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    return _decoded(client.send("POST", path, body), UserReview).status.user_info.username


def _rights(client: Client) -> Rights:
    """What may be done in some namespaces, each rule once. Nothing is stored by asking."""
    found: dict[Rule, None] = {}
    complete = True
    for namespace in REVIEWED:
        wanted = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        status = _decoded(client.send("POST", path, msgspec.json.encode(wanted)), RulesReview).status
        rules = (*(status.resource_rules or ()), *(status.non_resource_rules or ()))
        found.update((one.rule(), None) for one in rules)
        complete = complete and not status.incomplete
    return Rights(tuple(found), complete)


def _control_plane(
    client: Client, version: str, apis: tuple[str, ...], silent: dict[str, Silence]
) -> tuple[Literal["own", "managed"] | None, str]:
    """(whose its machines are, what tells that)."""
    if _MANAGED.search(version):
        return "managed", f"version {version}"
    for group, provider in _PROVIDERS.items():
        if any(api == group or api.endswith(f".{group}") for api in apis):
            return "managed", f"API {group} of {provider}"
    query = {"labelSelector": CONTROL_PLANE, "limit": "1"}
    try:
        nodes = _decoded(client.get("/api/v1/nodes", query, METADATA), Page[Bare]).items or ()
    except Failure as failure:
        silent["control_plane"] = silence_of(failure)
        return None, ""
    if nodes:
        return "own", f"node {nodes[0].metadata.name}"
    silent["control_plane"] = Silence(f"no node has the label {CONTROL_PLANE}", "missing")
    return None, ""
