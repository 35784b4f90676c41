"""The Kubernetes source on a real control plane: the smallest role is enough, its scheduler counts alike."""

from __future__ import annotations

import json
import re
from functools import partial
from http.client import CREATED, FORBIDDEN, OK
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from dcctl.inventory.sources.http.client import Client
from dcctl.inventory.sources.jobs.parse import parse
from dcctl.inventory.sources.kubernetes.auth import connect
from dcctl.inventory.sources.kubernetes.discovery import discover
from dcctl.inventory.sources.kubernetes.listed import CLAIMS, JOBS, POD_GROUPS
from dcctl.inventory.sources.kubernetes.source import KubernetesSource, rbac_yaml
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.solve import solve
from tests.controlplane.client import ApiClient
from tests.controlplane.workloads import deployment, disruption_budget, namespace, pod

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet
    from tests.controlplane.client import Json
    from tests.controlplane.plane import ControlPlane

SPACE, LIMITED = "source", "limited"
SCHEDULER_ROW = re.compile(r"^kube_pod_resource_request\{(.*)\} (\S+)$", re.MULTILINE)


def collect(kubeconfig: Path) -> Fleet:
    """The whole cluster in pages of 7."""
    return KubernetesSource("kubernetes:test", str(kubeconfig), page_size=7).collect()


def test_the_smallest_role_is_enough(plane: ControlPlane) -> None:
    names = plane.add_nodes(10, prefix="small-role-")
    plane.apply(
        [namespace(SPACE), deployment("web", SPACE, 3, gpus=1), disruption_budget("web", SPACE, "web", 2)]
    )
    plane.apply([yaml.safe_load(rbac_yaml()), binding("viewer")])
    reader = plane.kubeconfig("viewer", groups=())
    plane.wait_for(lambda: placed(collect(reader), f"{SPACE}/web") == 3, 60, "three pods have a node")
    fleet = collect(reader)
    assert fleet.gaps == ()
    nodes = {node.name: node for node in fleet.nodes}
    assert set(names) <= set(nodes)
    assert [len(nodes[name].accelerators or ()) for name in names] == [8] * 10
    (web,) = (work for work in fleet.workloads if work.id == f"{SPACE}/web")
    assert (web.kind, len(web.members), [each.name for each in web.budgets]) == ("Deployment", 3, ["web"])


def test_discovery_tells_resources_apart_and_not_only_groups(plane: ControlPlane) -> None:
    connection = connect(str(plane.kubeconfig()), None, 10)
    served = discover(Client(connection, 30))
    native = next(each for each in POD_GROUPS if each.group == "scheduling.k8s.io")
    assert served.versions(native) == (), "the group is there, for priority classes; pod groups are not"
    assert served.versions(JOBS) == ("v1",)
    assert served.versions(CLAIMS)[0] == "v1"


def test_quotas_are_counted_and_refused_alike(plane: ControlPlane) -> None:
    """What dcctl would not place, the API server does not take; what it places, it takes."""
    plane.add_nodes(2, prefix="quota-")
    kind = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "gpus", "namespace": LIMITED}}
    hard = {"requests.nvidia.com/gpu": "4", "limits.cpu": "100", "pods": "10"}
    plane.apply([namespace(LIMITED), {**kind, "spec": {"hard": hard}}])
    plane.wait_for(partial(has_counted, plane, 0), 60, "the quota is counted")
    path = f"/api/v1/namespaces/{LIMITED}/pods"
    for name, gpus, taken, total in (("one", 3, True, 3), ("two", 2, False, 3), ("three", 1, True, 4)):
        fleet = collect(plane.kubeconfig())
        new = pod(name, LIMITED, gpus=gpus)
        problem = problem_of(fleet, fleet.nodes, parse([("new.json", json.dumps(new))]))
        assert bool(solve(problem).assignments) is taken
        with plane.client() as admin:
            status, _ = admin.request("POST", path, new)
        assert status == (CREATED if taken else FORBIDDEN)
        plane.wait_for(partial(has_counted, plane, total), 60, "what it asks for is counted")


