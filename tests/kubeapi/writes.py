"""The write verbs: create, update, patch, delete, and the subresources that are verbs of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubeapi import eviction, paging, patch, removal, response, rules, status
from tests.kubeapi.kinds import ACCESS_REVIEWS, LEASES, NAMESPACES, PODS
from tests.kubeapi.status import Obj, bad_request

if TYPE_CHECKING:
    from tests.kubeapi.cluster import Cluster
    from tests.kubeapi.kinds import Kind
    from tests.kubeapi.response import Response
    from tests.kubeapi.route import Request, Route


def answer(cluster: Cluster, user: str, request: Request, route: Route, kind: Kind) -> Response:
    """The answer to a write; it happens as a whole under the store's lock."""
    if kind.namespaced and not route.namespace:
        raise status.method_not_allowed()
    with cluster.store.lock:
        if kind == ACCESS_REVIEWS:
            return _review(cluster, user, request)
        if route.subresource == "eviction" and request.method == "POST":
            return eviction.evict(cluster, request, route)
        if route.subresource == "binding" and request.method == "POST":
            return _bind(cluster, request, route)
        if request.method == "POST" and not route.name:
            return _create(cluster, request, route, kind)
        if request.method in {"PUT", "PATCH"} and route.name and route.subresource in {"", "status"}:
            return _change(cluster, request, route, kind)
        if request.method == "DELETE" and not route.subresource:
            return _delete(cluster, request, route, kind)
    raise status.method_not_allowed()


def _create(cluster: Cluster, request: Request, route: Route, kind: Kind) -> Response:
    sent = request.json()
    rules.check_body(kind, route.namespace, sent)
    if kind.namespaced:
        _check_namespace(cluster, kind, route.namespace, (sent.get("metadata") or {}).get("name", ""))
    obj = rules.created(kind, route.namespace, sent, cluster.clock)
    if cluster.store.find(kind, route.namespace, obj["metadata"]["name"]) is not None:
        raise status.already_exists(kind, obj["metadata"]["name"])
    return response.of_object(obj if request.dry_run else cluster.store.put(kind, obj), 201)


def _check_namespace(cluster: Cluster, kind: Kind, namespace: str, name: str) -> None:
    found = cluster.store.get(NAMESPACES, "", namespace)
    if found.get("status", {}).get("phase") == "Terminating":
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        raise status.forbidden(kind, name, why, causes=[cause])


def _change(cluster: Cluster, request: Request, route: Route, kind: Kind) -> Response:
    if (
        request.method == "PUT"
        and kind == LEASES
        and not cluster.store.find(kind, route.namespace, route.name)
    ):
        return _create(cluster, request, route, kind)  # leases may be created by an update
    old = cluster.store.get(kind, route.namespace, route.name)
    if request.method == "PUT":
        sent = request.json()
        rules.check_body(kind, route.namespace, sent)
    else:
        content_type = request.headers.get("content-type", "")
        sent = patch.patched(old, content_type, request.body, custom=kind.custom)
    if (sent.get("metadata") or {}).get("name") != route.name:
        named = (sent.get("metadata") or {}).get("name", "")
        raise bad_request(
            f"the name of the object ({named}) does not match the name on the URL ({route.name})"
        )
    new = rules.updated(kind, route.subresource, old, sent)
    new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
    if new == old or request.dry_run:
        return response.of_object(new)
    if removal.finish_if_released(cluster, kind, new):
        return response.of_object(new)
    return response.of_object(cluster.store.put(kind, new))


def _delete(cluster: Cluster, request: Request, route: Route, kind: Kind) -> Response:
    options = removal.options_of(request)
    if route.name:
        return removal.delete(cluster, kind, route.namespace, route.name, options)
    listed = paging.page(cluster.store, kind, route.namespace, paging.ListOptions.of(kind, request.query))
    return removal.delete_collection(cluster, kind, listed.render(kind), options)


def _review(cluster: Cluster, user: str, request: Request) -> Response:
    """A SelfSubjectAccessReview, answered from the same rules that requests meet."""
    sent = request.json()
    asked = (sent.get("spec") or {}).get("resourceAttributes") or {}
    resource = "/".join(filter(None, (asked.get("resource", ""), asked.get("subresource", ""))))
    where = (asked.get("verb", ""), resource, asked.get("group", ""), asked.get("namespace", ""))
    return response.of_object({**sent, "status": {"allowed": cluster.access.allows(user, *where)}}, 201)


def _bind(cluster: Cluster, request: Request, route: Route) -> Response:
    pod = cluster.store.get(PODS, route.namespace, route.name)
    node = (request.json().get("target") or {}).get("name", "")
    uid, taken = (request.json().get("metadata") or {}).get("uid"), pod["spec"].get("nodeName")
    if uid and uid != pod["metadata"]["uid"]:
        held = pod["metadata"]["uid"]
        raise status.conflict(
            PODS, route.name, f"Precondition failed: UID in precondition: {uid}, UID in object meta: {held}"
        )
    if taken or pod["spec"].get("schedulingGates"):
        text = f'pod {route.name} is already assigned to node "{taken}"'
        text = text if taken else f"pod {route.name} has non-empty .spec.schedulingGates"
        details: Obj = {"name": route.name, "kind": "pods/binding"}
        message = f'Operation cannot be fulfilled on pods/binding "{route.name}": {text}'
        raise status.ApiError(409, message, details=details)
    if not request.dry_run:
        cluster.store.put(PODS, {**pod, "spec": {**pod["spec"], "nodeName": node}})
    return response.of_object(eviction.SUCCESS, 201)
