"""Pods: what they have of their node beside a share of its time and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.audit.check import Fault, check
from dcctl.audit.facts.claimed import claimed
from dcctl.audit.facts.exempt import asked, containers, known_for, once
from dcctl.audit.facts.paths import RUNTIMES, contains, is_below, is_grave, is_read_only, normal, reached
from dcctl.inventory.evidence.pods import HostPath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.pods import Shape, Work

_CRITICAL: Final = "critical"


@check(
    "POD-02",
    "A pod sees the processes of its node",
    "high",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.3", "nsa:C-0038", "800-53:SC-39", "soc2:CC6.1", "iso:A.8.22"),
    why="It reads the environment of every process, and ends those of other tenants.",
    fix="Take hostPID away; shareProcessNamespace is enough among containers of one pod.",
    applies=known_for("POD-02"),
)
@once
def host_pid(work: Work, scene: Scene) -> Iterator[Fault]:
    """No pod has hostPID."""
    for shape, _ in asked(work, "POD-02", scene):
        if shape.host_pid:
            yield Fault("is in the process namespace of its node", "hostPID")


@check(
    "POD-03",
    "A pod shares memory with the processes of its node",
    "high",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.4", "nsa:C-0038", "800-53:SC-39", "soc2:CC6.1", "iso:A.8.22"),
    why="It reads and writes the shared memory of other tenants, with their weights and data in it.",
    fix="Take hostIPC away; for NCCL mount an emptyDir with medium: Memory at /dev/shm.",
    applies=known_for("POD-03"),
)
@once
def host_ipc(work: Work, scene: Scene) -> Iterator[Fault]:
    """No pod has hostIPC."""
    for shape, _ in asked(work, "POD-03", scene):
        if shape.host_ipc:
            yield Fault("is in the IPC namespace of its node", "hostIPC")


@check(
    "POD-04",
    "A pod is in the network of its node",
    "high",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.5", "nsa:C-0041", "800-53:SC-7", "soc2:CC6.6", "iso:A.8.22"),
    why="No NetworkPolicy holds for it, and it reaches what listens on localhost.",
    fix="Take hostNetwork away; RDMA works with a device plugin and a second network (Multus).",
    applies=known_for("POD-04"),
)
@once
def host_network(work: Work, scene: Scene) -> Iterator[Fault]:
    """No pod has hostNetwork."""
    for shape, _ in asked(work, "POD-04", scene):
        if shape.host_network:
            yield Fault("is in the network namespace of its node", "hostNetwork")


@check(
    "POD-09",
    "A pod mounts a path of its node",
    "high",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.11", "800-53:AC-6", "soc2:CC6.1", "iso:A.8.3"),
    why="What it writes there stays when it is gone, and what others keep there it reads.",
    fix="Use a PersistentVolumeClaim or an emptyDir; name what may be read in audit.pods.host_paths.",
    applies=known_for("POD-09"),
)
@once
def host_paths(work: Work, scene: Scene) -> Iterator[Fault]:
    """No path of the node, but those of the policy that no container can write to."""
    for shape, _ in asked(work, "POD-09", scene):
        for volume in shape.volumes:
            if not _allowed(volume, shape, scene):
                path = normal(volume.path)
                yield Fault(f"mounts {path} of its node", path, _CRITICAL if is_grave(volume) else None)
    for claim, held in claimed(work, scene):
        place = HostPath(claim, held.host_path)
        if is_grave(place) or not (held.made_by or _is_listed(normal(held.host_path), scene)):
            says = f"mounts {normal(held.host_path)} of its node by the claim {claim}"
            yield Fault(says, f"claim {claim}", _CRITICAL if is_grave(place) else None)


def _allowed(volume: HostPath, shape: Shape, scene: Scene) -> bool:
    path = normal(volume.path)
    return _is_listed(path, scene) and is_read_only(volume, shape)


def _is_listed(path: str, scene: Scene) -> bool:
    return any(is_below(path, normal(each)) for each in scene.policy.pods.host_paths)


@check(
    "POD-10",
    "A container takes a port of its node",
    "low",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.12", "nsa:C-0044", "800-53:SC-7", "soc2:CC6.6", "iso:A.8.20"),
    why="It is reached past every Service and most policies, and two such pods do not fit on one node.",
    fix="Take hostPort away, and reach it by a Service.",
    applies=known_for("POD-10"),
)
@once
def host_ports(work: Work, scene: Scene) -> Iterator[Fault]:
    """No container has a hostPort."""
    for _, one in containers(work, "POD-10", scene):
        for port in one.host_ports:
            yield Fault(f"{one.name} takes port {port} of its node", f"{one.name}/{port}")


@check(
    "POD-13",
    "A container can tell the container runtime what to do",
    "critical",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("dcctl:runtime-socket", "800-53:AC-6(1)", "soc2:CC6.1", "iso:A.8.2"),
    why="Whoever may write to that socket starts a privileged container, and Kubernetes does not know of it.",
    fix="Take the socket away; build images with BuildKit in rootless mode or Kaniko.",
    applies=known_for("POD-13"),
)
@once
def sockets(work: Work, scene: Scene) -> Iterator[Fault]:
    """No container sees the socket of a container runtime, by itself or in a folder."""
    for shape, _ in asked(work, "POD-13", scene):
        for volume in shape.volumes:
            path = next((each for each in reached(volume, shape) if contains(each, RUNTIMES)), None)
            if path is not None:
                yield Fault(f"reaches the socket of a container runtime by {path}", normal(volume.path))
    for claim, held in claimed(work, scene):
        path = normal(held.host_path)
        if contains(path, RUNTIMES):
            yield Fault(f"reaches the socket of a container runtime by {path}", f"claim {claim}")
