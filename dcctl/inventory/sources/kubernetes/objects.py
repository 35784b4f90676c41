"""Single objects of a cluster: read, made, changed and deleted; and pods followed as they change.

Every write names `dcctl` as its manager and may be sent twice: what it changes is held by a UID or version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import field

from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.paging import PAGE, all_of
from dcctl.inventory.sources.kubernetes.types import OwnerRef, Page, Wire

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from dcctl.inventory.sources.http.client import Client

T = TypeVar("T")

MERGE_PATCH = "application/merge-patch+json"
MANAGER = "dcctl"
_REVIEW = "authorization.k8s.io/v1"
_REQUEST_S = 60.0
_WATCH_S = 300
"""How long one watch is asked for; the next goes on where it ended."""
_SLACK_S = 15.0
_LOOK_S = 0.1
_PAUSE_S = 1.0
"""Before a list that a broken watch makes necessary."""


class LiveMeta(Wire):
    """What tells an object, and its version, from every other."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    deletion_timestamp: str | None = None
    generation: int = 0
    owner_references: list[OwnerRef] | None = None


class Live(Wire):
    """Any object."""

    metadata: LiveMeta = field(default_factory=LiveMeta)


class _Seen(Wire):
    observed_generation: int = 0


class Kept(Live):
    """An object that a controller looks after."""

    status: _Seen = field(default_factory=_Seen)

    @property
    def is_seen(self) -> bool:
        """Whether its controller, and every other that shares its cache, knows it as it is."""
        return self.status.observed_generation >= self.metadata.generation


class _Allowed(Wire):
    allowed: bool = False


class _Review(Wire):
    status: _Allowed = field(default_factory=_Allowed)


class _KeptList(Wire):
    items: list[Kept] | None = None


class Gate(Wire):
    """What keeps a pod from its scheduler."""

    name: str = ""


class NodeAffinity(Wire):
    """Where a pod must stand; its terms are kept as they are."""

    required: dict[str, object] | None = field(
        default=None, name="requiredDuringSchedulingIgnoredDuringExecution"
    )


class Affinity(Wire):
    """The part of it that is about nodes."""

    node_affinity: NodeAffinity | None = None


class LiveSpec(Wire):
    """What decides where a pod stands."""

    node_name: str | None = None
    scheduling_gates: list[Gate] | None = None
    affinity: Affinity | None = None


class Condition(Wire):
    """What a controller says of a pod."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class LiveStatus(Wire):
    """How a pod is."""

    phase: str = ""
    conditions: list[Condition] | None = None


class LivePod(Live):
    """A pod as it is now."""

    spec: LiveSpec = field(default_factory=LiveSpec)
    status: LiveStatus = field(default_factory=LiveStatus)


class OwnedMeta(Wire):
    """What tells a pod from every other, and who made it: no more, as there may be many of them."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    deletion_timestamp: str | None = None
    owner_references: list[OwnerRef] | None = None


class _Node(Wire):
    node_name: str = ""


class OwnedPod(Wire):
    """Where a pod stands, and how it is."""

    metadata: OwnedMeta = field(default_factory=OwnedMeta)
    spec: _Node = field(default_factory=_Node)
    status: LiveStatus = field(default_factory=LiveStatus)


P = TypeVar("P", LivePod, OwnedPod)


class Change(NamedTuple, Generic[P]):
    """What became of one pod. `SYNCED`: all that there are were told; there is no pod then."""

    kind: Literal["THERE", "GONE", "SYNCED"]
    pod: P


class _Event(Wire):
    type: str = ""
    object: msgspec.Raw = msgspec.Raw(b"{}")


class Resource(Wire):
    """A kind of object, or what can be done with one, that is served."""

    name: str = ""
    kind: str = ""
    group: str = ""
    version: str = ""
    namespaced: bool = True


class _Resources(Wire):
    resources: list[Resource] | None = None


