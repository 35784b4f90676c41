"""Factories of nodes and pods as a GPU cluster reports them; shapes.py has what stands around them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.kubeapi import bulk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.kubeapi.kinds import Kind
    from tests.kubeapi.status import Obj

BORN = "2026-03-01T08:00:00Z"
GPU = "nvidia.com/gpu"
_CAPACITY = {"pods": "110", "ephemeral-storage": "1843416304Ki"}
_POD_SPEC: Obj = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "serviceAccountName": "default",
    "schedulerName": "default-scheduler",
    "securityContext": {},
}
_SPACE = uuid.UUID("6f3f2c1a-0d5e-4b8e-9d57-0a5f3a1c7e00")


def uid(*names: str) -> str:
    """The same names give the same uid, so that two runs load the same cluster."""
    return str(uuid.uuid5(_SPACE, "/".join(names)))


def _meta(kind: str, name: str, namespace: str = "", labels: Mapping[str, str] | None = None) -> Obj:
    meta: Obj = {"name": name, "uid": uid(kind, namespace, name), "creationTimestamp": BORN}
    if namespace:
        meta["namespace"] = namespace
    if labels:
        meta["labels"] = dict(labels)
    return meta


def condition(name: str, *, true: bool, reason: str = "") -> Obj:
    return {
        "type": name,
        "status": "True" if true else "False",
        "lastTransitionTime": BORN,
        "lastHeartbeatTime": BORN,
        "reason": reason or name,
        "message": "",
    }


def node(
    name: str,
    gpus: int = 0,
    model: str = "NVIDIA-H100-80GB-HBM3",
    rack: str | None = None,
    zone: str | None = None,
    cpu: str = "128",
    memory: str = "2113458844Ki",
    labels: Mapping[str, str] | None = None,
    *,
    taints: Sequence[Obj] = (),
    ready: bool = True,
    unschedulable: bool = False,
    provider_id: str | None = None,
    system_uuid: str | None = None,
    gpu_resource: str = GPU,
    resources: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    bulky: bool = False,
) -> Obj:
    """A Node as a kubelet reports it; `resources` adds extended resources (MIG profiles, other vendors)."""
    capacity = _CAPACITY | {"cpu": cpu, "memory": memory} | ({gpu_resource: str(gpus)} if gpus else {})
    found = _node_labels(name, gpus, model, rack, zone) | dict(labels or {})
    obj: Obj = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": _meta("Node", name, labels=found) | _present({"annotations": dict(annotations or {})}),
        "spec": _node_spec(taints, provider_id, unschedulable=unschedulable),
        "status": _node_status(name, capacity | dict(resources or {}), ready=ready, system_uuid=system_uuid),
    }
    return bulk.fatten_node(obj) if bulky else obj


def _present(fields: Obj) -> Obj:
    """Empty fields are left out, as the API server does."""
    return {key: value for key, value in fields.items() if value}


def _node_spec(taints: Sequence[Obj], provider_id: str | None, *, unschedulable: bool) -> Obj:
    cordon: list[Obj] = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    fields: Obj = {
        "podCIDR": "10.0.0.0/24",
        "providerID": provider_id,
        "unschedulable": unschedulable,
        "taints": [*taints, *(cordon if unschedulable else [])],
    }
    return _present(fields)


def _node_labels(name: str, gpus: int, model: str, rack: str | None, zone: str | None) -> dict[str, str]:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    if gpus:
        labels |= {
            "nvidia.com/gpu.product": model,
            "nvidia.com/gpu.count": str(gpus),
            "nvidia.com/gpu.memory": "81559",
            "nvidia.com/gpu.present": "true",
        }
    if rack:
        labels["topology.kubernetes.io/rack"] = rack
    if zone:
        labels |= {
            "topology.kubernetes.io/zone": zone,
            "topology.kubernetes.io/region": zone.rstrip("abcdef"),
        }
    return labels


def _node_status(name: str, capacity: dict[str, str], *, ready: bool, system_uuid: str | None) -> Obj:
    pressures = [condition(f"{what}Pressure", true=False) for what in ("Memory", "Disk", "PID")]
    ready_reason = "KubeletReady" if ready else "KubeletNotReady"
    return {
        "capacity": capacity,
        "allocatable": capacity | {"cpu": _less(capacity["cpu"])},
        "conditions": [*pressures, condition("Ready", true=ready, reason=ready_reason)],
        "addresses": [
            {"type": "InternalIP", "address": "10.1.0.1"},
            {"type": "Hostname", "address": name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "machineID": uid("machine", name).replace("-", ""),
            "systemUUID": system_uuid or uid("system", name),
            "bootID": uid("boot", name),
            "kernelVersion": "6.8.0-60-generic",
            "osImage": "Ubuntu 24.04.2 LTS",
            "containerRuntimeVersion": "containerd://2.0.5",
            "kubeletVersion": "v1.36.3",
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    }


def _less(cpu: str) -> str:
    """The node's system keeps half a CPU to itself."""
    return f"{int(cpu) * 1000 - 500}m" if cpu.isdigit() else cpu


