"""The cluster itself: its version, its APIs, who runs its control plane, and what dcctl may do there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec
from msgspec import field

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.cluster import Cluster
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.evidence.managed import CONTROL_PLANE, control_plane
from dcctl.inventory.sources.kubernetes.evidence.rbac import (
    RuleWire,  # noqa: TC001  # msgspec resolves annotations at run time
)
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.evidence.rbac import Rule
    from dcctl.inventory.sources.http.client import Client
    from dcctl.inventory.sources.kubernetes.discovery import Served
    from dcctl.inventory.sources.kubernetes.evidence.components import Answers
    from dcctl.inventory.sources.kubernetes.evidence.managed import Sign

T = TypeVar("T")
REVIEWED = ("default", "kube-system")
"""Namespaces in which dcctl asks what it may do: an ordinary one, and that of the system."""


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


def cluster(client: Client, name: str, told: str, served: Served | Failure, answers: Answers) -> Cluster:
    """Ask what the cluster is. What is not answered is silent, with why.

    `told`: the name that subjects of several clusters are told apart by, or empty.
    """
    silent: dict[str, Silence] = {}
    rights = _asked(silent, "rules", lambda: _rights(client))
    user = _asked(silent, "user", lambda: _user(client))
    apis = None
    if isinstance(served, Failure):
        silent["apis"] = silence_of(served)
    else:
        apis = served.titles()
    sign = sign_of(served, answers)
    if sign is None:
        nobody = Silence(f"no node has the label {CONTROL_PLANE}", "missing")
        silent["control_plane"] = answers.nodes if isinstance(answers.nodes, Silence) else nobody
    if isinstance(answers.version, Silence):
        silent["version"] = answers.version
    return Cluster(
        cluster=told,
        name=name,
        version=answers.told_version or None,
        minor=_minor(answers.told_version),
        apis=apis,
        control_plane=None if sign is None else "managed" if sign.provider else "own",
        told_by=sign.says if sign else "",
        user=user,
        rules=rights and rights.rules,
        rules_complete=rights is None or rights.complete,
        silent=silent,
    )


def sign_of(served: Served | Failure, answers: Answers) -> Sign | None:
    """Return who runs the control plane, by all that was told."""
    apis = () if isinstance(served, Failure) else served.titles()
    return control_plane(answers.told_version, apis, answers.seen())


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
