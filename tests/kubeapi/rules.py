"""What happens to an object on its way in: identity, defaults, validation, what an update may change."""

from __future__ import annotations

import copy
import random
import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.kubeapi import status
from tests.kubeapi.kinds import NAMESPACES, NODES, PODS, Kind
from tests.kubeapi.status import Obj, bad_request

if TYPE_CHECKING:
    from tests.kubeapi.clock import Clock

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN}')"
)
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
# Lists by which a pod may still change once it exists; everything else in its spec is fixed.
_POD_MAY_CHANGE = ("activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "schedulingGates")
_POD_FIXED = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
    "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)
NOT_READY = "node.kubernetes.io/not-ready"
_POD_DEFAULTS: Obj = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
    "serviceAccountName": "default",
    "serviceAccount": "default",
    "priority": 0,
    "preemptionPolicy": "PreemptLowerPriority",
}
_CONTAINER_DEFAULTS: Obj = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "imagePullPolicy": "IfNotPresent",
}


def namespace(name: str, clock: Clock) -> Obj:
    """An active namespace."""
    obj: Obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    return created(NAMESPACES, "", obj, clock)


def with_identity(kind: Kind, obj: Obj, clock: Clock) -> Obj:
    """The same object with uid, creationTimestamp and (namespaced types) a namespace."""
    meta = obj["metadata"]
    meta.setdefault("uid", str(uuid.uuid4()))
    meta.setdefault("creationTimestamp", clock.stamp())
    if kind.namespaced:
        meta.setdefault("namespace", "default")
    if kind.generation:
        meta.setdefault("generation", 1)
    return obj


def check_body(kind: Kind, namespace: str, obj: Obj) -> None:
    """400 unless the body is of the type and namespace that the URL names."""
    found = (obj.get("apiVersion", kind.api_version), obj.get("kind", kind.name))
    if found != (kind.api_version, kind.name):
        what = f'{found[1]} in version "{found[0]}" cannot be handled as a {kind.name}'
        raise bad_request(f"{what}: converting to ({kind.name}): unknown conversion")
    inside = (obj.get("metadata") or {}).get("namespace") or namespace
    if inside != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def created(kind: Kind, namespace: str, sent: Obj, clock: Clock) -> Obj:
    """What is stored for a creation: system fields anew, defaults filled in; 422 when invalid."""
    obj = {"apiVersion": kind.api_version, "kind": kind.name, **copy.deepcopy(sent)}
    meta = dict(obj.get("metadata") or {})
    for system in (
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
    ):
        meta.pop(system, None)
    if meta.pop("resourceVersion", None):
        raise status.ApiError(500, "resourceVersion should not be set on objects to be created", "")
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = meta["generateName"] + "".join(random.choices(_SUFFIX_LETTERS, k=5))
    if kind.namespaced:
        meta["namespace"] = namespace
    obj["metadata"] = meta
    _default(kind, obj)
    _validate(kind, obj)
    return with_identity(kind, obj, clock)


def _default(kind: Kind, obj: Obj) -> None:
    if kind == PODS:
        obj["spec"] = _POD_DEFAULTS | dict(obj.get("spec") or {})
        obj["status"] = {"phase": "Pending", "qosClass": _quality(obj["spec"])}
        for container in [*(obj["spec"].get("containers") or []), *(obj["spec"].get("initContainers") or [])]:
            container.update(_CONTAINER_DEFAULTS | container)
    elif kind == NAMESPACES:
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"].get(
            "name", ""
        )
        obj["spec"], obj["status"] = {"finalizers": ["kubernetes"]}, {"phase": "Active"}
    elif kind == NODES:
        found = obj.setdefault(
            "status", {}
        )  # a Node keeps the status it is created with: kubelets register so
        if "capacity" in found:
            found.setdefault("allocatable", found["capacity"])
        taints = obj.setdefault("spec", {}).setdefault("taints", [])
        if all(taint["key"] != NOT_READY for taint in taints):  # the TaintNodesByCondition admission
            taints.append({"key": NOT_READY, "effect": "NoSchedule"})
    elif kind.has_status:
        obj.pop("status", None)


def _quality(spec: Obj) -> str:
    found = [container.get("resources") or {} for container in spec.get("containers") or []]
    if all(each.get("limits") and each["limits"] == each.get("requests", each["limits"]) for each in found):
        return "Guaranteed"
    return "Burstable" if any(each.get("limits") or each.get("requests") for each in found) else "BestEffort"


