"""Scenarios of the three patch forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubeapi.sandbox import JSON, MERGE, STRATEGIC, expect, failure, sandbox

if TYPE_CHECKING:
    from tests.kubeapi.client import Api
    from tests.kubeapi.status import Obj


def merge_patches(api: Api) -> None:
    with sandbox(api) as box:
        box.config_map("a", {"keep": "1", "drop": "2"}, finalizers=["example.com/one"])
        path = box.path("configmaps", "a")
        patch: Obj = {"metadata": {"labels": {"drop": None, "new": "3"}, "finalizers": ["example.com/two"]}}
        meta = expect(api.request("PATCH", path, patch, MERGE), 200)["metadata"]
        assert meta["labels"] == {"keep": "1", "new": "3"}
        assert meta["finalizers"] == ["example.com/two"]
        expect(api.request("PATCH", path, {"metadata": {"finalizers": []}}, MERGE), 200)


def strategic_finalizers_and_conditions(api: Api) -> None:
    with sandbox(api) as box:
        box.config_map("a", finalizers=["example.com/one"])
        path = box.path("configmaps", "a")
        added = {"metadata": {"finalizers": ["example.com/two"]}}
        meta = expect(api.request("PATCH", path, added, STRATEGIC), 200)["metadata"]
        assert sorted(meta["finalizers"]) == ["example.com/one", "example.com/two"]
        taken = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/one"]}}
        meta = expect(api.request("PATCH", path, taken, STRATEGIC), 200)["metadata"]
        assert meta["finalizers"] == ["example.com/two"]
        expect(
            api.request("PATCH", path, {"metadata": {"$patch": "replace", "name": "a"}}, STRATEGIC), 200, 422
        )
        expect(api.request("PATCH", path, {"metadata": {"finalizers": None}}, MERGE), 200)
        node = f"/api/v1/nodes/{box.node()}/status"
        for name in ("One", "Two", "One"):
            condition = {"type": name, "status": "True", "reason": "Said"}
            expect(api.request("PATCH", node, {"status": {"conditions": [condition]}}, STRATEGIC), 200)
        found = expect(api.request("GET", node), 200)["status"]["conditions"]
        assert sorted(each["type"] for each in found if each.get("reason") == "Said") == ["One", "Two"]


def strategic_taints_are_replaced(api: Api) -> None:
    """A node's taints have no merge key: whoever patches them must send all of them, or lose some."""
    with sandbox(api) as box:
        path = f"/api/v1/nodes/{box.node(taints=[{'key': 'a', 'effect': 'NoSchedule'}])}"
        patch: Obj = {"spec": {"taints": [{"key": "b", "effect": "NoSchedule"}]}}
        found = expect(api.request("PATCH", path, patch, STRATEGIC), 200)["spec"]["taints"]
        assert [each["key"] for each in found] == ["b"]
        patch = {"spec": {"unschedulable": True}}
        assert expect(api.request("PATCH", path, patch, STRATEGIC), 200)["spec"]["unschedulable"] is True
        expect(api.request("PATCH", path, {"spec": {"unschedulable": None}}, STRATEGIC), 200)
        assert "unschedulable" not in box.get(path)["spec"]


def strategic_containers(api: Api) -> None:
    with sandbox(api) as box:
        box.pod("p", nodeSelector={"no-such": "label"})
        images = {"containers": [{"name": "main", "image": "registry.example/none:2"}]}
        found = expect(api.request("PATCH", box.path("pods", "p"), {"spec": images}, STRATEGIC), 200)
        assert [each["image"] for each in found["spec"]["containers"]] == ["registry.example/none:2"]
        assert found["spec"]["containers"][0]["terminationMessagePath"] == "/dev/termination-log"


def json_patches(api: Api) -> None:
    with sandbox(api) as box:
        box.config_map("a", {"x": "1"})
        path = box.path("configmaps", "a")
        operations: list[Obj] = [
            {"op": "test", "path": "/metadata/labels/x", "value": "1"},
            {"op": "replace", "path": "/metadata/labels/x", "value": "2"},
            {"op": "add", "path": "/metadata/labels/example.com~1new", "value": "3"},
            {"op": "copy", "from": "/data/key", "path": "/data/copy"},
            {"op": "move", "from": "/data/key", "path": "/data/moved"},
        ]
        found = expect(api.request("PATCH", path, operations, JSON), 200)
        assert found["metadata"]["labels"] == {"x": "2", "example.com/new": "3"}
        assert found["data"] == {"copy": "one", "moved": "one"}
        again = api.request("PATCH", path, operations, JSON)
        failure(again, 422, "Invalid", "the server rejected our request due to an error in our request")
        missing: list[Obj] = [{"op": "remove", "path": "/data/none"}]
        failure(api.request("PATCH", path, missing, JSON), 422, "Invalid", "the server rejected our request")
        assert box.get(path) == found


def unknown_patches(api: Api) -> None:
    with sandbox(api) as box:
        box.config_map("a")
        answer = api.request("PATCH", box.path("configmaps", "a"), {}, {"Content-Type": "application/json"})
        failure(answer, 415, "UnsupportedMediaType", "415: Unsupported Media Type")


SCENARIOS = (
    merge_patches,
    strategic_finalizers_and_conditions,
    strategic_taints_are_replaced,
    strategic_containers,
    json_patches,
    unknown_patches,
)
