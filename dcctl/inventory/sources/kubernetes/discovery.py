"""Which APIs a cluster has, so that only those are asked: a CRD that is not installed is not a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import field

from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from dcctl.inventory.sources.http.client import Client
    from dcctl.inventory.sources.kubernetes.listed import Listed

_ACCEPT = ",".join(
    (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        "application/json",
    )
)
"""One document with all resources from servers since 1.27, only the groups from older ones."""


class ResourceRow(Wire):
    """A resource of a version."""

    resource: str = ""


class VersionRow(Wire):
    """A version of a group; without resources in the older document."""

    version: str = ""
    resources: list[ResourceRow] | None = None


class NameOnly(Wire):
    """Metadata of a group in the newer document."""

    name: str = ""


class GroupRow(Wire):
    """A group, in either form."""

    name: str = ""
    metadata: NameOnly = field(default_factory=NameOnly)
    versions: list[VersionRow] | None = None


class Document(Wire):
    """The answer of /apis, in either form."""

    groups: list[GroupRow] | None = None
    items: list[GroupRow] | None = None


class Served:
    """What a cluster serves."""

    def __init__(self, groups: dict[str, dict[str, frozenset[str] | None]]) -> None:
        """By group and version, the resources; None where the server did not say which."""
        self._groups = groups

    def versions(self, listed: Listed) -> tuple[str, ...]:
        """The versions in which to ask for a list, best first; empty when the cluster does not have it."""
        if not listed.group:
            return listed.versions
        served = self._groups.get(listed.group, {})
        return tuple(
            each for each in listed.versions if each in served and self._has(served[each], listed.plural)
        )

    def foreign(self, listed: Listed) -> tuple[str, ...]:
        """Versions that have the resource and that we cannot read, when there is none that we can."""
        if not listed.group or self.versions(listed):
            return ()
        served = self._groups.get(listed.group, {})
        return tuple(
            sorted(each for each, names in served.items() if names is not None and listed.plural in names)
        )

    def titles(self) -> tuple[str, ...]:
        """Every group, and every resource where the server tells them: `apps`, `deployments.apps`."""
        resources = (
            f"{plural}.{group}"
            for group, versions in self._groups.items()
            for names in versions.values()
            for plural in names or ()
        )
        return tuple(sorted({*self._groups, *resources}))

    @staticmethod
    def _has(names: frozenset[str] | None, plural: str) -> bool:
        return names is None or plural in names


def discover(client: Client) -> Served:
    """Ask what the cluster serves. Raises Failure."""
    return parse_discovery(client.get("/apis", accept=_ACCEPT))


def parse_discovery(body: bytes) -> Served:
    """Read either form of the answer of /apis. Raises Failure for what is neither."""
    try:
        document = msgspec.json.decode(body, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(
            f"the answer is not that of a Kubernetes API server: {error}",
            "invalid",
            "check `server:` in the kubeconfig",
        ) from error
    rows = document.items if document.items is not None else document.groups
    if rows is None:
        raise Failure(
            "the answer is not that of a Kubernetes API server",
            "invalid",
            "check `server:` in the kubeconfig",
        )
    return Served({row.name or row.metadata.name: _versions(row) for row in rows})


def _versions(row: GroupRow) -> dict[str, frozenset[str] | None]:
    return {
        each.version: None if each.resources is None else frozenset(one.resource for one in each.resources)
        for each in row.versions or ()
    }
