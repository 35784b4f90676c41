"""The requests of `kubectl drain`, and what the API server says in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from dcctl.drain.act.kubernetes.evictions import TERMINATING, eviction
from dcctl.drain.act.kubernetes.nodes import Node
from dcctl.drain.compat.rules import Lookup, Pod
from dcctl.errors import DeniedError
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.client import Client, Patience
from dcctl.inventory.sources.http.dialect import Dialect
from dcctl.inventory.sources.http.failure import Failure, retry_after
from dcctl.inventory.sources.kubernetes.api import status_of
from dcctl.inventory.sources.kubernetes.auth import connect
from dcctl.inventory.sources.kubernetes.objects import Live, Objects
from dcctl.inventory.sources.kubernetes.paths import node_path, pod_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.drain.compat.flags import Flags

_TRIES = 10
"""Of what the server asks to send again, by Retry-After: as the library of kubectl does."""
_REQUEST_S = 60.0
_CONNECT_S = 60.0
_FOREVER_S = 10.0**9


class Refused(Failure):
    """An answer that says no, word for word."""

    name = ""
    """What kubectl calls it: NotFound, Forbidden, TooManyRequests."""

    @property
    def is_ending(self) -> bool:
        """Whether it is because its namespace is being deleted."""
        return self.status == 403 and TERMINATING in self.causes

    @property
    def is_gone(self) -> bool:
        """Whether the pod that was meant is no more: none has its name, or another has."""
        return self.status in (404, 409)


class _Verbatim(Dialect):
    """Nothing is put in other words; only what comes with Retry-After is sent again."""

    def refused(self, code: int, headers: Mapping[str, str], body: bytes) -> Failure:
        said = status_of(body)
        wait_s = retry_after(headers) if code == 429 or code >= 500 else None
        message = said.message or f"the server answered with HTTP {code}"
        found = Refused(message, "failed", again=wait_s is not None, status=code, wait_s=wait_s)
        found.name, found.causes = said.reason, said.causes
        return found


class Cluster:
    """One cluster. Methods raise Failure; Refused where the server said no."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def node(self, name: str) -> Node:
        """The node of this name."""
        return self._objects.read(node_path(name), Node)

    def nodes(self, selector: str, page: int) -> list[Node]:
        """Those that labels select, by name."""
        return self._objects.all_of("/api/v1/nodes", Node, page, labelSelector=selector)

    def understands(self, selector: str) -> bool:
        """Whether it is a label selector, by the server's own word."""
        try:
            self._objects.read("/api/v1/pods", Live, {"labelSelector": selector, "limit": "1"})
        except Failure as failure:
            if failure.status == 400:
                return False
            raise
        return True

    def pods(self, node: str, selector: str, page: int) -> list[Pod]:
        """Those that stand on a node, by namespace and name."""
        selected = {"labelSelector": selector} if selector else {}
        return self._objects.all_of(
            "/api/v1/pods", Pod, page, fieldSelector=f"spec.nodeName={node}", **selected
        )

    def pod(self, pod: Pod) -> Pod:
        """The pod of the same name as it is now."""
        return self._objects.read(pod_path(pod.title), Pod)

    def daemon_set(self, namespace: str, name: str) -> Lookup:
        """Whether it is there."""
        path = f"/apis/apps/v1/namespaces/{quote(namespace, safe='')}/daemonsets/{quote(name, safe='')}"
        try:
            self._objects.read(path, Live)
        except Failure as failure:
            return Lookup(missing=failure.status == 404, error=failure.reason)
        return Lookup()

    def cordon(self, node: str, *, dry_run: bool) -> None:
        """Nothing new is scheduled on a node."""
        self._objects.patch(node_path(node), {"spec": {"unschedulable": True}}, dry_run=dry_run)

    def eviction_version(self) -> str:
        """The API version of evictions; empty where the server has none."""
        found = self._objects.resources("/api/v1")
        one = next((each for each in found if (each.name, each.kind) == ("pods/eviction", "Eviction")), None)
        if one is None or not (one.group and one.version):
            return ""
        return "policy/v1" if (one.group, one.version) == ("policy", "v1") else "policy/v1beta1"

    def evict(self, pod: Pod, flags: Flags, version: str) -> None:
        """The pod is leaving, if budgets let it."""
        body = eviction(pod.title, _how(pod, flags), version)
        self._objects.send("POST", f"{pod_path(pod.title)}/eviction", body)

    def delete(self, pod: Pod, flags: Flags) -> None:
        """The pod is leaving, whatever budgets say, or was gone."""
        try:
            self._objects.send("DELETE", pod_path(pod.title), _how(pod, flags))
        except Refused as refused:
            if not refused.is_gone:
                raise


def cluster_of(flags: Flags) -> Cluster:
    """The cluster that the flags name, as kubectl would find it; nothing is asked of it yet.

    UsageError: the kubeconfig is wrong. DeniedError: there are no credentials.
    """
    try:
        connection = connect(flags.kubeconfig or None, flags.context or None, _CONNECT_S)
    except SourceError as error:
        raise DeniedError(error.subject, error.reason, error.hint) from error
    request_s = flags.request_timeout_ns / 10**9 or _REQUEST_S
    patience = Patience(request_s=request_s, tries=_TRIES, spread=0.0)
    client = Client(connection._replace(dialect=_Verbatim()), _FOREVER_S, patience)
    return Cluster(Objects(client, _FOREVER_S))


def _how(pod: Pod, flags: Flags) -> dict[str, object]:
    """The options of a deletion."""
    made: dict[str, object] = {"apiVersion": "v1", "kind": "DeleteOptions"}
    made |= {"preconditions": {"uid": pod.metadata.uid}}
    made |= {"gracePeriodSeconds": flags.grace_period} if flags.grace_period >= 0 else {}
    return made | ({"dryRun": ["All"]} if flags.dry_run == "server" else {})