def owner(kind: str, name: str, api_version: str = "apps/v1", owner_uid: str | None = None) -> Obj:
    """A controller reference. Without an uid it is the one that `workload` would give that object."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": owner_uid or uid(kind, "", name),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def container(
    name: str = "main",
    requests: Mapping[str, str] | None = None,
    limits: Mapping[str, str] | None = None,
    **more: Any,
) -> Obj:
    resources: Obj = {}
    if requests:
        resources["requests"] = dict(requests)
    if limits:
        resources["limits"] = dict(limits)
    return {
        "name": name,
        "image": "registry.example/train:2.7",
        "resources": resources,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        **more,
    }


def pod(
    name: str,
    namespace: str = "default",
    node: str | None = None,
    requests: Mapping[str, str] | None = None,
    limits: Mapping[str, str] | None = None,
    *,
    init_containers: Sequence[Obj] = (),
    sidecars: Sequence[Obj] = (),
    overhead: Mapping[str, str] | None = None,
    phase: str = "Running",
    owner: Obj | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    containers: Sequence[Obj] = (),
    volumes: Sequence[Obj] = (),
    finalizers: Sequence[str] = (),
    ready: bool = True,
    grace_s: int = 30,
    bulky: bool = False,
    **spec: Any,
) -> Obj:
    """A Pod as the API shows it in this phase; `sidecars` are init containers with restartPolicy Always.

    Keywords left over go into the spec: priorityClassName, tolerations, resourceClaims, …
    """
    owners = [owner] if owner else []
    extra: Obj = {"annotations": dict(annotations or {}), "ownerReferences": owners}
    meta = _meta("Pod", name, namespace, labels) | _present(extra | {"finalizers": list(finalizers)})
    before = [*init_containers, *({**sidecar, "restartPolicy": "Always"} for sidecar in sidecars)]
    own = {"containers": list(containers) or [container("main", requests, limits)], "nodeName": node}
    more: Obj = {"initContainers": before, "volumes": list(volumes), "overhead": dict(overhead or {})}
    full = _POD_SPEC | _present(own | more) | {"terminationGracePeriodSeconds": grace_s} | spec
    return _pod(meta, full, phase, ready=ready, bulky=bulky)


def _pod(meta: Obj, spec: Obj, phase: str, *, ready: bool, bulky: bool) -> Obj:
    obj: Obj = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    obj["status"] = _pod_status(spec, phase, ready=ready and phase == "Running")
    return bulk.fatten_pod(obj) if bulky else obj


def _pod_status(spec: Obj, phase: str, *, ready: bool) -> Obj:
    status: Obj = {"phase": phase, "qosClass": "Burstable"}
    if phase == "Pending" and "nodeName" not in spec:
        unscheduled = condition("PodScheduled", true=False, reason="Unschedulable")
        return status | {"conditions": [unscheduled]}
    names = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    status["conditions"] = [condition(each, true=ready or "ed" in each) for each in names]
    status |= {"hostIP": "10.1.0.1", "podIP": "10.0.0.7", "startTime": BORN}
    states = {
        "Running": {"running": {"startedAt": BORN}},
        "Pending": {"waiting": {"reason": "ContainerCreating"}},
    }
    ended = {
        "terminated": {"exitCode": 0 if phase == "Succeeded" else 1, "startedAt": BORN, "finishedAt": BORN}
    }
    status["containerStatuses"] = [
        {
            "name": each["name"],
            "state": states.get(phase, ended),
            "lastState": {},
            "ready": ready,
            "restartCount": 0,
            "image": each["image"],
            "imageID": "",
        }
        for each in spec["containers"]
    ]
    return status


def plain(
    kind: Kind, name: str, namespace: str = "", labels: Mapping[str, str] | None = None, **fields: Any
) -> Obj:
    """An object of any type: `fields` are its top-level fields (spec, status, data, …)."""
    where = (namespace or "default") if kind.namespaced else ""
    meta = _meta(kind.name, name, where, labels)
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": meta, **fields}
