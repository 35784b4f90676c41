"""Small fleets made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.fleet.idle import Rule
from dcctl.assess.fleet.judge import judge_fleet
from dcctl.inventory.model import Accelerator, Fleet, Member, Node, Process, Resources, Workload

if TYPE_CHECKING:
    from dcctl.assess.fleet.nodes import NodeState

GIB = 2**30
NOW_S = 1_760_000_000
GPU = "nvidia.com/gpu"


def boards(count: int, busy: int | None = None, **more: object) -> tuple[Accelerator, ...]:
    """`count` whole boards with ids `b0`, `b1`, …, all equally busy."""
    return tuple(Accelerator(i, f"b{i}", busy_milli=busy, model="H100", **more) for i in range(count))  # type: ignore[arg-type]  # test builder


def size(cpus: int = 80, gib: int = 800, gpus: int = 8, resource: str = GPU) -> Resources:
    """What a node has or offers."""
    return Resources(cpus * 1000, gib * GIB, None, 110, {resource: gpus} if gpus else {})


def node(name: str = "n1", **more: object) -> Node:
    """A ready node of 80 CPUs, 800 GiB and 8 GPUs that a scheduler hands out."""
    facts: dict[str, object] = {
        "pools": ("p",),
        "sources": ("kubernetes:t",),
        "ready": True,
        "schedulable": True,
        "capacity": size(),
        "allocatable": size(),
        "accelerators": boards(8),
    }
    return Node(name, **{**facts, **more})  # type: ignore[arg-type]  # test builder


def asks(cpus: int = 8, gib: int = 8, gpus: int = 1, resource: str = GPU) -> Resources:
    """What a member requests."""
    return Resources(cpus * 1000, gib * GIB, None, None, {resource: gpus} if gpus else {})


def work(name: str, wants: Resources, where: str | None = "n1", count: int = 1, **more: object) -> Workload:
    """A workload of `count` members on one node, begun two hours ago."""
    phase = "running" if where else "pending"
    members = tuple(Member(f"{name}-{i}", where, phase, wants, uid=f"{name}-{i}") for i in range(count))  # type: ignore[arg-type]  # a Phase
    facts: dict[str, object] = {"members": members, "started_at_s": NOW_S - 7200}
    return Workload(f"t/{name}", **{**facts, **more})  # type: ignore[arg-type]  # test builder


def process(uid: str) -> tuple[Process, ...]:
    """One process in the cgroup of a pod."""
    return (Process(1, "python3", pod_uid=uid),)


def judged(nodes: Node | tuple[Node, ...], *workloads: Workload) -> list[NodeState]:
    """The nodes of such a fleet, judged."""
    known = nodes if isinstance(nodes, tuple) else (nodes,)
    return judge_fleet(Fleet("t", nodes=known, workloads=workloads), Rule(), NOW_S)


def words(state: NodeState) -> str:
    """The states of its boards by their first letters: a, f, s, u(navailable), ?."""
    letter = {"allocated": "a", "free": "f", "stranded": "s", "unavailable": "u", "unknown": "?"}
    return "".join(letter[board.state] for board in state.boards)
