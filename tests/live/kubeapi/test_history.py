"""Compaction, restarts, and time that a test moves."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.kubeapi import ApiServer, objects, shapes
from tests.kubeapi.client import HttpApi
from tests.kubeapi.sandbox import expect, failure, names, until

if TYPE_CHECKING:
    from tests.kubeapi.status import Obj

PODS = "/api/v1/namespaces/default/pods"


def _continued(admin: HttpApi, path: str, limit: int) -> list[str]:
    found, query = [], {"limit": str(limit)}
    while True:
        page = expect(admin.request("GET", path, query=query), 200)
        found += names(page)
        if not page["metadata"].get("continue"):
            return found
        query["continue"] = page["metadata"]["continue"]


@examples(15)
@given(st.sets(st.from_regex(r"[a-c](-[a-c]|\.[a-c]){0,2}", fullmatch=True), max_size=12), st.integers(1, 5))
def test_pages_add_up_to_the_list(found: set[str], limit: int) -> None:
    with ApiServer() as server:
        admin = HttpApi(server.url, "admin-token")
        server.load(objects.pod("p", namespace=name) for name in found)
        whole = expect(admin.request("GET", "/api/v1/pods"), 200)
        spaces = [item["metadata"]["namespace"] for item in whole["items"]]
        assert sorted(spaces) == sorted(found)
        assert spaces == sorted(found, key=lambda name: f"{name}/")  # as etcd orders its keys
        assert len(_continued(admin, "/api/v1/pods", limit)) == len(found)


def test_an_expired_token_offers_a_new_one(server: ApiServer, admin: HttpApi) -> None:
    server.load(objects.node(f"n{index}") for index in range(5))
    first = admin.request("GET", "/api/v1/nodes", query={"limit": "2"})[2]
    server.load([objects.node("n15")])
    server.remove("nodes", "n3")
    server.compact()
    query = {"limit": "9", "continue": first["metadata"]["continue"]}
    answer = admin.request("GET", "/api/v1/nodes", query=query)
    failure(answer, 410, "Expired", "The provided continue parameter is too old to display a consistent list")
    fresh = answer[2]["metadata"]["continue"]
    rest = admin.request("GET", "/api/v1/nodes", query={"limit": "9", "continue": fresh})
    assert names(expect(rest, 200)) == ["n15", "n2", "n4"]


def test_an_expired_watch_and_list(server: ApiServer, admin: HttpApi) -> None:
    server.load([objects.node("a")])
    old = admin.request("GET", "/api/v1/nodes")[2]["metadata"]["resourceVersion"]
    server.load([objects.node("b")])
    server.compact()
    code, events = admin.watch("/api/v1/nodes", {"resourceVersion": old, "timeoutSeconds": "1"})
    assert code == 200
    assert (events[0]["type"], events[0]["object"]["reason"]) == ("ERROR", "Expired")
    assert events[0]["object"]["message"].startswith(f"too old resource version: {old} (")
    query = {"resourceVersion": old, "resourceVersionMatch": "Exact"}
    answer = admin.request("GET", "/api/v1/nodes", query=query)
    failure(answer, 410, "Expired", "The resourceVersion for the provided list is too old.")


def test_a_running_watch_survives_compaction(server: ApiServer, admin: HttpApi) -> None:
    now = admin.request("GET", "/api/v1/nodes")[2]["metadata"]["resourceVersion"]
    told: list[Obj] = []
    query = {"resourceVersion": now, "timeoutSeconds": "2"}
    thread = threading.Thread(target=lambda: told.extend(admin.watch("/api/v1/nodes", query)[1]))
    thread.start()
    until(lambda: server.watches > 0, "the watch to begin")
    server.load([objects.node("a")])
    server.compact()
    server.load([objects.node("b")])
    thread.join()
    assert [each["object"]["metadata"]["name"] for each in told] == ["a", "b"]


def test_an_idle_type_has_no_bookmarks(server: ApiServer, admin: HttpApi) -> None:
    server.cluster.bookmark_period_s = 0.1
    server.load([objects.node("a")])
    now = admin.request("GET", "/api/v1/nodes")[2]["metadata"]["resourceVersion"]
    query = {"resourceVersion": now, "timeoutSeconds": "1", "allowWatchBookmarks": "true"}
    assert admin.watch("/api/v1/nodes", query) == (200, [])
    threading.Timer(0.3, server.bump, ("nodes", "a")).start()
    told = [each["type"] for each in admin.watch("/api/v1/nodes", query)[1]]
    assert told[:2] == ["MODIFIED", "BOOKMARK"]


def test_a_pod_dies_when_its_grace_is_over(server: ApiServer, admin: HttpApi) -> None:
    server.load([objects.pod("p", node="n", grace_s=300), objects.pod("q", node="broken", grace_s=300)])
    server.controllers.stuck.add("broken")
    for name in ("p", "q"):
        expect(admin.request("DELETE", f"{PODS}/{name}"), 200)
    server.clock.advance(200)
    assert names(admin.request("GET", PODS)[2]) == ["p", "q"]
    server.clock.advance(101)
    until(lambda: names(admin.request("GET", PODS)[2]) == ["q"], "the kubelet to end the pod")
    server.controllers.stuck.clear()
    until(lambda: names(admin.request("GET", PODS)[2]) == [], "the other kubelet to come back")


def test_a_fast_clock() -> None:
    with ApiServer(clock_speed=1000) as server:
        admin = HttpApi(server.url, "admin-token")
        server.load([objects.pod("p", node="n", grace_s=30)])
        expect(admin.request("DELETE", f"{PODS}/p"), 200)
        until(lambda: not server.objects("pods"), "half a minute of the cluster's time")


def test_a_budget_still_being_processed(server: ApiServer, admin: HttpApi) -> None:
    server.load([objects.pod("p", node="n", labels={"app": "x"})])
    server.load([shapes.disruption_budget("b", {"app": "x"}, min_available=0)])
    server.controllers.paused = True
    server.change("pdb", "b", "default", metadata={"generation": 2})
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    answer = admin.request("POST", f"{PODS}/p/eviction", body)
    details = failure(answer, 429, "TooManyRequests", "Cannot evict pod as it would violate")
    assert answer[1]["retry-after"] == "10"
    assert (
        details["causes"][0]["message"] == "The disruption budget b is still being processed by the server."
    )


def test_percentages_count_what_owners_want(server: ApiServer) -> None:
    server.load([shapes.workload("replicasets", "web", replicas=10)])
    owner = objects.owner("ReplicaSet", "web")
    server.load(objects.pod(f"web-{i}", node="n", labels={"app": "web"}, owner=owner) for i in range(9))
    server.load([shapes.disruption_budget("most", {"app": "web"}, max_unavailable="25%")])
    status = server.get("pdb", "most", "default")["status"]
    assert [status[key] for key in ("expectedPods", "desiredHealthy", "currentHealthy")] == [10, 7, 9]
    assert status["disruptionsAllowed"] == 2
    server.load([objects.pod("stray", labels={"app": "web"}, owner=objects.owner("ReplicaSet", "gone"))])
    condition = server.get("pdb", "most", "default")["status"]["conditions"][0]
    assert (condition["reason"], condition["message"]) == (
        "SyncFailed",
        'found no controllers for pod "stray"',
    )


def test_a_restart_cuts_connections_and_keeps_the_state(server: ApiServer, admin: HttpApi) -> None:
    server.load([objects.node("a")])
    server.down()
    with pytest.raises(ConnectionRefusedError):
        admin.request("GET", "/version")
    server.up()
    assert names(admin.request("GET", "/api/v1/nodes")[2]) == ["a"]


def test_bump_makes_an_update_conflict(server: ApiServer, admin: HttpApi) -> None:
    server.load([objects.node("a")])
    node = admin.request("GET", "/api/v1/nodes/a")[2]
    server.bump("nodes", "a")
    failure(
        admin.request("PUT", "/api/v1/nodes/a", node),
        409,
        "Conflict",
        "Operation cannot be fulfilled on nodes",
    )
