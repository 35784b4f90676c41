"""Speed and memory of the planner: 100,000 pods on 10,000 nodes, growth with size, what-ifs on a warm fleet.

    python tests/bench/bench_planner.py [NODES]

Every size is planned in a process of its own. Prints CPU seconds, also as a multiple of first-fit on the same
engine (the floor), and the peak of memory. Exits 1 when a bar is missed: 5 s and 1 GB for 10,000 nodes with
100,000 pods, growth no worse than size to the power of 1.3 from 1,000 to 20,000 nodes, 50 ms for a what-if,
60 times the plan without times for the same work with durations. Prints as well how long a plan in time
takes for that many nodes with 2.5 jobs a node, of which most are gangs, in racks, and what two questions
about a saved fleet of so many nodes take.
"""

from __future__ import annotations

import math
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from msgspec.structs import replace  # noqa: E402 - the path comes first

from dcctl.packing.problem import (  # noqa: E402 - the path comes first
    UNLIMITED,
    Bin,
    Device,
    Held,
    ItemClass,
    Job,
    Kind,
    Need,
    Problem,
    Space,
    Task,
)
from dcctl.packing.scene import Scene  # noqa: E402 - the path comes first
from dcctl.packing.solve import Options, solve, solved  # noqa: E402 - the path comes first
from dcctl.packing.timed.backfill import planned  # noqa: E402 - the path comes first

if TYPE_CHECKING:
    from dcctl.inventory.placement import Level
    from dcctl.packing.choices import PolicyName

PODS_PER_NODE, CLASSES = 10, 150
KINDS = tuple(Kind("nvidia.com/gpu", model) for model in ("A100", "H100", "L40S"))
NODE_TYPES = ((96, 768, 8, 0), (128, 1024, 8, 1), (64, 512, 4, 2), (96, 384, 2, 0), (128, 512, 0, 0))
"""CPU cores, memory in GiB, devices, kind."""
SECONDS, GIGABYTES, WHATIF_MS, GROWTH = 5.0, 1.0, 50.0, 1.3
TIMED_NODES, TIMED_RATIO = 1000, 60.0


def problem(nodes: int) -> Problem:
    """Nodes of five types, pods of 150 classes that ask for about twice what there is, in no order."""
    chance = random.Random(1)
    bins = tuple(_bin(f"n{at:05d}", *chance.choice(NODE_TYPES)) for at in range(nodes))
    classes = tuple(ItemClass(_need(chance)) for _ in range(CLASSES))
    jobs = tuple(
        Job(f"j{at}", (Task(chance.randrange(CLASSES), ("m",)),)) for at in range(nodes * PODS_PER_NODE)
    )
    return Problem(Space((), KINDS), bins, classes, jobs)


def _bin(name: str, cores: int, memory_gib: int, devices: int, kind: int) -> Bin:
    free = (cores * 1000, memory_gib << 30, UNLIMITED, 110, UNLIMITED, UNLIMITED)
    boards = tuple(Device(kind, at) for at in range(devices))
    return Bin(name, free, free, boards, devices, kinds=(kind,) if devices else ())


def _need(chance: random.Random) -> Need:
    cores, kind = chance.choice((2, 4, 6, 8, 12, 16)), chance.random()
    models = chance.choice(((), (), ("A100",), ("H100",)))
    if kind < 0.15:
        return Need((cores * 1000, cores << 31, 0, 1, 0, 0))
    if kind < 0.55:
        share = chance.choice((100, 200, 250, 300, 500, 700))
        return Need((cores * 500, cores << 30, 0, 1, 0, 0), share_milli=share, models=models)
    devices = chance.choice((1, 1, 1, 2, 4, 8))
    return Need((cores * devices * 500, cores * devices << 30, 0, 1, 0, 0), devices=devices, models=models)


def child(nodes: int, policy: PolicyName) -> None:
    """Plan once; print CPU seconds, peak in MB, members placed."""
    asked = problem(nodes)
    began = time.process_time()
    plan = solve(asked, Options(policy))
    spent = time.process_time() - began
    print(spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, plan.placed)


def timed_ratio() -> float:
    """CPU seconds of a plan in time, over those of the plan of the same work without durations."""
    chance, asked = random.Random(2), problem(TIMED_NODES)
    jobs = tuple(replace(one, duration_s=chance.randrange(600, 86_400)) for one in asked.jobs)
    spent = []
    for one in (asked, replace(asked, jobs=jobs, now_s=1000)):
        began = time.process_time()
        planned(one)
        spent.append(time.process_time() - began)
    return spent[1] / spent[0]


