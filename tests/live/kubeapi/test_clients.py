"""Other people's clients on the emulator, custom types, and static corpora."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.kubeapi import ApiServer, bulk, corpora, kinds, objects, shapes
from tests.kubeapi.client import HttpApi
from tests.kubeapi.faults import Reply, match
from tests.kubeapi.sandbox import STRATEGIC, expect, failure, names
from tests.kubeapi.store import encode

if TYPE_CHECKING:
    from pathlib import Path


WORKLOADS = "/apis/kueue.x-k8s.io/v1beta1/namespaces/default/workloads"


def _official(server: ApiServer, folder: Path) -> Any:  # the client's own types change with every release
    from kubernetes import client
    from kubernetes import config as untyped

    config: Any = untyped
    file = server.kubeconfig(folder / "config")
    assert file.stat().st_mode & 0o777 == 0o600
    return client.CoreV1Api(config.new_client_from_config(str(file)))


@pytest.mark.parametrize("tls", [False, True])
def test_the_official_client_reads_pages_and_watches(tmp_path: Path, *, tls: bool) -> None:
    from kubernetes import watch as untyped

    watch: Any = untyped

    with ApiServer(tls=tls) as server:
        server.load(
            objects.node(f"n{index}", gpus=8, rack="r1", unschedulable=index == 0) for index in range(3)
        )
        server.load(
            [objects.pod("p", node="n1", requests={"cpu": "1"}, init_containers=[objects.container("i")])]
        )
        api = _official(server, tmp_path)
        first = api.list_node(limit=2)
        rest = api.list_node(limit=2, _continue=first.metadata._continue)
        assert [node.metadata.name for node in (*first.items, *rest.items)] == ["n0", "n1", "n2"]
        assert first.items[0].spec.unschedulable
        assert first.items[1].status.allocatable["nvidia.com/gpu"] == "8"
        pods = api.list_pod_for_all_namespaces(field_selector="spec.nodeName=n1").items
        assert [container.name for container in pods[0].spec.init_containers] == ["i"]
        found = watch.Watch().stream(api.list_node, timeout_seconds=1, resource_version="0")
        assert [event["type"] for event in found] == ["ADDED"] * 3


def test_the_official_client_evicts_and_sees_why_not(server: ApiServer, tmp_path: Path) -> None:
    from kubernetes import client

    api = _official(server, tmp_path)
    server.load([objects.pod("p", node="n", labels={"app": "x"}), objects.pod("q", node="n")])
    server.load([shapes.disruption_budget("b", {"app": "x"}, min_available=1)])

    def evict(name: str) -> Any:
        body = client.V1Eviction(metadata=client.V1ObjectMeta(name=name))
        return api.create_namespaced_pod_eviction(name, "default", body)

    evict("q")
    assert server.get("pods", "q", "default")["metadata"]["deletionGracePeriodSeconds"] == 30
    with pytest.raises(client.ApiException) as caught:
        evict("p")
    assert caught.value.status == 429
    text = "The disruption budget b needs 1 healthy pods and has 1 currently"
    assert json.loads(caught.value.body or "")["details"]["causes"][0]["message"] == text


def test_the_official_client_obeys_retry_after(server: ApiServer, tmp_path: Path) -> None:
    """It repeats a 429 in silence: whoever counts requests must know."""
    server.faults.add(match("GET", "/nodes", nth=1), Reply(429, {"Retry-After": "1"}))
    assert _official(server, tmp_path).list_node().items == []
    assert len(server.seen("GET", "/api/v1/nodes")) == 2


def test_custom_types_are_discovered_only_where_installed(admin: HttpApi) -> None:
    assert admin.request("GET", "/apis/kueue.x-k8s.io")[0] == 404
    with ApiServer(custom=kinds.KUEUE) as other:
        there = HttpApi(other.url, "admin-token")
        found = {each["name"] for each in there.request("GET", "/apis")[2]["groups"]}
        assert "kueue.x-k8s.io" in found
        assert "ray.io" not in found
        other.cluster.registry.add(*kinds.RAY)
        rows = there.request("GET", "/apis/ray.io/v1")[2]["resources"]
        assert {row["kind"] for row in rows if "/" not in row["name"]} == {"RayCluster", "RayJob"}


def test_custom_types_behave_as_custom_types() -> None:
    with ApiServer(custom=kinds.KUEUE) as server:
        api = HttpApi(server.url, "admin-token")
        made = expect(api.request("POST", WORKLOADS, {"metadata": {"name": "w"}, "status": {"x": 1}}), 201)
        assert "status" not in made
        assert made["metadata"]["generation"] == 1
        assert api.request("GET", WORKLOADS)[2]["items"][0]["kind"] == "Workload"
        answer = api.request("PATCH", f"{WORKLOADS}/w", {}, STRATEGIC)
        failure(answer, 415, "UnsupportedMediaType", "415: Unsupported Media Type")
        answer = api.request("PUT", f"{WORKLOADS}/w", {"metadata": {"name": "w"}})
        failure(
            answer,
            422,
            "Invalid",
            'workloads.kueue.x-k8s.io "w" is invalid: metadata.resourceVersion: Invalid',
        )
        given = {**made, "metadata": {**made["metadata"], "labels": {"x": "y"}}, "status": {"ready": True}}
        kept = expect(api.request("PUT", f"{WORKLOADS}/w/status", given), 200)
        assert kept["status"] == {"ready": True}
        assert "labels" not in kept["metadata"]


def test_a_corpus_is_one_cluster(server: ApiServer, admin: HttpApi) -> None:
    server.load_corpus("pods", corpora.pods(230, node_count=10))
    server.load_corpus("nodes", corpora.nodes(10))
    nodes = expect(admin.request("GET", "/api/v1/nodes"), 200)["items"]
    token, pods, counted = "", [], []
    while True:
        query = {"limit": "100", **({"continue": token} if token else {})}
        page = expect(admin.request("GET", "/api/v1/pods", query=query), 200)
        pods += page["items"]
        counted.append(page["metadata"].get("remainingItemCount"))
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert counted == [130, 30, None]
    assert len({pod["metadata"]["uid"] for pod in pods}) == 230
    assert {pod["spec"]["nodeName"] for pod in pods} == {node["metadata"]["name"] for node in nodes}
    asked = [pod["spec"]["containers"][0]["resources"]["requests"]["nvidia.com/gpu"] for pod in pods]
    assert asked.count("1") == 80
    here = admin.request("GET", "/api/v1/pods", query={"fieldSelector": "spec.nodeName=gpu-00003"})[2]
    assert len(here["items"]) == 23
    assert not re.search("@[a-z0-9]+@", json.dumps(pods))


def test_bulky_objects_weigh_what_real_ones_do() -> None:
    pod, node = objects.pod("p", node="n", bulky=True), objects.node("n", gpus=8, bulky=True)
    assert 8_000 < len(encode(pod)) < 11_000
    assert 9_000 < len(encode(node)) < 16_000
    managed = pod["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:containers"]
    assert 'k:{"name":"main"}' in managed
    assert bulk.fields_of({"a": [1, 2]}) == {"f:a": {}}


def test_sidecars_are_init_containers_that_stay() -> None:
    pod = objects.pod("p", init_containers=[objects.container("a")], sidecars=[objects.container("b")])
    found = [(each["name"], each.get("restartPolicy")) for each in pod["spec"]["initContainers"]]
    assert found == [("a", None), ("b", "Always")]


def test_names_loaded_are_names_listed(server: ApiServer, admin: HttpApi) -> None:
    server.load([objects.pod("p", namespace="team")])
    assert "team" in names(admin.request("GET", "/api/v1/namespaces")[2])
    assert [pod["metadata"]["name"] for pod in server.objects("po", "team")] == ["p"]
    with pytest.raises(KeyError, match="RayJob is not served"):
        server.load([{"apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": {"name": "x"}}])
