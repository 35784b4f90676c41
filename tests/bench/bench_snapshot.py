"""How long a fleet of 10,000 nodes and 80,000 accelerators takes: python -m tests.bench.bench_snapshot.

CPU time, and its ratio to `json.loads` of the same bytes in the same run: ratios travel between machines.
"""

from __future__ import annotations

import json
import resource
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.folding import fold
from dcctl.inventory.merge import merge
from dcctl.inventory.model import Accelerator, Ecc, Fleet, Node, Pcie, Pool, Resources, SourceRun, System
from dcctl.inventory.nodeset import select
from dcctl.inventory.snapshot import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

NODES, BOARDS = 10_000, 8


def accelerator(node: int, index: int) -> Accelerator:
    return Accelerator(
        index=index,
        id=f"GPU-{node:08x}-0000-4000-8000-{index:012x}",
        model="NVIDIA H100 80GB HBM3",
        memory_bytes=85_899_345_920,
        memory_used_bytes=7_000_000_000,
        busy_milli=870,
        power_mw=612_000,
        power_cap_mw=700_000,
        temperature_c=61,
        throttle=(),
        ecc=Ecc(enabled=True, volatile_corrected=0, volatile_uncorrected=0),
        pcie=Pcie(address=f"0000:{index:02x}:00.0", generation=5, width=16, max_generation=5, max_width=16),
    )


def fleet() -> Fleet:
    size = Resources(192_000, 2 << 40, 1 << 40, 110, {"nvidia.com/gpu": BOARDS})
    nodes = tuple(
        Node(
            name=f"gpu{number:05d}",
            site="dc1",
            rack=f"r{number // 16}",
            pools=("train",),
            sources=("kubernetes:prod", "ssh"),
            system_uuid=f"4c4c4544-0000-4000-8000-{number:012x}",
            ready=True,
            schedulable=True,
            labels={f"example.com/{key}": "value" for key in range(10)},
            capacity=size,
            allocatable=size,
            system=System(vendor="maker", kernel="6.1.0"),
            accelerators=tuple(accelerator(number, index) for index in range(BOARDS)),
            accelerator_counts={"pci": BOARDS, "nvml": BOARDS, "kubernetes": BOARDS},
        )
        for number in range(NODES)
    )
    run = SourceRun("ssh", "ssh", ok=True, duration_ms=1, items=NODES)
    return Fleet("prod", nodes=nodes, pools=(Pool("train", fold(n.name for n in nodes)),), sources=(run,))


def cpu_s(work: Callable[[], object]) -> float:
    """Return the least CPU time of three runs."""
    times = []
    for _ in range(3):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def main() -> None:
    whole = fleet()
    data = encode(whole)
    other = replace(whole, sources=(SourceRun("kubernetes:prod", "kubernetes", True, 1, NODES),))
    base = cpu_s(lambda: json.loads(data))
    print(f"{NODES:,} nodes, {NODES * BOARDS:,} accelerators, {len(data) / 1e6:.0f} MB")
    for name, work in {
        "json.loads": lambda: json.loads(data),
        "decode": lambda: decode(data, "bench"),
        "encode": lambda: encode(whole),
        "select @r7": lambda: select(whole, "@r7"),
        "fold": lambda: fold(node.name for node in whole.nodes),
        "merge of one": lambda: merge([whole]),
        "merge of two": lambda: merge([whole, other]),
    }.items():
        spent = cpu_s(work)
        print(f"{name:14} {spent:7.3f} s  {spent / base:5.2f} x json.loads")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
