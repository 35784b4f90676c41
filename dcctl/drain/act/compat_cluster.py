"""The requests of `kubectl drain`, and what the API server says in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from dcctl.drain.compat.rules import Lookup, Pod
from dcctl.errors import DeniedError
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.client import Client, Patience
from dcctl.inventory.sources.http.dialect import Dialect
from dcctl.inventory.sources.http.failure import Failure, retry_after
from dcctl.inventory.sources.kubernetes.auth import connect
from dcctl.inventory.sources.kubernetes.objects import MANAGER, MERGE_PATCH
from dcctl.inventory.sources.kubernetes.paging import read_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.drain.compat.flags import Flags

T = TypeVar("T")
_TRIES = 10
"""Of what the server asks to send again, by Retry-After: as the library of kubectl does."""
_REQUEST_S = 60.0
_CONNECT_S = 60.0
_FOREVER_S = 10.0**9
_TERMINATING = "NamespaceTerminating"


class _Cause(Struct):
    reason: str = ""


class _Details(Struct):
    causes: list[_Cause] | None = None


class _Status(Struct):
    message: str = ""
    reason: str = ""
    details: _Details | None = None


class Refused(Failure):
    """An answer that says no, word for word."""

    says: str
    cause_name: str
    """Its reason, as kubectl names it: NotFound, Forbidden, TooManyRequests."""
    terminating: bool
    """Whether it is because its namespace is being deleted."""

    @property
    def is_gone(self) -> bool:
        """Whether the pod that was meant is no more: none has its name, or another has."""
        return self.status in (404, 409)


class _Verbatim(Dialect):
    """Nothing is put in other words; only what comes with Retry-After is sent again."""

    def refused(self, code: int, headers: Mapping[str, str], body: bytes) -> Failure:
        try:
            said = msgspec.json.decode(body, type=_Status)
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = _Status()
        wait_s = retry_after(headers) if code == 429 or code >= 500 else None
        message = said.message or f"the server answered with HTTP {code}"
        found = Refused(message, "failed", again=wait_s is not None, status=code, wait_s=wait_s)
        causes = (said.details.causes if said.details else None) or ()
        found.says, found.cause_name = message, said.reason
        found.terminating = code == 403 and any(each.reason == _TERMINATING for each in causes)
        return found


class _NodeMeta(Struct):
    name: str = ""


class _NodeSpec(Struct):
    unschedulable: bool = False


class Node(Struct):
    """What counts of a node."""

    metadata: _NodeMeta = field(default_factory=_NodeMeta)
    spec: _NodeSpec = field(default_factory=_NodeSpec)


class _Resource(Struct):
    name: str = ""
    kind: str = ""
    group: str = ""
    version: str = ""


class _Resources(Struct):
    resources: list[_Resource] | None = None


class _All(list[T]):
    """A list that is filled page by page."""

    def add(self, items: list[T]) -> None:
        self.extend(items)


class Cluster:
    """One cluster. Methods raise Failure; Refused where the server said no."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def node(self, name: str) -> Node:
        """The node of this name."""
        return self._read(f"/api/v1/nodes/{quote(name, safe='')}", Node)

    def nodes(self, selector: str, page: int) -> list[Node]:
        """Those that labels select, by name."""
        return self._list("/api/v1/nodes", Node, {"labelSelector": selector}, page)

    def understands(self, selector: str) -> bool:
        """Whether it is a label selector, by the server's own word."""
        try:
            self._client.get("/api/v1/pods", {"labelSelector": selector, "limit": "1"})
        except Failure as failure:
            if failure.status == 400:
                return False
            raise
        return True

    def pods(self, node: str, selector: str, page: int) -> list[Pod]:
        """Those that stand on a node, by namespace and name."""
        query = {"fieldSelector": f"spec.nodeName={node}"} | ({"labelSelector": selector} if selector else {})
        return self._list("/api/v1/pods", Pod, query, page)

    def pod(self, pod: Pod) -> Pod:
        """The pod of the same name as it is now."""
        return self._read(_path(pod), Pod)

    def daemon_set(self, namespace: str, name: str) -> Lookup:
        """Whether it is there."""
        path = f"/apis/apps/v1/namespaces/{quote(namespace, safe='')}/daemonsets/{quote(name, safe='')}"
        try:
            self._client.get(path)
        except Refused as refused:
            return Lookup(missing=refused.status == 404, error=refused.says)
        except Failure as failure:
            return Lookup(error=failure.reason)
        return Lookup()

    def cordon(self, node: str, *, dry_run: bool) -> None:
        """Nothing new is scheduled on a node."""
        query = {"fieldManager": MANAGER} | ({"dryRun": "All"} if dry_run else {})
        body = msgspec.json.encode({"spec": {"unschedulable": True}})
        self._client.send("PATCH", f"/api/v1/nodes/{quote(node, safe='')}", body, MERGE_PATCH, query)

    def eviction_version(self) -> str:
        """The API version of evictions; empty where the server has none."""
        found = self._read("/api/v1", _Resources).resources or ()
        one = next((each for each in found if (each.name, each.kind) == ("pods/eviction", "Eviction")), None)
        if one is None or not (one.group and one.version):
            return ""
        return "policy/v1" if (one.group, one.version) == ("policy", "v1") else "policy/v1beta1"

    def evict(self, pod: Pod, flags: Flags, version: str) -> None:
        """The pod is leaving, if budgets let it."""
        meta = {"name": pod.metadata.name, "namespace": pod.metadata.namespace}
        body = {
            "apiVersion": version,
            "kind": "Eviction",
            "metadata": meta,
            "deleteOptions": _how(pod, flags),
        }
        self._client.send("POST", f"{_path(pod)}/eviction", _encoded(body))

    def delete(self, pod: Pod, flags: Flags) -> None:
        """The pod is leaving, whatever budgets say, or was gone."""
        try:
            self._client.send("DELETE", _path(pod), _encoded(_how(pod, flags)))
        except Refused as refused:
            if not refused.is_gone:
                raise

    def _read(self, path: str, of: type[T]) -> T:
        body = self._client.get(path)
        try:
            return msgspec.json.decode(body, type=of)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Failure(f"the answer is not what it should be: {error}", "invalid") from error

    def _list(self, path: str, of: type[T], query: dict[str, str], page: int) -> list[T]:
        found: _All[T] = _All()
        read_list(self._client, path, of, found, page, query=query)
        return found


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
    return Cluster(Client(connection._replace(dialect=_Verbatim()), _FOREVER_S, patience))


def _how(pod: Pod, flags: Flags) -> dict[str, object]:
    """The options of a deletion."""
    made: dict[str, object] = {"apiVersion": "v1", "kind": "DeleteOptions"}
    made |= {"preconditions": {"uid": pod.metadata.uid}}
    made |= {"gracePeriodSeconds": flags.grace_period} if flags.grace_period >= 0 else {}
    return made | ({"dryRun": ["All"]} if flags.dry_run == "server" else {})


def _encoded(body: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(body)


def _path(pod: Pod) -> str:
    meta = pod.metadata
    return f"/api/v1/namespaces/{quote(meta.namespace, safe='')}/pods/{quote(meta.name, safe='')}"
