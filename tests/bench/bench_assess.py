"""CPU time of `report()` on large fleets, in seconds and against the time to decode the same fleet from JSON.

Run: python tests/bench/bench_assess.py [--profile]
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from dcctl.assess.fleet.report import Options, report
from dcctl.inventory.model import Accelerator, Fleet, Member, Node, NodeUse, Process, Resources, Workload

if TYPE_CHECKING:
    from collections.abc import Callable

NOW_S = 1_760_000_000
GIB = 2**30


def measured_fleet(nodes: int, members_per_node: int) -> Fleet:
    """Every node with 8 boards that were read; one training member holds 6 of them, the rest is small."""
    return Fleet(
        "bench", nodes=tuple(map(_node, range(nodes))), workloads=_workloads(nodes, members_per_node)
    )


def unmeasured_fleet(nodes: int, members_per_node: int) -> Fleet:
    """The same as a scheduler alone tells it: no reading of any board."""
    whole = measured_fleet(nodes, members_per_node)
    bare = tuple(msgspec.structs.replace(node, accelerators=_BARE, use=None) for node in whole.nodes)
    return msgspec.structs.replace(whole, nodes=bare)


_BARE = tuple(Accelerator(index, model="H100") for index in range(8))


def _node(number: int) -> Node:
    boards = tuple(_board(number, index) for index in range(8))
    size = Resources(224_000, 2048 * GIB, 28 * 10**12, 110, {"nvidia.com/gpu": 8})
    return Node(
        f"gpu{number:05d}",
        site=f"dc{number // 8 % 4}",
        rack=f"rack{number // 8:04d}",
        pools=(f"pool{number % 6}",),
        sources=("kubernetes:bench",),
        ready=True,
        schedulable=True,
        capacity=size,
        allocatable=size,
        use=NodeUse(100_000, 700 * GIB, 90_000, 5, 0, 3, 7_000_000),
        accelerators=boards,
    )


def _board(number: int, index: int) -> Accelerator:
    uid = f"train-{number}"
    processes = (Process(4000 + index, "python3", pod_uid=uid),) if index < 6 else ()
    return Accelerator(
        index,
        f"GPU-{number}-{index}",
        model="H100",
        memory_bytes=80 * GIB,
        memory_used_bytes=70 * GIB,
        busy_milli=(number * 37 + index * 11) % 1000 if index < 6 else 0,
        memory_busy_milli=300,
        power_mw=600_000,
        throttle=(),
        processes=processes,
    )


def _workloads(nodes: int, members_per_node: int) -> tuple[Workload, ...]:
    train = Resources(140_000, 1000 * GIB, 0, 1, {"nvidia.com/gpu": 6})
    small = Resources(500, GIB, 0, 1)
    made = []
    for first in range(0, nodes, 32):
        group = range(first, min(nodes, first + 32))
        gang = tuple(Member(f"t-{n}", f"gpu{n:05d}", "running", train, uid=f"train-{n}") for n in group)
        made.append(Workload(f"team/train-{first}", "PyTorchJob", members=gang, started_at_s=NOW_S - 90_000))
    for position in range(members_per_node - 1):
        pods = tuple(Member(f"p-{position}-{n}", f"gpu{n:05d}", "running", small) for n in range(nodes))
        made.append(
            Workload(f"system/pod-{position}", "DaemonSet" if position < 4 else "Deployment", members=pods)
        )
    return tuple(made)


def cpu_s(work: Callable[[], object], times: int = 3) -> float:
    """The least CPU time of a few runs, in seconds."""
    best = float("inf")
    for _ in range(times):
        gc.collect()
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    """Print one line per fleet."""
    for title, fleet in (
        ("10,000 nodes, 80,000 GPUs, 100,000 members, measured", measured_fleet(10_000, 10)),
        ("5,000 nodes, 40,000 GPUs, 100,000 pods, no readings", unmeasured_fleet(5_000, 20)),
    ):
        text = msgspec.json.encode(fleet)
        decoded = cpu_s(lambda text=text: msgspec.json.decode(text, type=Fleet))  # type: ignore[misc]  # bound at once
        spent = cpu_s(lambda fleet=fleet: report(fleet, Options(), NOW_S))  # type: ignore[misc]  # bound at once
        print(
            f"{title}: report {spent:.2f} s CPU, {spent / decoded:.1f} x decoding ({decoded:.2f} s)"
        )  # a benchmark prints
        if "--profile" in sys.argv:
            profile = cProfile.Profile()
            profile.runcall(report, fleet, Options(), NOW_S)
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
