"""Scenarios of reading: discovery, lists, pages, selectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubeapi.sandbox import Sandbox, expect, failure, names, sandbox

if TYPE_CHECKING:
    from tests.kubeapi.client import Api
    from tests.kubeapi.status import Obj


def health_and_version(api: Api) -> None:
    for path in ("/healthz", "/readyz", "/livez"):
        assert expect(api.request("GET", path), 200) == {"text": "ok"}
    version = expect(api.request("GET", "/version"), 200)
    assert version["gitVersion"].startswith(f"v{version['major']}.{version['minor'].rstrip('+')}.")


def discovery_names_groups_and_resources(api: Api) -> None:
    assert "v1" in expect(api.request("GET", "/api"), 200)["versions"]
    groups = {each["name"]: each for each in expect(api.request("GET", "/apis"), 200)["groups"]}
    for group in ("apps", "batch", "policy", "resource.k8s.io", "coordination.k8s.io"):
        assert groups[group]["preferredVersion"]["groupVersion"] == f"{group}/v1"
    assert expect(api.request("GET", "/apis/apps"), 200)["kind"] == "APIGroup"
    core = {each["name"]: each for each in expect(api.request("GET", "/api/v1"), 200)["resources"]}
    assert (core["nodes"]["kind"], core["nodes"]["namespaced"]) == ("Node", False)
    assert (core["pods"]["kind"], core["pods"]["namespaced"]) == ("Pod", True)
    assert core["pods/eviction"]["kind"] == "Eviction"
    assert {"list", "watch", "patch", "deletecollection"} <= set(core["pods"]["verbs"])
    budgets = expect(api.request("GET", "/apis/policy/v1"), 200)["resources"]
    assert "poddisruptionbudgets" in {each["name"] for each in budgets}


def unknown_paths(api: Api) -> None:
    answer = api.request("GET", "/api/v1/nonesuches")
    assert failure(answer, 404, "NotFound", "the server could not find the requested resource") == {}
    for path in ("/apis/nonesuch.example", "/apis/nonesuch.example/v1", "/apis/nonesuch.example/v1/things"):
        assert expect(api.request("GET", path), 404) == {"text": "404 page not found\n"}


def wrong_methods(api: Api) -> None:
    text = "the server does not allow this method on the requested resource"
    failure(api.request("POST", "/api/v1/pods", {}), 405, "MethodNotAllowed", text)
    failure(api.request("POST", "/api/v1/nodes/some-node", {}), 405, "MethodNotAllowed", text)
    failure(api.request("POST", "/api/v1/nodes/some-node/status", {}), 405, "MethodNotAllowed", text)


def pages_show_one_moment(api: Api) -> None:
    """Objects written and deleted between two pages do not show: the token holds the first page's version."""
    with sandbox(api) as box:
        path, query = _seven(box)
        first = box.get(path, query)
        assert names(first) == ["c-0", "c-1", "c-2"]
        assert first["metadata"]["remainingItemCount"] == 4
        expect(api.request("DELETE", f"{path}/c-4"), 200)
        box.post(path, {"metadata": {"name": "c-45"}})
        second = box.get(path, {**query, "continue": first["metadata"]["continue"]})
        assert names(second) == ["c-3", "c-4", "c-5"]
        assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        assert second["metadata"]["remainingItemCount"] == 1
        third = box.get(path, {**query, "continue": second["metadata"]["continue"]})
        assert names(third) == ["c-6"]
        assert not third["metadata"].get("continue")
        assert "remainingItemCount" not in third["metadata"]
        assert names(box.get(path)) == ["c-0", "c-1", "c-2", "c-3", "c-45", "c-5", "c-6"]


def _seven(box: Sandbox) -> tuple[str, dict[str, str]]:
    # Not ConfigMaps: a real plane puts kube-root-ca.crt into every namespace, some time.
    for index in range(7):
        box.post(box.path("secrets"), {"metadata": {"name": f"c-{index}"}})
    return box.path("secrets"), {"limit": "3"}


def selected_pages_are_not_counted(api: Api) -> None:
    with sandbox(api) as box:
        for index in range(5):
            box.config_map(f"c-{index}", {"odd": str(index % 2)})
        query = {"limit": "2", "labelSelector": "odd=0"}
        first = box.get(box.path("configmaps"), query)
        assert names(first) == ["c-0", "c-2"]
        assert "remainingItemCount" not in first["metadata"]
        rest = box.get(box.path("configmaps"), {**query, "continue": first["metadata"]["continue"]})
        assert names(rest) == ["c-4"]


def bad_list_options(api: Api) -> None:
    with sandbox(api) as box:
        path = box.path("configmaps")
        answer = api.request("GET", path, query={"limit": "2", "continue": "not-a-token"})
        failure(answer, 400, "BadRequest", "")
        answer = api.request("GET", path, query={"resourceVersionMatch": "Exact"})
        details = failure(
            answer, 422, "Invalid", 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: '
        )
        assert details["causes"][0]["field"] == "resourceVersionMatch"
        answer = api.request("GET", path, query={"resourceVersion": "5", "resourceVersionMatch": "Newer"})
        details = failure(
            answer, 422, "Invalid", 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: U'
        )
        assert details["causes"][0]["reason"] == "FieldValueNotSupported"
        answer = api.request("GET", path, query={"resourceVersion": "0", "resourceVersionMatch": "Exact"})
        failure(
            answer, 422, "Invalid", 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden'
        )
        answer = api.request("GET", path, query={"labelSelector": "a in"})
        failure(answer, 400, "BadRequest", "")