class Objects:
    """The objects of one cluster. Every method raises Failure for what the server refuses."""

    def __init__(self, client: Client, request_s: float = _REQUEST_S) -> None:
        """`client` has the deadline of everything together; one request is tried again for `request_s`."""
        self._client, self._request_s = client, request_s
        self._served: dict[tuple[str, str], Resource] = {}

    @property
    def left_s(self) -> float:
        """Seconds until the deadline of everything."""
        return self._client.left_s

    def stop(self) -> None:
        """Ask nothing more: what is under way ends as if the deadline had come."""
        self._client.stop()

    def path(self, api_version: str, kind: str, namespace: str, name: str = "") -> str:
        """Where an object, or without a name its kind, is found."""
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        resource = self._resource(root, api_version, kind)
        inside = f"/namespaces/{quote(namespace, safe='')}" if resource.namespaced else ""
        last = f"/{quote(name, safe='')}" if name else ""
        return f"{root}{inside}/{resource.name}{last}"

    def read(self, path: str, of: type[T], query: Mapping[str, str] | None = None) -> T:
        """The object at a path."""
        return _decoded(self._within().get(path, query), of)

    def all_of(self, path: str, of: type[T], page: int = PAGE, **query: str) -> list[T]:
        """Every object at the path of a kind, which is asked for page by page; `query`: selectors."""
        return all_of(self._client, path, of, page, query)

    def may(
        self, verb: str, resource: str, namespace: str = "", group: str = "", subresource: str = ""
    ) -> bool:
        """Whether we have a right to objects (of one namespace, or of all), by the server's own word."""
        asked = {"verb": verb, "resource": resource, "namespace": namespace}
        asked |= {"group": group, "subresource": subresource}
        body = {
            "apiVersion": _REVIEW,
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        path = f"/apis/{_REVIEW}/selfsubjectaccessreviews"
        return _decoded(self.send("POST", path, body), _Review).status.allowed

    def labelled(self, path: str, selector: str) -> list[Kept]:
        """The objects at the path of a kind that labels select."""
        return self.read(path, _KeptList, {"labelSelector": selector}).items or []

    def wait_until_seen(self, path: str, tries: int = 100) -> bool:
        """Whether, after some time, the controller of an object knows it as it is."""
        for _ in range(tries):
            if self.read(path, Kept).is_seen:
                return True
            self._client.pause(_LOOK_S)
        return False

    def create(self, path: str, body: Mapping[str, object], *, dry_run: bool = False) -> Live:
        """The object was made at the path of its kind; with `dry_run` the server says whether it would."""
        return self._send("POST", path, body, dry_run=dry_run)

    def patch(self, path: str, body: Mapping[str, object], *, dry_run: bool = False) -> Live:
        """The object has these fields (a merge patch); 409 where its version is not that of `body`."""
        return self._send("PATCH", path, body, MERGE_PATCH, dry_run=dry_run)

    def send(self, method: str, path: str, body: Mapping[str, object]) -> bytes:
        """What the server answers to this, which changes no fields that anybody manages."""
        return self._within().send(method, path, msgspec.json.encode(body))

    def once(self, method: str, path: str, body: Mapping[str, object]) -> None:
        """The server did this. It is asked one time, so that whoever is told no decides when to ask again."""
        client = self._client.within(_REQUEST_S, tries=1)
        answer = client.send(method, path, msgspec.json.encode(body), query={"fieldManager": MANAGER})
        _decoded(answer, Live)  # what answers is an API server

    def delete(self, path: str, uid: str) -> None:
        """The object with this UID is being deleted, with all that it made; 409 for another of its name."""
        self.send("DELETE", path, {"preconditions": {"uid": uid}, "propagationPolicy": "Background"})

    def cluster(self) -> str:
        """What tells this cluster from every other: the UID of its namespace kube-system, or its address."""
        try:
            return self.read("/api/v1/namespaces/kube-system", Live).metadata.uid
        except Failure as failure:
            if failure.cause != "denied":
                raise
            return self._client.host

    def is_cluster(self, uids: Collection[str]) -> bool | None:
        """Whether it is one of these clusters, by UID of kube-system; None where that may not be read."""
        told = self.cluster()
        return None if told == self._client.host else told in uids

    def follow(self, selector: str) -> Iterator[Change[LivePod]]:
        """Yield the pods that labels select, in all namespaces, and then every change, until the deadline.

        One watch tells all. One that ends, breaks or expires is begun anew, and what was missed is told.
        """
        return self.follow_as(LivePod, selector)

    def follow_as(self, of: type[P], selector: str = "", outage_s: float = 0.0) -> Iterator[Change[P]]:
        """As `follow`, with as much of each pod as `of` has; a server may be away for `outage_s`."""
        known: dict[str, P] = {}
        while self.left_s > 0:
            version, pods = self._list_in_time(of, selector, outage_s)
            now = {pod.metadata.uid: pod for pod in pods}
            yield from (Change("GONE", pod) for uid, pod in known.items() if uid not in now)
            known = now
            yield from (Change("THERE", pod) for pod in pods)
            yield Change("SYNCED", of())
            yield from self._watch(of, selector, version, known)

    def _watch(self, of: type[P], selector: str, version: str, known: dict[str, P]) -> Iterator[Change[P]]:
        """Yield changes from a version on, until a watch breaks; one that ends in good order is continued."""
        while self.left_s > 0:
            last_s = max(1, min(_WATCH_S, round(self.left_s)))
            query = {
                "watch": "1",
                **_selected(selector),
                "resourceVersion": version,
                "allowWatchBookmarks": "true",
                "timeoutSeconds": str(last_s),
            }
            try:
                for line in self._client.lines("/api/v1/pods", query, last_s + _SLACK_S):
                    event = _decoded(line, _Event)
                    if event.type == "ERROR":
                        return  # expired: whoever asked lists again
                    pod = _decoded(bytes(event.object), of)
                    version = pod.metadata.resource_version or version
                    if event.type == "DELETED":
                        known.pop(pod.metadata.uid, None)
                        yield Change("GONE", pod)
                    elif event.type != "BOOKMARK":
                        known[pod.metadata.uid] = pod
                        yield Change("THERE", pod)
            except Failure as failure:
                if failure.cause in ("denied", "unauthenticated"):
                    raise
                if failure.status != 410:
                    self._client.pause(_PAUSE_S)
                return

    def _list_in_time(self, of: type[P], selector: str, outage_s: float) -> tuple[str, list[P]]:
        """The list, though the server is away for some time."""
        until_s = self.left_s - outage_s
        while True:
            try:
                return self._list(of, selector)
            except Failure as failure:
                if failure.cause in ("denied", "unauthenticated") or self.left_s <= until_s:
                    raise
                self._client.pause(_PAUSE_S)

    def _list(self, of: type[P], selector: str) -> tuple[str, list[P]]:
        pods: list[P] = []
        query = {**_selected(selector), "limit": str(PAGE)}
        while True:
            page = _decoded(self._within().get("/api/v1/pods", query), Page[of])  # type: ignore[valid-type]
            pods += page.items or []
            if not page.metadata.continue_:
                return page.metadata.resource_version, pods
            query["continue"] = page.metadata.continue_

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object],
        content_type: str = "application/json",
        *,
        dry_run: bool,
    ) -> Live:
        query = {"fieldManager": MANAGER} | ({"dryRun": "All"} if dry_run else {})
        answer = self._within().send(method, path, msgspec.json.encode(body), content_type, query)
        return _decoded(answer, Live)

    def _within(self) -> Client:
        return self._client.within(self._request_s)

    def resources(self, root: str) -> list[Resource]:
        """All that is served under `/api/v1`, or another root."""
        return self.read(root, _Resources).resources or []

    def _resource(self, root: str, api_version: str, kind: str) -> Resource:
        if (api_version, kind) not in self._served:
            for each in self.resources(root):
                if "/" not in each.name:
                    self._served[api_version, each.kind] = each
        found = self._served.get((api_version, kind))
        if found is None:
            raise Failure(
                f"{kind} of {api_version} is not served here", "missing", "kubectl api-resources", status=404
            )
        return found


def _selected(selector: str) -> dict[str, str]:
    return {"labelSelector": selector} if selector else {}


def _decoded(body: bytes, of: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=of)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(
            f"the answer is not what it should be: {error}", "invalid", "check what answers at this address"
        ) from error
