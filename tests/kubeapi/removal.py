"""Deletion: preconditions, finalizers, grace periods, dry run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.kubeapi import response, status
from tests.kubeapi.kinds import NAMESPACES, PODS

if TYPE_CHECKING:
    from tests.kubeapi.cluster import Cluster
    from tests.kubeapi.kinds import Kind
    from tests.kubeapi.response import Response
    from tests.kubeapi.route import Request
    from tests.kubeapi.status import Obj

# Types whose DELETE answers with the object; the others answer with a Status.
_ANSWER_OBJECT = frozenset(
    {"pods", "services", "persistentvolumeclaims", "persistentvolumes", "serviceaccounts", "resourcequotas"}
)
_IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


def options_of(request: Request) -> Obj:
    """DeleteOptions from the body, else from the query."""
    if request.body.strip():
        found = request.json()
        if request.dry_run:
            found["dryRun"] = ["All"]
        return found
    options: Obj = {"dryRun": ["All"]} if request.dry_run else {}
    if "gracePeriodSeconds" in request.query:
        options["gracePeriodSeconds"] = int(request.query["gracePeriodSeconds"])
    return options


def check_preconditions(kind: Kind, obj: Obj, options: Obj) -> None:
    """409 when a uid or resourceVersion precondition does not hold."""
    meta, wanted = obj["metadata"], options.get("preconditions") or {}
    if wanted.get("uid", meta["uid"]) != meta["uid"]:
        why = (
            f"the UID in the precondition ({wanted['uid']}) does not match the UID in record ({meta['uid']})."
            " The object might have been deleted and then recreated"
        )
        raise status.precondition_failed(kind, meta["name"], why)
    if wanted.get("resourceVersion", meta["resourceVersion"]) != meta["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({wanted['resourceVersion']}) does not match the "
            f"ResourceVersion in record ({meta['resourceVersion']}). The object might have been modified"
        )
        raise status.precondition_failed(kind, meta["name"], why)


def delete(cluster: Cluster, kind: Kind, namespace: str, name: str, options: Obj) -> Response:
    """The object is gone, or marked for it and waiting for grace or finalizers. The caller holds the lock."""
    obj = cluster.store.get(kind, namespace, name)
    if kind == NAMESPACES and name in _IMMORTAL:
        raise status.forbidden(kind, name, "this namespace may not be deleted")
    check_preconditions(kind, obj, options)
    found, gone = remove(cluster, kind, obj, options)
    if not gone or kind.plural in _ANSWER_OBJECT:
        return response.of_object(found)
    meta = found["metadata"]
    answer: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return response.of_object({**answer, "details": status.details(kind, meta["name"], uid=meta["uid"])})


def remove(cluster: Cluster, kind: Kind, obj: Obj, options: Obj) -> tuple[Obj, bool]:
    """(the object as it is now, whether it is gone). Preconditions are checked before."""
    dry = bool(options.get("dryRun"))
    grace_s = _grace_s(kind, obj, options)
    meta = obj["metadata"]
    if "deletionTimestamp" in meta and grace_s >= meta.get("deletionGracePeriodSeconds", 0) > 0:
        return obj, False  # a grace period can only be shortened
    if grace_s == 0 and not meta.get("finalizers") and kind != NAMESPACES:
        return (obj if dry else cluster.store.drop(kind, obj)), True
    marked = _marked(cluster, kind, obj, grace_s)
    return (marked if dry or marked == obj else cluster.store.put(kind, marked)), False


def _marked(cluster: Cluster, kind: Kind, obj: Obj, grace_s: int) -> Obj:
    """The object with a deletionTimestamp: the moment at which its grace ends."""
    meta = dict(obj["metadata"])
    if "deletionTimestamp" not in meta and "generation" in meta:
        meta["generation"] += 1
    if "deletionTimestamp" not in meta or meta.get("deletionGracePeriodSeconds", 0) > grace_s:
        meta["deletionTimestamp"] = cluster.clock.stamp(cluster.clock.now() + grace_s)
        meta["deletionGracePeriodSeconds"] = grace_s
    marked = {**obj, "metadata": meta}
    if kind == NAMESPACES:
        meta.pop("deletionGracePeriodSeconds", None)
        marked["status"] = {**obj.get("status", {}), "phase": "Terminating"}
    return marked


def _grace_s(kind: Kind, obj: Obj, options: Obj) -> int:
    """Only pods are deleted with grace, and only those that a kubelet still has to stop."""
    if kind != PODS or not obj["spec"].get("nodeName"):
        return 0
    if obj.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
        return 0
    asked = options.get("gracePeriodSeconds")
    grace_s = int(obj["spec"].get("terminationGracePeriodSeconds", 0) if asked is None else asked)
    return 1 if grace_s < 0 else grace_s


def finish_if_released(cluster: Cluster, kind: Kind, obj: Obj) -> bool:
    """Whether an update that took the last finalizer off a dying object let it go."""
    meta = obj["metadata"]
    if (
        "deletionTimestamp" not in meta
        or meta.get("finalizers")
        or meta.get("deletionGracePeriodSeconds", 0) > 0
    ):
        return False
    if kind == NAMESPACES:
        return False
    cluster.store.drop(kind, obj)
    return True


def delete_collection(cluster: Cluster, kind: Kind, listed: bytes, options: Obj) -> Response:
    """Each listed object is deleted; the list as it was is the answer."""
    found = json.loads(listed)
    for item in found["items"]:
        meta = item["metadata"]
        obj = cluster.store.find(kind, meta.get("namespace", ""), meta["name"])
        if obj is not None:
            remove(cluster, kind, obj, options)
    return response.of_object(found)
