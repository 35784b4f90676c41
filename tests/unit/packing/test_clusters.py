"""A fleet as a problem: whose work may stand on whose nodes, what ends, and what it draws."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Accelerator, Fleet, Member, Node, Resources, Site, Workload
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.timed.backfill import planned
from dcctl.packing.verify.verify import verify

NOW = 1000
ROOM = Resources(cpu_milli=4000, memory_bytes=1 << 36, pods=10, devices={"nvidia.com/gpu": 1})
BOARD = Accelerator(0, "g", "nvidia.com/gpu", power_cap_mw=300_000, power_default_cap_mw=400_000)


def node(name: str, source: str) -> Node:
    return Node(name, site="s", sources=(source,), allocatable=ROOM, accelerators=(BOARD,))


def work(name: str, source: str | None, phase: str = "pending", on: str | None = None) -> Workload:
    members = tuple(
        Member(f"{name}-{at}", on, phase, Resources(cpu_milli=3000, pods=1))  # type: ignore[arg-type]
        for at in range(2)
    )
    return Workload(name, source=source, members=members if phase == "pending" else members[:1])


FLEET = Fleet(
    taken_at_s=NOW,
    sites=(Site("s", pue_limit_milli=1300), Site("t")),
    nodes=(node("a1", "kubernetes:a"), node("b1", "slurm:b"), node("x1", "ssh")),
)


def homes(fleet: Fleet, asked: Asked, *, pending: bool = False) -> dict[str, list[str]]:
    problem = problem_of(fleet, fleet.nodes, asked, pending=pending, now_s=7)
    plan = planned(problem)
    assert verify(plan, problem) == ()
    found: dict[str, list[str]] = {}
    for one in plan.assignments:
        found.setdefault(one.job, []).append(one.node)
    return found


def test_work_of_a_cluster_stands_on_its_nodes_alone_and_work_of_files_anywhere() -> None:
    waiting = replace(FLEET, workloads=(work("w", "slurm:b"),))
    assert homes(waiting, Asked(), pending=True) == {"w": ["b1"]}
    assert homes(FLEET, Asked(workloads=(work("f", "file:jobs.yaml"),))) == {"f": ["a1", "b1"]}


def test_why_a_node_of_another_cluster_is_refused() -> None:
    waiting = replace(FLEET, workloads=(work("w", "slurm:b"),))
    problem = problem_of(waiting, waiting.nodes, Asked(), pending=True)
    assert planned(problem).unplaced[0].why["of another cluster"] == 2


def test_what_is_known_of_time_and_power() -> None:
    done = work("done", "kubernetes:a", "succeeded", "a1")
    problem = problem_of(replace(FLEET, workloads=(done,)), FLEET.nodes, Asked(), now_s=7)
    assert problem.now_s == NOW, "when the fleet was learned, not when it is asked"
    assert problem.ended == {"done"}
    assert problem.pue_milli == {"s": 1300}
    assert problem.bins[0].devices[0].power_mw == 300_000
