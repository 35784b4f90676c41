"""Factories of what stands around nodes and pods: owners, budgets, gangs, devices, storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.kubeapi.kinds import ALL_CUSTOM, BUILTINS, Registry
from tests.kubeapi.objects import plain, uid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.kubeapi.status import Obj

_KINDS = Registry((*BUILTINS, *ALL_CUSTOM))


def namespace(name: str, labels: Mapping[str, str] | None = None) -> Obj:
    found = {"kubernetes.io/metadata.name": name, **(labels or {})}
    return plain(_KINDS.named("namespaces"), name, labels=found, status={"phase": "Active"})


def disruption_budget(
    name: str,
    match_labels: Mapping[str, str],
    namespace: str = "default",
    *,
    min_available: int | str | None = None,
    max_unavailable: int | str | None = None,
    unhealthy_policy: str | None = None,
) -> Obj:
    """A PodDisruptionBudget; its status is computed once it is loaded."""
    spec: Obj = {
        "selector": {"matchLabels": dict(match_labels)},
        "minAvailable": min_available,
        "maxUnavailable": max_unavailable,
        "unhealthyPodEvictionPolicy": unhealthy_policy,
    }
    found = {key: value for key, value in spec.items() if value is not None}
    return plain(_KINDS.named("pdb"), name, namespace, spec=found)


def workload(
    kind: str,
    name: str,
    namespace: str = "default",
    replicas: int = 1,
    owner: Obj | None = None,
    labels: Mapping[str, str] | None = None,
    status: Obj | None = None,
    **spec: Any,
) -> Obj:
    """A controller object by its plural (`replicasets`, `jobs.batch`); its uid is what `owner` says."""
    found = _KINDS.named(kind)
    obj = plain(found, name, namespace, labels, spec={"replicas": replicas, **spec}, status=status or {})
    obj["metadata"]["uid"] = uid(found.name, "", name)
    if owner:
        obj["metadata"]["ownerReferences"] = [owner]
    return obj


def priority_class(name: str, value: int, policy: str = "PreemptLowerPriority") -> Obj:
    return plain(
        _KINDS.named("priorityclasses"), name, value=value, preemptionPolicy=policy, globalDefault=False
    )


def resource_slice(name: str, node: str, driver: str, devices: Sequence[Obj], pool: str | None = None) -> Obj:
    """A DRA ResourceSlice; each device is {"name": …, "attributes": …, "capacity": …}."""
    where = {"name": pool or node, "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": driver, "nodeName": node, "pool": where, "devices": list(devices)}
    return plain(_KINDS.named("resourceslices"), name, spec=spec)


def resource_claim(
    name: str,
    namespace: str,
    device_class: str,
    count: int = 1,
    allocated: Sequence[tuple[str, str, str]] = (),
) -> Obj:
    """A DRA ResourceClaim; `allocated` lists (driver, pool, device) of what it holds."""
    exactly = {"deviceClassName": device_class, "allocationMode": "ExactCount", "count": count}
    spec = {"devices": {"requests": [{"name": "gpu", "exactly": exactly}]}}
    results = [{"request": "gpu", "driver": d, "pool": p, "device": v} for d, p, v in allocated]
    status: Obj = {"allocation": {"devices": {"results": results}}} if results else {}
    return plain(_KINDS.named("resourceclaims"), name, namespace, spec=spec, status=status)
