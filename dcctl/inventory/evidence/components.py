"""Components of Kubernetes as they were configured: flags, files, versions; a default is no evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.devices import Fact
from dcctl.inventory.evidence.base import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
CONFIGZ = "configz"
"""Stands for the file of a kubelet that told its settings itself, defaults and flags applied."""


class FileMode(Fact, frozen=True):
    """Mode and owner of a path, of what a link leads to."""

    path: str
    mode: int
    """Permission bits, 0o7777 at most."""
    owner: str
    """`root:root`."""
    folder: bool = False


class Encrypted(Fact, frozen=True):
    """One entry of an EncryptionConfiguration. Its keys are never read."""

    resources: tuple[str, ...]
    """`secrets`, `configmaps`, `jobs.batch`; `*.` the core group, `*.*` all."""
    providers: tuple[str, ...]
    """In their order: what is new is written with the first."""


class AuditRule(Fact, frozen=True):
    """One rule of an audit policy; what is empty matches all. The first rule that matches decides."""

    level: str
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Groups of users."""
    verbs: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    """`core/secrets`, `apps/*`, `core/pods/exec`; `core/-` where it is about objects of some names alone."""
    namespaces: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    """A rule with these is about requests for no resource."""


class Authentication(Fact, frozen=True):
    """What an AuthenticationConfiguration says."""

    anonymous: bool | None = None
    """None: it says nothing of anonymous requests."""
    anonymous_paths: tuple[str, ...] = ()
    """Empty: where they are let in, to all paths."""
    issuers: int = 0
    """How many issuers of tokens it trusts."""


class Component(Subject, frozen=True, kw_only=True):
    """One process of Kubernetes on one node, with all that says how it is configured."""

    cluster: str = ""
    node: str = ""
    """Empty: nobody told where it runs."""
    name: str
    """`kube-apiserver`, `etcd`, `kubelet`, …; a second one on its node has its port behind an `@`."""
    version: str | None = None
    """`1.31.4`, without what a distribution adds."""
    managed: str = ""
    """Who runs it, where that is a provider: nothing can be read of it, and nothing be changed."""
    flags: dict[str, tuple[str, ...]] | None = None
    """By name without dashes, each value that was given; of etcd, its environment too.

    Values are those of flags that checks look at; of others it is `-`, since they may be secrets.
    """
    config: dict[str, str] | None = None
    """Its configuration file by dotted paths, drop-ins applied, lists joined. Empty: it has none."""
    config_file: str = ""
    authentication: Authentication | None = None
    authorizers: tuple[str, ...] | None = None
    """Types of an AuthorizationConfiguration, in their order."""
    encryption: tuple[Encrypted, ...] | None = None
    audit_policy: tuple[AuditRule, ...] | None = None
    certified: tuple[str, ...] | None = None
    """Names of client certificates that persons had signed and that the API server still lists."""
    files: tuple[FileMode, ...] | None = None
    digests: dict[str, str] | None = None
    """Of public certificates, by path: the beginning of their SHA-256."""

    @property
    def kind(self) -> str:
        """Its name without a port: `kubelet`."""
        return self.name.partition("@")[0]

    @property
    def key(self) -> str:
        """`cp1/kube-apiserver`."""
        return f"{self.node or 'cluster'}/{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its node."""
        return (self.node,) if self.node else ()


_TOLD = (
    *("version", "flags", "config", "authentication", "authorizers", "encryption", "audit_policy"),
    *("certified", "files", "digests"),
)


def united(found: Iterable[Component]) -> tuple[Component, ...]:
    """Return each component once: what an earlier reading told stands, a later one fills in what it lacks.

    One that nobody found on any node is left out where its cluster has one of its kind on some. What a node
    tells of itself is of the cluster that has a node of this name; where several have one, of none.
    """
    told = tuple(found)
    clusters: dict[str, set[str]] = {}
    for one in told:
        if one.cluster and one.node:
            clusters.setdefault(one.node, set()).add(one.cluster)
    kept: dict[tuple[str, str, str], Component] = {}
    for one in (_placed(each, clusters.get(each.node, set())) for each in told):
        place = (one.cluster, one.node, one.name)
        kept[place] = _filled(kept[place], one) if place in kept else one
    there = {(one.cluster, one.kind) for one in kept.values() if one.node}
    return tuple(one for one in kept.values() if one.node or (one.cluster, one.kind) not in there)


def _placed(one: Component, clusters: set[str]) -> Component:
    return one if one.cluster or len(clusters) != 1 else replace(one, cluster=next(iter(clusters)))


def _filled(first: Component, second: Component) -> Component:
    filled = {name: getattr(second, name) for name in _TOLD if getattr(first, name) is None}
    both = replace(
        first,
        **filled,
        config_file=first.config_file or second.config_file,
        managed=first.managed or second.managed,
    )
    silent = {**second.silent, **first.silent}
    return replace(both, silent={name: why for name, why in silent.items() if getattr(both, name) is None})