def versions_from_the_future(api: Api) -> None:
    with sandbox(api) as box:
        query = {"resourceVersion": "9000000000", "resourceVersionMatch": "NotOlderThan"}
        answer = api.request("GET", box.path("configmaps"), query=query)
        details = failure(
            answer, 504, "Timeout", "Timeout: Too large resource version: 9000000000, current: "
        )
        assert details["causes"][0]["reason"] == "ResourceVersionTooLarge"
        assert answer[1]["retry-after"] == "1"


def exact_versions(api: Api) -> None:
    with sandbox(api) as box:
        box.config_map("first", {"mine": "yes"})
        version = box.get(box.path("configmaps"))["metadata"]["resourceVersion"]
        box.config_map("second", {"mine": "yes"})
        query = {"labelSelector": "mine", "resourceVersion": version}
        exact = box.get(box.path("configmaps"), {**query, "resourceVersionMatch": "Exact"})
        assert (names(exact), exact["metadata"]["resourceVersion"]) == (["first"], version)
        fresh = box.get(box.path("configmaps"), {**query, "resourceVersionMatch": "NotOlderThan"})
        assert names(fresh) == ["first", "second"]
        assert names(box.get(box.path("configmaps"), {**query, "limit": "9"})) == ["first"]


def label_selectors(api: Api) -> None:
    with sandbox(api) as box:
        box.config_map("a", {"tier": "gpu", "rack.example/no": "1"})
        box.config_map("b", {"tier": "cpu"})
        box.config_map("c", {"other": ""})
        wanted = {
            "tier=gpu": "a",
            "tier==cpu": "b",
            "tier!=gpu,in!=x": "bc",
            "tier in (gpu, cpu)": "ab",
            "tier notin (gpu)": "bc",
            "tier": "ab",
            "!tier": "c",
            "tier in (gpu),rack.example/no=1": "a",
            "other=": "c",
            "tier=gpu,tier=cpu": "",
        }
        for selector, expected in wanted.items():
            query = {"labelSelector": selector, "fieldSelector": "metadata.name!=kube-root-ca.crt"}
            assert names(box.get(box.path("configmaps"), query)) == list(expected), selector


def field_selectors(api: Api) -> None:
    with sandbox(api) as box:
        node = box.node()
        box.pod("here", nodeName=node, status={"phase": "Running"})
        box.pod("nowhere", nodeSelector={"no-such": "label"})
        where = f"metadata.namespace={box.namespace}"
        assert names(box.get("/api/v1/pods", {"fieldSelector": f"spec.nodeName={node}"})) == ["here"]
        assert names(box.get("/api/v1/pods", {"fieldSelector": f"{where},spec.nodeName="})) == ["nowhere"]
        assert names(box.get("/api/v1/pods", {"fieldSelector": f"{where},status.phase!=Pending"})) == ["here"]
        assert names(box.get(box.path("pods"), {"fieldSelector": "metadata.name==nowhere"})) == ["nowhere"]
        answer = api.request("GET", "/api/v1/pods", query={"fieldSelector": "spec.priority=1"})
        failure(answer, 400, "BadRequest", "field label not supported: spec.priority")
        answer = api.request("GET", "/api/v1/nodes", query={"fieldSelector": "metadata.namespace=x"})
        failure(answer, 400, "BadRequest", "field label not supported: metadata.namespace")
        answer = api.request("GET", "/api/v1/configmaps", query={"fieldSelector": "data.key=1"})
        failure(
            answer, 400, "BadRequest", '"data.key" is not a known field selector: only "metadata.name", "meta'
        )


def typed_lists(api: Api) -> None:
    """Items of built-in types carry no type of their own; an empty list is [] and not null."""
    with sandbox(api) as box:
        box.config_map("one", {"mine": "yes"})
        found = box.get(box.path("configmaps"), {"labelSelector": "mine"})
        assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
        assert found["items"][0].keys().isdisjoint({"kind", "apiVersion"})
        assert box.get(box.path("configmaps", "one"))["kind"] == "ConfigMap"
        empty: Obj = box.get(box.path("jobs", group="batch"))
        assert (empty["kind"], empty["apiVersion"], empty["items"]) == ("JobList", "batch/v1", [])


def any_version_comes_whole(api: Api) -> None:
    """With resourceVersion=0 the limit is not kept."""
    with sandbox(api) as box:
        for name in ("a", "b"):
            box.post(box.path("secrets"), {"metadata": {"name": name}})
        found = box.get(box.path("secrets"), {"limit": "1", "resourceVersion": "0"})
        assert not found["metadata"].get("continue")


SCENARIOS = (
    any_version_comes_whole,
    health_and_version,
    discovery_names_groups_and_resources,
    unknown_paths,
    wrong_methods,
    pages_show_one_moment,
    selected_pages_are_not_counted,
    bad_list_options,
    versions_from_the_future,
    exact_versions,
    label_selectors,
    field_selectors,
    typed_lists,
)
