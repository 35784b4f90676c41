"""Batches planned at once: how far plans are from the proven bound, and how often small ones are the best.

Run: python tests/bench/bench_batch.py [SEEDS] [EFFORT] [MIX…]. 1 when the gap of the search in any mix is
above 1.5 points of the cluster's GPUs, or fewer than 95 % of the small cases that can be proved are the best.
Small cases are left out where mixes are named.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from dcctl.packing.problem import UNLIMITED, Bin, Device, ItemClass, Job, Kind, Need, Problem, Space, Task  # noqa: E402
from dcctl.packing.solve import Options, Solution, solved  # noqa: E402
from dcctl.packing.verify.verify import verify  # noqa: E402
from tests.bench import packing_streams as streams  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.packing.choices import Effort

_GPU = "nvidia.com/gpu"
_MOST_GAP = 1.5
"""Points of the cluster's GPUs."""
_LEAST_BEST = 0.95
_SMALL = (3, 4)
"""Nodes of the small cases; of larger ones few can be proved."""


def batch(mix: streams.Mix, seed: int) -> Problem:
    """All pods of a stream at once, each by itself."""
    table, stream = streams.classes(mix), streams.stream(mix, seed)
    return Problem(
        Space((), tuple(Kind(_GPU, model) for model in streams.MODELS)),
        tuple(_bins(mix, stream)),
        tuple(_class(table, at) for at in range(len(table.pods))),
        tuple(Job(f"p{at:06}", (Task(of, ("0",)),)) for at, of in enumerate(stream.classes.tolist())),
    )


def _bins(mix: streams.Mix, stream: streams.Stream) -> Iterator[Bin]:
    nodes = streams.nodes(mix)
    for number, at in enumerate(stream.order.tolist()):
        cpu, memory = int(nodes.cpu_milli[at]), int(nodes.memory_mib[at]) << 20
        free = (cpu, memory, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED)
        model, count = int(nodes.model[at]), int(nodes.gpus[at])
        devices = tuple(Device(model, index) for index in range(count))
        yield Bin(f"n{number:05}", free, free, devices, count, kinds=(model,))


def _class(table: streams.Classes, at: int) -> ItemClass:
    gpus, milli, bits = int(table.gpus[at]), int(table.gpu_milli[at]), int(table.models[at])
    every = bits == (1 << len(streams.MODELS)) - 1
    named = tuple(model for number, model in enumerate(streams.MODELS) if bits >> number & 1)
    amounts = (int(table.cpu_milli[at]), int(table.memory_mib[at]) << 20, 0, 0, 0, 0)
    share = milli if gpus and milli < streams.WHOLE else 0
    return ItemClass(Need(amounts, 0 if share else gpus, share, models=() if every else named))


def small(whole: Problem, nodes: int, seed: int) -> Problem:
    """A few nodes, and as much of the batch as asks for 130 % of their GPUs."""
    chosen = np.random.default_rng(seed).choice(len(whole.bins), nodes, replace=False)
    bins = tuple(whole.bins[at] for at in sorted(chosen.tolist()))
    asked = np.cumsum([whole.classes[job.tasks[0].of].need.gpu_milli for job in whole.jobs])
    wanted = sum(one.device_count for one in bins) * streams.WHOLE * streams.OVERLOAD
    return Problem(whole.space, bins, whole.classes, whole.jobs[: int(np.searchsorted(asked, wanted)) + 1])


def measured(problem: Problem, effort: Effort) -> tuple[Solution, float]:
    """What comes out, verified, and the CPU seconds that it takes."""
    started = time.process_time()
    found = solved(problem, Options(effort=effort))
    spent_s = time.process_time() - started
    if wrong := verify(found.plan, problem):
        raise AssertionError(wrong[:3])
    return found, spent_s


def gaps(seeds: int, effort: Effort, mixes: Sequence[streams.Mix]) -> list[float]:
    """Print each mix; the gaps in points of the cluster's GPUs."""
    heads = ("mix", "pods", "fast", "GPUs %", "CPU s", effort, "GPUs %", "CPU s", "bound %", "gap")
    print("{:20}{:>7}{:>7}{:>8}{:>7}{:>8}{:>8}{:>7}{:>9}{:>7}".format(*heads))
    every = []
    for mix in mixes:
        for seed in range(seeds):
            problem = batch(mix, seed)
            (fast, fast_s), (found, spent_s) = measured(problem, "fast"), measured(problem, effort)
            point = sum(one.device_count for one in problem.bins) * streams.WHOLE / 100
            gap = (found.plan.gap_gpu_milli or 0) / point
            every.append(gap)
            print(
                f"{mix.name:20}{len(problem.jobs):7}{fast.plan.placed:7}{fast.plan.gpu_milli / point:8.2f}"
                f"{fast_s:7.1f}{found.plan.placed:8}{found.plan.gpu_milli / point:8.2f}{spent_s:7.1f}"
                f"{(found.plan.bound_gpu_milli or 0) / point:9.2f}{gap:7.2f}",
                flush=True,
            )
    return every


def best(seeds: int) -> tuple[int, int, int]:
    """Small cases, those whose best is proved, and those of them in which the search alone finds it."""
    proved, reached, count = 0, 0, 0
    for mix in streams.TUNING:
        for seed in range(seeds):
            for nodes in _SMALL:
                problem = small(batch(mix, seed), nodes, seed)
                found, exact = measured(problem, "normal")[0].plan, measured(problem, "best")[0].plan
                count += 1
                proved += exact.gap_gpu_milli == 0
                reached += exact.gap_gpu_milli == 0 and found.gpu_milli >= exact.gpu_milli
    return count, proved, reached


def main(seeds: int, effort: Effort, names: Sequence[str]) -> int:
    """Print both tables, or the gaps of the mixes that are named."""
    known = {mix.name: mix for mix in streams.MIXES}
    every = gaps(seeds, effort, [known[name] for name in names or known])
    print(f"mean gap {np.mean(every):.2f} points, largest {max(every):.2f}")
    if names:
        return int(max(every) > _MOST_GAP)
    count, proved, reached = best(seeds)
    print(
        f"of {count} small cases {proved} are planned provably best; the search alone found {reached} of them"
    )
    return int(max(every) > _MOST_GAP or reached < _LEAST_BEST * proved)


if __name__ == "__main__":
    words = [*sys.argv[1:], *("1", "normal")[len(sys.argv) - 1 :]]
    sys.exit(main(int(words[0]), cast("Effort", words[1]), words[2:]))