def gangs(nodes: int) -> Problem:
    """Nodes of eight devices in racks of 8 to 16; 60 % of the jobs are gangs, some within a rack.

    They ask for four times what there is, for 1 to 48 hours each.
    """
    chance = random.Random(3)
    paths = [
        ("", "", f"r{rack:04}", "", "s") for rack in range(nodes) for _ in range(chance.randrange(8, 17))
    ]
    bins = tuple(replace(_bin(f"n{at:05}", *NODE_TYPES[1]), path=paths[at]) for at in range(nodes))
    sizes = (1, 2, 4, 8)
    classes = tuple(ItemClass(Need((each * 8000, each << 36, 0, 1, 0, 0), devices=each)) for each in sizes)
    return Problem(
        Space((), KINDS),
        bins,
        classes,
        tuple(_timed_job(f"j{at:05}", chance) for at in range(nodes * 5 // 2)),
        now_s=1000,
    )


def _timed_job(name: str, chance: random.Random) -> Job:
    lasts_s = chance.randrange(1, 49) * 3600
    if chance.random() > 0.6:
        return Job(name, (Task(chance.randrange(4), ("m",)),), duration_s=lasts_s)
    count = chance.choice((2,) * 8 + (4,) * 4 + (8, 8, 16, 32, 64))
    task = Task(chance.choice((0, 0, 0, 0, 1, 1, 2, 3)), tuple(map(str, range(count))))
    within: Level | None = "rack" if count <= 8 and chance.random() < 0.5 else None
    return Job(name, (task,), count, within, duration_s=lasts_s)


def gangs_s(nodes: int) -> tuple[float, int]:
    """CPU seconds of a plan in time of mostly gangs, and how many members are placed."""
    asked = gangs(nodes)
    began = time.process_time()
    plan = planned(asked)
    return time.process_time() - began, plan.placed


def best(nodes: int, policy: PolicyName, runs: int = 3) -> tuple[float, float]:
    """The least CPU seconds of some runs, and the peak in MB."""
    words = [sys.executable, __file__, "--child", str(nodes), policy]
    outputs = (subprocess.run(words, check=True, capture_output=True, text=True).stdout for _ in range(runs))
    rows = [text.split() for text in outputs]
    return min(float(row[0]) for row in rows), max(float(row[1]) for row in rows)


def whatif_ms(nodes: int) -> float:
    """One node of a warm, full fleet is lost and its work placed again: the median, in ms."""
    empty = problem(nodes)
    full = _filled(empty)
    scene = Scene(solved(full))
    scene.lose((0,))  # warm
    spent = []
    for at in range(1, 40):
        began = time.perf_counter()
        scene.lose((at * nodes // 40,))
        spent.append(time.perf_counter() - began)
    return sorted(spent)[len(spent) // 2] * 1000


def _filled(empty: Problem) -> Problem:
    """The fleet with the first half of its pods standing, and nothing waiting."""
    half = replace(empty, jobs=empty.jobs[: len(empty.jobs) // 4])
    made = solved(half)
    state = made.placer.engine.state
    held = [
        Held(found.job.id, one.member, one.put.bin, one.of, one.put.devices)
        for found in made.placed
        for one in found.stands
    ]
    bins = tuple(
        replace(
            one,
            free=tuple(state.free[at].tolist()),
            devices=tuple(
                replace(device, free_milli=int(state.milli[at, number]))
                for number, device in enumerate(one.devices)
            ),
        )
        for at, one in enumerate(half.bins)
    )
    return replace(half, bins=bins, jobs=(), held=tuple(held))


def questions(nodes: int) -> bool:
    """Print what it takes to explain a gang that does not fit and to lose every part; do the bars hold?"""
    from dcctl.inventory.snapshot import encode
    from tests.bench.busy_fleet import GANG, busy_fleet
    from tests.bench.cpu import once, python

    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(encode(busy_fleet(nodes)))
        file.flush()
        held = True
        for words in (("explain", GANG), ("whatif", "--every-single")):
            cost = once(python("-m", "dcctl", "schedule", *words, "-i", file.name))
            print(f"  schedule {' '.join(words)}: {cost.cpu_s:.1f} s CPU on a saved fleet of {nodes:,} nodes")
            held = held and cost.returncode == 1
    return held


def main() -> int:
    """Print all; say whether the bars hold."""
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    spent, peak_mb = best(nodes, "use-value")
    floor, _ = best(nodes, "first-fit")
    pods = nodes * PODS_PER_NODE
    print(
        f"{nodes:,} nodes, {pods:,} pods: {spent:.2f} s CPU, {peak_mb:.0f} MB; "
        f"{spent / floor:.1f} times first-fit on the same engine"
    )
    sizes = (1000, 5000, 20_000)
    growth = [(size, *best(size, "use-value", 1)) for size in sizes]
    for size, seconds, mb in growth:
        each_us = seconds / size / PODS_PER_NODE * 1e6
        print(f"  {size:>6,} nodes: {seconds:.2f} s, {mb:.0f} MB, {each_us:.0f} µs a pod")
    power = math.log(growth[-1][1] / growth[0][1]) / math.log(sizes[-1] / sizes[0])
    late = whatif_ms(nodes)
    print(f"  time grows with size to the power of {power:.2f}; a node lost on a warm fleet: {late:.1f} ms")
    ratio = timed_ratio()
    print(
        f"  {TIMED_NODES:,} nodes, every job with a duration of its own: {ratio:.1f} times the plan without"
    )
    late_s, members = gangs_s(nodes)
    print(f"  {nodes * 5 // 2:,} jobs in time there, mostly gangs: {late_s:.1f} s, {members:,} members")
    held = spent < SECONDS and peak_mb < GIGABYTES * 1000 and power < GROWTH
    held = held and late < WHATIF_MS and ratio < TIMED_RATIO
    return 0 if questions(nodes) and held else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(int(sys.argv[2]), cast("PolicyName", sys.argv[3]))
    else:
        sys.exit(main())
