"""Objects that the tests of the control plane put into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.controlplane.client import Json


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def pod_spec(gpus: int) -> Json:
    """Returns one container that asks for whole GPUs (none when 0)."""
    asked = {"cpu": "1", "memory": "1Gi"} | ({"nvidia.com/gpu": str(gpus)} if gpus else {})
    container = {
        "name": "main",
        "image": "registry.test/train:1",
        "resources": {"requests": asked, "limits": asked},
    }
    return {"containers": [container], "terminationGracePeriodSeconds": 30}


def pod(name: str, space: str, gpus: int = 0, annotations: dict[str, str] | None = None) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": space,
            "annotations": annotations or {},
            "labels": {"app": name},
        },
        "spec": pod_spec(gpus),
    }


def deployment(name: str, space: str, replicas: int, gpus: int) -> Json:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": space},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(gpus)},
        },
    }


def disruption_budget(name: str, space: str, app: str, min_available: int) -> Json:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": space},
        "spec": {"minAvailable": min_available, "selector": {"matchLabels": {"app": app}}},
    }


def reader(user: str, resource: str, kind: str = "User", space: str | None = None) -> list[Json]:
    """Returns a ClusterRole that reads one resource, and its binding to a user or a service account."""
    name = f"read-{resource}-{user}"
    subject: Json = {"kind": kind, "name": user}
    subject |= {"namespace": space} if space else {"apiGroup": "rbac.authorization.k8s.io"}
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [{"apiGroups": [""], "resources": [resource], "verbs": ["get", "list", "watch"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [subject],
        },
    ]
