"""Writes. Thin for now: identity of loaded objects; the write verbs follow."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tests.kubeapi import status

if TYPE_CHECKING:
    from tests.kubeapi.clock import Clock
    from tests.kubeapi.cluster import Cluster
    from tests.kubeapi.kinds import Kind
    from tests.kubeapi.response import Response
    from tests.kubeapi.route import Request, Route
    from tests.kubeapi.status import Obj


def namespace(name: str, clock: Clock) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "uid": str(uuid.uuid4()),
            "creationTimestamp": clock.stamp(),
            "labels": {"kubernetes.io/metadata.name": name},
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


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


def answer(cluster: Cluster, user: str, request: Request, route: Route, kind: Kind) -> Response:
    raise status.method_not_allowed()