def _validate(kind: Kind, obj: Obj) -> None:
    name = obj["metadata"].get("name", "")
    if not name:
        text = "Required value: name or generateName is required"
        raise status.invalid(kind, "", "metadata.name", "FieldValueRequired", text)
    if not re.fullmatch(_SUBDOMAIN, name) and not kind.group.startswith("rbac."):
        raise status.invalid(
            kind, name, "metadata.name", "FieldValueInvalid", f'Invalid value: "{name}": {_NAME_RULE}'
        )
    if kind == PODS:
        containers = obj["spec"].get("containers") or []
        missing = [
            f"spec.containers[{i}].image" for i, each in enumerate(containers) if not each.get("image")
        ]
        for field in missing if containers else ["spec.containers"]:
            raise status.invalid(kind, name, field, "FieldValueRequired", "Required value")


def updated(kind: Kind, subresource: str, old: Obj, sent: Obj) -> Obj:
    """What is stored for an update of `old` by `sent`: what the (sub)resource may not write stays."""
    new = {"apiVersion": kind.api_version, "kind": kind.name, **copy.deepcopy(sent)}
    meta = new["metadata"] = dict(new.get("metadata") or {})
    old_meta = old["metadata"]
    _check_identity(kind, old_meta, meta)
    kept = (
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "namespace",
    )
    for key in kept:
        _keep(meta, old_meta, key)
    if subresource == "status":
        _only_status(kind, old, new)
    else:
        if kind.has_status:
            _keep(new, old, "status")
        if kind == PODS:
            _check_pod(old, new)
        if kind == NAMESPACES:
            _keep(new, old, "spec")
    if kind.generation and new.get("spec") != old.get("spec"):
        meta["generation"] = old_meta.get("generation", 0) + 1
    return new


def _keep(new: Obj, old: Obj, key: str) -> None:
    if key in old:
        new[key] = old[key]
    else:
        new.pop(key, None)


def _check_identity(kind: Kind, old: Obj, new: Obj) -> None:
    """409 for a stale resourceVersion or another uid; 422 where a resourceVersion is needed and missing."""
    name = old["name"]
    version = new.get("resourceVersion")
    if not version and (kind.custom or kind.plural in {"leases", "customresourcedefinitions"}):
        text = "Invalid value: 0: must be specified for an update"
        plural = replace(kind, name=kind.plural)  # the server says so itself: here it names the resource
        raise status.invalid(plural, name, "metadata.resourceVersion", "FieldValueInvalid", text)
    if new.get("uid", old["uid"]) != old["uid"]:
        why = f"Precondition failed: UID in precondition: {new['uid']}, UID in object meta: {old['uid']}"
        raise status.conflict(kind, name, why)
    if version and version != old["resourceVersion"]:
        raise status.conflict(kind, name)


def _only_status(kind: Kind, old: Obj, new: Obj) -> None:
    for key in {*old, *new} - {"status", "metadata", "apiVersion", "kind"}:
        _keep(new, old, key)
    if kind.custom:
        new["metadata"] = dict(old["metadata"])
    else:
        _keep(new["metadata"], old["metadata"], "ownerReferences")


def _check_pod(old: Obj, new: Obj) -> None:
    before, after, name = old["spec"], new.get("spec") or {}, old["metadata"]["name"]
    gates, left = (spec.get("schedulingGates") or [] for spec in (before, after))
    if [each for each in left if each not in gates]:
        text = "Forbidden: only deletion is allowed, but found new scheduling gate"
        raise status.invalid(PODS, name, "spec.schedulingGates", "FieldValueForbidden", text)
    gated = bool(gates)
    if gated and not _is_tighter(before, after):
        text = "Invalid value: no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        field = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
        raise status.invalid(PODS, name, field, "FieldValueInvalid", text)
    if _fixed(before, gated=gated) != _fixed(after, gated=gated):
        raise status.invalid(PODS, name, "spec", "FieldValueForbidden", _POD_FIXED)


def _is_tighter(before: Obj, after: Obj) -> bool:
    """Whether the required node affinity has, term by term, all that it had before."""
    was, now = node_terms(before), node_terms(after)
    if not was:
        return True
    return len(was) == len(now) and all(
        all(
            each in (new.get(key) or [])
            for key in ("matchExpressions", "matchFields")
            for each in old.get(key) or []
        )
        for old, new in zip(was, now, strict=True)
    )


def node_terms(spec: Obj) -> list[Obj]:
    """The terms of the required node affinity of a pod."""
    node = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return list(
        (node.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or []
    )


def _fixed(spec: Obj, *, gated: bool) -> Any:
    """What of a pod may not change; what says where it stands may, behind a gate."""
    free = (*_POD_MAY_CHANGE, *(("affinity",) if gated else ()))
    rest = {key: value for key, value in spec.items() if key not in free}
    for key in ("containers", "initContainers"):
        rest[key] = [{**each, "image": ""} for each in spec.get(key) or []]
    return rest
