"""A data centre of 1,000 nodes and 8,000 GPUs in a real control plane, whose sums are known beforehand.

The scheduler decides where pods go; how many of each there are, and in which pool, is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tests.controlplane.nodes import NodeShape, node
from tests.controlplane.workloads import disruption_budget, namespace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.controlplane.client import ApiClient, Json
    from tests.controlplane.plane import ControlPlane

POOL_LABEL = "node.kubernetes.io/pool"
GPU = "nvidia.com/gpu"
GIB = 1 << 30
GANG_LABEL = "scheduling.x-k8s.io/pod-group"
CORDONED = "gpu0500"
GANGS, GANG_SIZE = 20, 16
WAITING = 12
FINISHED = 20
DEADLINE_S = 400
DAEMONS = ("node-agent", "gpu-exporter")


@dataclass(frozen=True)
class Pool:
    """Nodes `first` to `last`, all of one model."""

    name: str
    first: int
    last: int
    model: str

    @property
    def size(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Service:
    """A Deployment in the pool and namespace `space`, with a budget of its own."""

    name: str
    space: str
    replicas: int
    gpus: int
    cpus: int
    memory_gib: int


POOLS = (
    Pool("train", 1, 500, "NVIDIA-H100-80GB-HBM3"),
    Pool("infer", 501, 800, "NVIDIA-L40S"),
    Pool("research", 801, 1000, "NVIDIA-A100-SXM4-80GB"),
)
GANG = Service("gang", "train", GANG_SIZE, 8, 96, 1024)
DAEMON = Service("daemon", "system", 1000, 0, 1, 2)
SERVICES = (
    *(Service(f"chat-{index}", "infer", 40, 1, 4, 32) for index in range(10)),
    *(Service(f"eval-{index}", "research", 20, 2, 8, 64) for index in range(5)),
    Service("etl", "research", 10, 0, 189, 100),  # takes all CPUs but a few: the GPUs there are stranded
    Service("web", "infer", 300, 0, 2, 4),
)
SPACES = ("train", "infer", "research", "system")


def fill(plane: ControlPlane) -> None:
    """All of it is there: nodes Ready, pods running, the gang that fits nowhere refused by the scheduler."""
    plane.apply([*(namespace(space) for space in SPACES), pod_group_kind()])
    plane.create_many("/api/v1/nodes", list(_nodes()))
    plane.apply(daemon_set(name) for name in DAEMONS)
    for each in SERVICES:
        plane.apply(
            [deployment(each), disruption_budget(each.name, each.space, each.name, each.replicas - 1)]
        )
    plane.apply(pod_group(f"gang-{index:02d}", GANG_SIZE) for index in range(GANGS))
    plane.apply([pod_group("moe-pilot", WAITING)])
    plane.create_many("/api/v1/namespaces/train/pods", list(_pods()))
    with plane.client() as admin:
        for kind in ("deployments", "daemonsets"):
            plane.wait_for(partial(_all_ready, admin, kind), DEADLINE_S, f"{kind} are ready", 2.0)
        plane.wait_for(lambda: _train_is_placed(admin), DEADLINE_S, "the gangs run", 2.0)


def _all_ready(admin: ApiClient, kind: str) -> bool:
    """From the counts that controllers keep: to list thousands of pods each second would slow them down."""
    sets = [
        each for space in SPACES for each in admin.get(f"/apis/apps/v1/namespaces/{space}/{kind}")["items"]
    ]
    ready = [each["status"].get("readyReplicas", each["status"].get("numberReady")) for each in sets]
    if kind == "daemonsets":
        return ready == [DAEMON.replicas] * len(DAEMONS)
    return sorted(map(int, filter(None, ready))) == sorted(each.replicas for each in SERVICES)


def _train_is_placed(admin: ApiClient) -> bool:
    path = "/api/v1/namespaces/train/pods?fieldSelector=status.phase="
    counts = {phase: len(admin.get(path + phase)["items"]) for phase in ("Pending", "Succeeded")}
    return counts == {"Pending": WAITING, "Succeeded": FINISHED}


def _nodes() -> Iterator[Json]:
    for pool in POOLS:
        shape = NodeShape(model=pool.model)
        for index in range(pool.first, pool.last + 1):
            made = node(shape, index)
            made["metadata"]["labels"][POOL_LABEL] = pool.name
            made["spec"]["unschedulable"] = made["metadata"]["name"] == CORDONED
            yield made


def _pods() -> Iterator[Json]:
    for gang in range(GANGS):
        for rank in range(GANG_SIZE):
            yield _member(f"gang-{gang:02d}", rank, "train")
    for rank in range(WAITING):
        yield _member("moe-pilot", rank, "not-built-yet")
    for index in range(FINISHED):
        done = _pod(f"done-{index:02d}", "train", GANG, "train")
        done["metadata"]["annotations"] = {"dcctl.test/run-for": "10ms"}
        yield done


def _member(gang: str, rank: int, pool: str) -> Json:
    made = _pod(f"{gang}-{rank:02d}", "train", GANG, pool)
    made["metadata"]["labels"] = {GANG_LABEL: gang}
    return made


def _pod(name: str, space: str, asked: Service, pool: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": space},
        "spec": _spec(asked, pool),
    }


def _spec(asked: Service, pool: str | None) -> Json:
    amounts = {"cpu": str(asked.cpus), "memory": f"{asked.memory_gib}Gi"}
    limits = {GPU: str(asked.gpus)} if asked.gpus else {}
    container = {
        "name": "main",
        "image": "registry.test/a:1",
        "resources": {"requests": amounts, "limits": limits},
    }
    spec: Json = {"containers": [container]}
    return spec | ({"nodeSelector": {POOL_LABEL: pool}} if pool else {})


def deployment(service: Service) -> Json:
    return _set("Deployment", service.name, service.space, service, service.space)


def daemon_set(name: str) -> Json:
    return _set("DaemonSet", name, DAEMON.space, DAEMON, None)


def _set(kind: str, name: str, space: str, asked: Service, pool: str | None) -> Json:
    labels = {"app": name}
    spec: Json = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": _spec(asked, pool)},
    }
    if kind == "Deployment":
        spec["replicas"] = asked.replicas
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": space},
        "spec": spec,
    }


def pod_group(name: str, members: int) -> Json:
    return {
        "apiVersion": "scheduling.x-k8s.io/v1alpha1",
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": "train"},
        "spec": {"minMember": members},
    }


def pod_group_kind() -> Json:
    """The type of the coscheduling plugin's groups, with any fields."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "podgroups.scheduling.x-k8s.io",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {
            "group": "scheduling.x-k8s.io",
            "scope": "Namespaced",
            "names": {"kind": "PodGroup", "plural": "podgroups", "singular": "podgroup"},
            "versions": [version],
        },
    }
