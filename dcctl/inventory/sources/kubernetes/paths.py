"""Where single objects are found at the API server."""

from __future__ import annotations

from urllib.parse import quote


def node_path(name: str) -> str:
    """Where a node is found."""
    return f"/api/v1/nodes/{quote(name, safe='')}"


def pod_path(pod: str) -> str:
    """Where a pod, named as namespace/name, is found."""
    space, _, name = pod.partition("/")
    return f"/api/v1/namespaces/{quote(space, safe='')}/pods/{quote(name, safe='')}"
