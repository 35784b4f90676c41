"""A cold plan of a drain from a saved fleet of 1,250 nodes, 10,000 GPUs and 100,000 pods.

    python tests/bench/bench_drain_plan.py [TARGETS…]

Runs `dcctl drain NODES --dry-run -i FILE -o json` as a process of its own, and prints its CPU time, with that
of the interpreter, and its peak memory as JSON, a line for each of TARGETS: how many nodes are drained; 125,
500 and 1,000 if they are left out. Each has its bound: that of up to 125 is what dcctl promises, that of more
only keeps what is tried from growing without end. `load` tells what else the machine did at the start.
Exits 1 beyond a bound.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.cpu import best, python  # noqa: E402 - the path comes first

NODES, PODS, TARGETS, RUNS = 1250, 80, (125, 500, 1000), 3
PROMISED, CPU_S, PEAK_BYTES = 125, 5.0, 250 << 20
MOST_CPU_S, MOST_PEAK_BYTES = 20.0, 500 << 20
"""Of more targets than are promised."""
_DECIDED = (0, 1)
"""The plan was printed: all is well, or something has to be decided first."""


def write(path: str) -> None:
    """Save the fleet as `inventory snapshot` would."""
    from dcctl.inventory.snapshot import encode
    from tests.bench.drain_fleets import Fleets

    Path(path).write_bytes(encode(Fleets(NODES, PODS, 1).made()))


def drained(targets: int, path: str, env: Mapping[str, str]) -> bool:
    """Measure one plan and print it; whether it kept its bound."""
    load = os.getloadavg()[0]
    nodes = f"gpu[00000-{targets - 1:05d}]"
    words = ("drain", nodes, "--reason", "bench", "--dry-run", "-i", path, "-o", "json")
    cost = best(python("-m", "dcctl", *words), env, RUNS)
    promised = targets <= PROMISED
    most_s, most_bytes = (CPU_S, PEAK_BYTES) if promised else (MOST_CPU_S, MOST_PEAK_BYTES)
    kept = cost.returncode in _DECIDED and cost.cpu_s <= most_s and cost.peak_bytes <= most_bytes
    told = {
        "nodes": NODES,
        "gpus": NODES * 8,
        "pods": NODES * PODS,
        "targets": targets,
        "cpu_s": round(cost.cpu_s, 2),
        "peak_mib": cost.peak_bytes >> 20,
        "exit": cost.returncode,
        "promised": promised,
        "bound_s": most_s,
        "load": round(load, 2),
        "kept": kept,
    }
    print(json.dumps(told), flush=True)
    return kept


def main() -> int:
    """Write the file, measure each number of targets, and remove it."""
    numbers = tuple(map(int, sys.argv[1:])) or TARGETS
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "fleet.json")
        subprocess.run(python(__file__, "--write", path), check=True)  # ru_maxrss of a child begins
        # with that of its parent, so the fleet is never in this process
        env = dict(os.environ, XDG_CACHE_HOME=folder, XDG_CONFIG_HOME=folder, PYTHONPATH=str(ROOT))
        kept = [drained(targets, path, env) for targets in numbers]  # each is measured, whatever came before
    return int(not all(kept))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(sys.argv[2])
    else:
        sys.exit(main())
