"""Three racks with a training gang, services and their budgets: what `dcctl drain` is tried on."""

from __future__ import annotations

import subprocess
import sys
from http.client import CREATED, OK
from typing import TYPE_CHECKING, NamedTuple

from tests.controlplane.datacentre import GANG_LABEL, pod_group_kind
from tests.controlplane.workloads import disruption_budget, namespace, pod_spec

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.client import Json
    from tests.controlplane.plane import ControlPlane

TRAIN, CHAT, DATA = "train", "chat", "data"
GANG = 3
RACK = tuple(f"gpu{number:04d}" for number in range(1, 5))
"""What is drained: the first of three racks of four nodes."""


class Shell(NamedTuple):
    """Runs dcctl and kubectl as an administrator of the plane does, with a state of its own in a folder."""

    plane: ControlPlane
    folder: Path
    kubectl_file: Path

    def dcctl(self, *words: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`dcctl WORDS`."""
        return self._run([sys.executable, "-m", "dcctl", *words], kubeconfig)

    def kubectl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`kubectl WORDS`."""
        return self._run([str(self.kubectl_file), *words], None)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`dcctl WORDS`, of which the end is not awaited."""
        command = [sys.executable, "-m", "dcctl", *words]
        return subprocess.Popen(
            command, env=self.env(None), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def _run(self, command: list[str], kubeconfig: Path | None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.env(kubeconfig), capture_output=True, text=True, check=False, timeout=200
        )

    def env(self, kubeconfig: Path | None) -> dict[str, str]:
        """What both see."""
        return {
            "KUBECONFIG": str(kubeconfig or self.plane.kubeconfig()),
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
        }


def fill(plane: ControlPlane) -> None:
    """On the first rack: a gang on three nodes; on the fourth a service, and one that no budget lets go.

    The racks beside it are empty.
    """
    plane.apply([*(namespace(space) for space in (TRAIN, CHAT, DATA)), pod_group_kind()])
    plane.add_nodes(12)
    open_to_work(plane, range(1, 4))
    sets = [stateful_set(f"llm-{rank}", TRAIN, 8, gang="llm") for rank in range(GANG)]
    plane.apply([group("llm", GANG), *sets])
    plane.wait_for(lambda: len(standing(plane)) == GANG, 60, "the gang runs")
    open_to_work(plane, range(4, 5))
    plane.apply([stateful_set("web", CHAT, 1, replicas=3), disruption_budget("web", CHAT, "web", 2)])
    plane.apply([stateful_set("pg", DATA, 0), disruption_budget("pg", DATA, "pg", 1)])
    plane.wait_for(lambda: len(standing(plane)) == GANG + 4, 60, "all pods run")
    open_to_work(plane, range(1, 13))


def group(name: str, members: int) -> Json:
    """A PodGroup of the coscheduling plugin."""
    return {
        "apiVersion": "scheduling.x-k8s.io/v1alpha1",
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": TRAIN},
        "spec": {"minMember": members},
    }


def stateful_set(name: str, space: str, gpus: int, replicas: int = 1, gang: str = "") -> Json:
    """Pods whose names are known beforehand; of a gang each has a set of its own."""
    labels = {"app": name} | ({GANG_LABEL: gang} if gang else {})
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": space},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(gpus)},
        },
    }


def open_to_work(plane: ControlPlane, numbers: range) -> None:
    """These of the twelve nodes take work, and no others."""
    plane.apply(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"gpu{number:04d}"},
            "spec": {"unschedulable": number not in numbers},
        }
        for number in range(1, 13)
    )


def pods(plane: ControlPlane) -> list[Json]:
    """All of the three namespaces."""
    with plane.client() as admin:
        return [
            each
            for space in (TRAIN, CHAT, DATA)
            for each in admin.get(f"/api/v1/namespaces/{space}/pods")["items"]
        ]


def standing(plane: ControlPlane) -> dict[str, str]:
    """By pod that runs and is not being deleted, its node."""
    return {
        f"{each['metadata']['namespace']}/{each['metadata']['name']}": each["spec"]["nodeName"]
        for each in pods(plane)
        if each["status"]["phase"] == "Running" and "deletionTimestamp" not in each["metadata"]
    }


def nodes(plane: ControlPlane) -> dict[str, Json]:
    """All nodes by name."""
    with plane.client() as admin:
        return {each["metadata"]["name"]: each for each in admin.get("/api/v1/nodes")["items"]}


def cordoned(plane: ControlPlane) -> set[str]:
    """Nodes that take no new pods."""
    return {name for name, each in nodes(plane).items() if each["spec"].get("unschedulable")}


def marked(plane: ControlPlane) -> set[str]:
    """Nodes that carry our mark, of whatever run."""
    return {
        name
        for name, each in nodes(plane).items()
        if "dcctl.io/drain" in (each["metadata"].get("annotations") or {})
    }


def evicted(plane: ControlPlane, space: str, name: str) -> int:
    """Ask for the eviction of a pod; the status of the answer."""
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": space},
    }
    with plane.client() as admin:
        status, _ = admin.request("POST", f"/api/v1/namespaces/{space}/pods/{name}/eviction", body)
    assert status in {OK, CREATED, 429}
    return status
