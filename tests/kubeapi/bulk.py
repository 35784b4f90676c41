"""The weight of real objects: managedFields, environment, images; 9 KB in a pod, 13 KB in a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.kubeapi.status import Obj

_KEYS = ("type", "name", "key", "uid", "containerPort")


def fields_of(value: Any) -> Obj:
    """The fieldsV1 set of a value, in the form server-side apply writes."""
    if isinstance(value, dict):
        found = {f"f:{key}": fields_of(inner) for key, inner in value.items()}
        return found if found else {".": {}}
    if isinstance(value, list):
        named: Obj = {}
        for item in value:
            key = next((key for key in _KEYS if isinstance(item, dict) and key in item), None)
            if key is not None:
                named[f'k:{{"{key}":"{item[key]}"}}'] = {".": {}, **fields_of(item)}
        return named
    return {}


def _manage(obj: Obj, managers: dict[str, tuple[str, ...]]) -> None:
    obj["metadata"]["managedFields"] = [
        {
            "manager": manager,
            "operation": "Update",
            "apiVersion": obj["apiVersion"],
            "time": "2026-03-01T08:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": fields_of({part: obj[part] for part in parts}),
            **({"subresource": "status"} if parts == ("status",) else {}),
        }
        for manager, parts in managers.items()
    ]


def fatten_pod(obj: Obj) -> Obj:
    """The pod with environment, mounts, tolerations and managedFields."""
    spec = obj["spec"]
    for container in spec["containers"]:
        container["env"] = [
            {"name": f"NCCL_SETTING_{index}", "value": f"value-of-setting-{index}"} for index in range(24)
        ]
        container["volumeMounts"] = [
            {"name": f"volume-{index}", "mountPath": f"/mnt/volume-{index}", "readOnly": True}
            for index in range(6)
        ]
    spec.setdefault("volumes", []).extend(
        {
            "name": f"volume-{index}",
            "persistentVolumeClaim": {"claimName": f"claim-{index}", "readOnly": True},
        }
        for index in range(6)
    )
    spec.setdefault("tolerations", []).extend(
        {
            "key": f"node.kubernetes.io/{what}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 300,
        }
        for what in ("not-ready", "unreachable")
    )
    obj["metadata"].setdefault("labels", {}).update(
        {"app.kubernetes.io/managed-by": "Helm", "team": "research"}
    )
    _manage(obj, {"kube-controller-manager": ("metadata", "spec"), "kubelet": ("status",)})
    return obj


def fatten_node(obj: Obj) -> Obj:
    """The node with the labels of feature discovery, an image list and managedFields."""
    features = {f"feature.node.kubernetes.io/cpu-cpuid.FEATURE{index}": "true" for index in range(60)}
    obj["metadata"]["labels"].update(features)
    obj["status"]["images"] = [
        {"names": [f"registry.example/image-{index}@sha256:{index:064x}"], "sizeBytes": 10**9 + index}
        for index in range(20)
    ]
    _manage(obj, {"kubelet": ("metadata", "spec"), "kubelet-status": ("status",)})
    return obj
