"""A namespace and a node of its own for one scenario, on the emulator or on a real control plane."""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.kubeapi.client import Answer, Api
    from tests.kubeapi.status import Obj

MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
JSON = {"Content-Type": "application/json-patch+json"}
DEADLINE_S = 60.0
READY: Obj = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


class Sandbox:
    """Requests inside one namespace; every name made here ends in this run's random suffix."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.suffix = uuid.uuid4().hex[:8]
        self.namespace = f"conformance-{self.suffix}"
        self.base = f"/api/v1/namespaces/{self.namespace}"
        self._nodes: list[str] = []

    def path(self, plural: str, name: str = "", group: str = "", version: str = "v1") -> str:
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def post(self, path: str, body: Obj, code: int = 201) -> Obj:
        return expect(self.api.request("POST", path, body), code)

    def get(self, path: str, query: dict[str, str] | None = None, code: int = 200) -> Obj:
        return expect(self.api.request("GET", path, query=query), code)

    def config_map(self, name: str, labels: dict[str, str] | None = None, **meta: object) -> Obj:
        body = {"metadata": {"name": name, "labels": labels or {}, **meta}, "data": {"key": "one"}}
        return self.post(self.path("configmaps"), body)

    def node(self, **spec: object) -> str:
        name = f"node-{len(self._nodes)}-{self.suffix}"
        self.post("/api/v1/nodes", {"metadata": {"name": name}, "spec": spec})
        self._nodes.append(name)
        return name

    def pod(
        self, name: str, labels: dict[str, str] | None = None, status: Obj | None = None, **spec: object
    ) -> Obj:
        """A pod; with a status, that is written over the one it was born with."""
        containers = [{"name": "main", "image": "registry.example/none:1"}]
        meta = {"name": name, "labels": labels or {}}
        pod = self.post(self.path("pods"), {"metadata": meta, "spec": {"containers": containers, **spec}})
        if status is None:
            return pod
        path = self.path("pods", f"{name}/status")
        return expect(self.api.request("PATCH", path, {"status": status}, STRATEGIC), 200)

    def budget(self, name: str, labels: dict[str, str], minimum: int, policy: str | None = None) -> None:
        spec: Obj = {"minAvailable": minimum, "selector": {"matchLabels": labels}}
        if policy:
            spec["unhealthyPodEvictionPolicy"] = policy
        self.post(
            self.path("poddisruptionbudgets", group="policy"), {"metadata": {"name": name}, "spec": spec}
        )

    def budget_settles(self, name: str, *, healthy: int, allowed: int) -> None:
        """Wait until the disruption controller has counted so."""
        path = self.path("poddisruptionbudgets", name, group="policy")

        def settled() -> bool:
            found = self.get(path).get("status") or {}
            return (found.get("currentHealthy", 0), found.get("disruptionsAllowed", 0)) == (healthy, allowed)

        until(settled, f"budget {name} to have {healthy} healthy and {allowed} allowed")

    def evict(self, name: str, options: Obj | None = None, query: dict[str, str] | None = None) -> Answer:
        body: Obj = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        body["metadata"]["namespace"] = self.namespace
        if options:
            body["deleteOptions"] = options
        return self.api.request("POST", self.path("pods", f"{name}/eviction"), body, query=query)

    def open(self) -> None:
        self.post("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        # Pods need it; on a real plane a controller may have been quicker.
        account = {"metadata": {"name": "default"}}
        expect(self.api.request("POST", self.path("serviceaccounts"), account), 201, 409)

    def close(self) -> None:
        now = {"gracePeriodSeconds": "0"}
        self.api.request("DELETE", self.path("pods"), query=now)
        for node in self._nodes:
            self.api.request("DELETE", f"/api/v1/nodes/{node}")
        self.api.request("DELETE", f"/api/v1/namespaces/{self.namespace}")


@contextmanager
def sandbox(api: Api) -> Iterator[Sandbox]:
    """A Sandbox that cleans up behind itself, whatever happened in it."""
    found = Sandbox(api)
    found.open()
    try:
        yield found
    finally:
        found.close()


def expect(answer: Answer, *codes: int) -> Obj:
    """The body, when the code is one of these; the whole answer is shown otherwise."""
    assert answer[0] in codes, f"expected {codes}, got {answer[0]}: {answer[2]}"
    return answer[2]


def failure(answer: Answer, code: int, reason: str, message: str) -> Obj:
    """The details of a `Status` with this code, reason and message (a beginning of it is enough)."""
    body = expect(answer, code)
    assert (body["kind"], body["apiVersion"], body["status"]) == ("Status", "v1", "Failure")
    assert body.get("reason", "") == reason
    assert body["code"] == code
    assert body["message"].startswith(message), body["message"]
    return dict(body.get("details") or {})


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until it holds: controllers of a real plane take their time."""
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, f"waited {DEADLINE_S} s for {what}"
        time.sleep(0.05)


def names(found: Obj) -> list[str]:
    return [item["metadata"]["name"] for item in found["items"]]