def has_counted(plane: ControlPlane, gpus: int) -> bool:
    """Whether the controller has counted so many GPUs in the namespace."""
    used = [one.used for one in collect(plane.kubeconfig()).quotas if one.account == LIMITED]
    return [one.devices.get("nvidia.com/gpu") for one in used if one is not None] == [gpus]


def placed(fleet: Fleet, identity: str) -> int:
    """Members of the workload that have a node."""
    return sum(
        each.node is not None for work in fleet.workloads if work.id == identity for each in work.members
    )


def binding(user: str) -> Json:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "dcctl-viewer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "dcctl-viewer"},
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
    }


def container(name: str, sidecar: bool = False, **amounts: str) -> Json:
    """A container that asks for these amounts; `gpu` stands for a limit on nvidia.com/gpu alone."""
    limits = {"nvidia.com/gpu": amounts.pop("gpu")} if "gpu" in amounts else {}
    always = {"restartPolicy": "Always"} if sidecar else {}
    return {
        "name": name,
        "image": "registry.test/a:1",
        "resources": {"requests": amounts, "limits": limits},
        **always,
    }


SHAPES: dict[str, Json] = {
    "sum": {
        "containers": [container("a", cpu="250m", memory="100Mi"), container("b", cpu="1.5", memory="1e3")]
    },
    "init-wins": {"initContainers": [container("i", cpu="3")], "containers": [container("a", cpu="1")]},
    "sidecar-before": {
        "initContainers": [container("s", True, cpu="2", memory="1Gi"), container("i", cpu="4")],
        "containers": [container("a", cpu="1", memory="128974848000m")],
    },
    "sidecar-after": {
        "initContainers": [container("i", cpu="4"), container("s", True, cpu="2")],
        "containers": [container("a", cpu="1")],
    },
    "limits-only": {"containers": [container("a", gpu="2", cpu="100m")]},
    "tiny": {"containers": [container("a", cpu="1m", memory="1"), container("b", cpu="1m", memory="2k")]},
    "pod-level": {
        "containers": [container("a", cpu="1")],
        "resources": {"requests": {"cpu": "3", "memory": "5Gi"}},
    },
}


def test_requests_are_what_the_scheduler_counts(plane: ControlPlane) -> None:
    plane.apply([namespace(SPACE), *(shaped(name, spec) for name, spec in SHAPES.items())])
    fleet = collect(plane.kubeconfig())
    ours = {
        member.name: {
            "cpu": (member.requests.cpu_milli or 0) / 1000,
            "memory": float(member.requests.memory_bytes or 0),
            "nvidia.com/gpu": float(member.requests.devices.get("nvidia.com/gpu", 0)),
        }
        for work in fleet.workloads
        for member in work.members
        if member.name in SHAPES and member.requests is not None
    }
    plane.wait_for(lambda: set(SHAPES) <= set(scheduler_counts(plane)), 60, "the scheduler has seen the pods")
    theirs = scheduler_counts(plane)
    assert ours == {name: {key: theirs[name].get(key, 0.0) for key in ours[name]} for name in SHAPES}


def shaped(name: str, spec: Json) -> Json:
    found = pod(name, SPACE)
    found["spec"] = spec
    return found


def scheduler_counts(plane: ControlPlane) -> dict[str, dict[str, float]]:
    """By pod and resource, from the scheduler's own /metrics/resources."""
    command = Path(f"/proc/{plane.pids['kube-scheduler']}/cmdline").read_text()
    port = re.search(r"--secure-port[=\0](\d+)", command)
    assert port is not None
    with ApiClient(f"https://127.0.0.1:{port[1]}", plane.ca_file, plane.credentials()) as scheduler:
        status, body = scheduler.raw("GET", "/metrics/resources")
    assert status == OK
    found: dict[str, dict[str, float]] = {}
    for labels, value in SCHEDULER_ROW.findall(body.decode()):
        row = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if row["namespace"] == SPACE:
            found.setdefault(row["pod"], {})[row["resource"]] = float(value)
    return found
