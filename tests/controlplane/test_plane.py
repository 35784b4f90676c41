"""The control plane is the real one: it schedules, authenticates, authorises and guards as in production."""

from __future__ import annotations

import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.controlplane import build
from tests.controlplane.plane import is_ready
from tests.controlplane.workloads import deployment, disruption_budget, namespace, pod, reader

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.client import ApiClient, Json
    from tests.controlplane.plane import ControlPlane


@pytest.fixture(scope="module")
def fleet(plane: ControlPlane) -> list[str]:
    return plane.add_nodes(50)


def pods(client: ApiClient, space: str) -> list[Json]:
    items: list[Json] = client.get(f"/api/v1/namespaces/{space}/pods")["items"]
    return items


def running(client: ApiClient, space: str) -> int:
    return sum(each["status"]["phase"] == "Running" for each in pods(client, space))


def phase(client: ApiClient, space: str, name: str) -> str:
    return str(client.get(f"/api/v1/namespaces/{space}/pods/{name}")["status"]["phase"])


def kubectl(binaries: Path, kubeconfig: Path, *arguments: str) -> str:
    command = [str(binaries / "kubectl"), f"--kubeconfig={kubeconfig}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_every_server_listens_on_loopback_only(plane: ControlPlane) -> None:
    listening = {
        (name, each.laddr.ip)
        for name, pid in plane.pids.items()
        for each in psutil.Process(pid).net_connections(kind="inet")
        if each.status == psutil.CONN_LISTEN
    }
    assert listening == {(name, "127.0.0.1") for name in plane.pids}


def test_the_version_is_the_pinned_one(plane: ControlPlane) -> None:
    wanted = build.recipe().kubernetes
    with plane.client() as admin:
        version = admin.get("/version")
    assert (version["gitVersion"], version["gitTreeState"]) == (wanted, "clean")
    assert f"v{version['major']}.{version['minor']}." in wanted


def test_kubectl_reads_the_kubeconfig(plane: ControlPlane, binaries: Path, fleet: list[str]) -> None:
    printed = kubectl(binaries, plane.kubeconfig(), "get", "nodes", "-o", "name")
    assert {f"node/{name}" for name in fleet} <= set(printed.split())


def test_fifty_nodes_are_ready_and_say_what_they_have(plane: ControlPlane, fleet: list[str]) -> None:
    with plane.client() as admin:
        nodes = {each["metadata"]["name"]: each for each in admin.get("/api/v1/nodes")["items"]}
    ours = [nodes[name] for name in fleet]
    assert all(is_ready(each) for each in ours)
    assert {each["status"]["allocatable"]["nvidia.com/gpu"] for each in ours} == {"8"}
    assert len({each["status"]["nodeInfo"]["systemUUID"] for each in ours}) == 50
    assert len({each["spec"]["providerID"] for each in ours}) == 50
    assert nodes["gpu0001"]["metadata"]["labels"]["nvidia.com/gpu.product"] == "NVIDIA-H100-80GB-HBM3"


@pytest.mark.usefixtures("fleet")
def test_the_scheduler_places_a_deployment_within_the_gpus(plane: ControlPlane) -> None:
    plane.apply([namespace("train"), deployment("bert", "train", replicas=20, gpus=4)])
    with plane.client() as admin:
        plane.wait_for(lambda: running(admin, "train") == 20, 60, "20 pods run")
        placed = Counter(each["spec"]["nodeName"] for each in pods(admin, "train"))
    assert sum(placed.values()) == 20
    assert max(placed.values()) <= 2  # two times four of the eight GPUs


@pytest.mark.usefixtures("fleet")
def test_a_pod_that_fits_nowhere_stays_pending_with_the_reason(plane: ControlPlane) -> None:
    plane.apply([namespace("toobig"), pod("whale", "toobig", gpus=9)])

    def refused() -> bool:
        conditions = pods(admin, "toobig")[0]["status"].get("conditions", [])
        return any(each.get("reason") == "Unschedulable" for each in conditions)

    with plane.client() as admin:
        plane.wait_for(refused, 60, "the scheduler has said no")
        (condition,) = pods(admin, "toobig")[0]["status"]["conditions"]
    assert "Insufficient nvidia.com/gpu" in condition["message"]


def test_a_limited_user_gets_what_rbac_grants_and_403_for_the_rest(plane: ControlPlane) -> None:
    plane.apply(reader("sees-nodes-only", "nodes"))
    with plane.client("sees-nodes-only") as viewer:
        plane.wait_for(lambda: viewer.request("GET", "/api/v1/nodes")[0] == 200, 30, "the binding works")
        status, body = viewer.request("GET", "/api/v1/pods")
    assert (status, body["reason"]) == (403, "Forbidden")


def test_a_bad_token_and_no_credentials_get_401(plane: ControlPlane) -> None:
    with plane.token_client("not-a-token") as stranger:
        assert stranger.request("GET", "/api/v1/nodes")[0] == 401
    with plane.token_client("") as nobody:
        assert nobody.request("GET", "/api/v1/nodes")[0] == 401


def test_the_token_of_a_service_account_is_that_account(plane: ControlPlane, binaries: Path) -> None:
    token = plane.service_account_token("robot")
    plane.apply(reader("robot", "nodes", kind="ServiceAccount", space="default"))
    with plane.token_client(token) as robot:
        plane.wait_for(lambda: robot.request("GET", "/api/v1/nodes")[0] == 200, 30, "the binding works")
    config = plane.token_kubeconfig("robot", token)
    printed = kubectl(binaries, config, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
    assert printed == "system:serviceaccount:default:robot"


@pytest.mark.usefixtures("fleet")
def test_a_disruption_budget_refuses_the_eviction_with_429(plane: ControlPlane) -> None:
    plane.apply([namespace("guarded"), deployment("web", "guarded", replicas=2, gpus=0)])
    plane.apply([disruption_budget("web", "guarded", "web", min_available=2)])
    budget = "/apis/policy/v1/namespaces/guarded/poddisruptionbudgets/web"
    with plane.client() as admin:
        plane.wait_for(lambda: admin.get(budget)["status"].get("currentHealthy") == 2, 60, "two healthy pods")
        victim = pods(admin, "guarded")[0]["metadata"]["name"]
        status, body = evict(admin, "guarded", victim)
        assert (status, body["details"]["causes"][0]["reason"]) == (429, "DisruptionBudget")
        assert phase(admin, "guarded", victim) == "Running"

        plane.apply([disruption_budget("web", "guarded", "web", min_available=1)])
        plane.wait_for(lambda: admin.get(budget)["status"]["disruptionsAllowed"] == 1, 60, "one may go")
        assert evict(admin, "guarded", victim)[0] == 201


def evict(client: ApiClient, space: str, name: str) -> tuple[int, Json]:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": space}}
    return client.request("POST", f"/api/v1/namespaces/{space}/pods/{name}/eviction", body)


@pytest.mark.usefixtures("fleet")
def test_annotations_steer_what_kwok_does_with_a_pod(plane: ControlPlane) -> None:
    short = pod("short", "steered", annotations={"dcctl.test/run-for": "100ms"})
    stuck = pod("stuck", "steered", annotations={"dcctl.test/hands-off": "true"})
    slow = pod("slow", "steered", annotations={"dcctl.test/stop-after": "10m"})
    plane.apply([namespace("steered"), short, stuck, slow])
    with plane.client() as admin:
        plane.wait_for(lambda: phase(admin, "steered", "short") == "Succeeded", 60, "short has succeeded")
        plane.wait_for(lambda: phase(admin, "steered", "slow") == "Running", 60, "slow runs")
        assert phase(admin, "steered", "stuck") == "Pending"
        admin.request("DELETE", "/api/v1/namespaces/steered/pods/slow")
        admin.request("DELETE", "/api/v1/namespaces/steered/pods/short")
        gone = {"short"}
        plane.wait_for(
            lambda: not gone & {each["metadata"]["name"] for each in pods(admin, "steered")}, 60, "gone"
        )
        left = admin.get("/api/v1/namespaces/steered/pods/slow")["metadata"]
    assert left["deletionTimestamp"]


def test_a_node_that_is_left_alone_stays_as_the_test_says(plane: ControlPlane) -> None:
    (name,) = plane.add_nodes(1, prefix="sick")
    path = f"/api/v1/nodes/{name}"
    merge, strategic = "application/merge-patch+json", "application/strategic-merge-patch+json"
    hands_off = {"metadata": {"annotations": {"dcctl.test/hands-off": "true"}}}
    broken = {
        "status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]}
    }
    with plane.client() as admin:
        assert admin.request("PATCH", path, hands_off, merge)[0] == 200
        assert admin.request("PATCH", f"{path}/status", broken, strategic)[0] == 200

        def tainted() -> bool:
            taints = admin.get(path)["spec"].get("taints", [])
            return any(each["key"] == "node.kubernetes.io/unreachable" for each in taints)

        plane.wait_for(tainted, 60, "the node controller has seen it")
        assert not is_ready(admin.get(path))
