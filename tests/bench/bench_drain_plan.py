"""A cold plan of a drain from a saved fleet of 1,250 nodes, 10,000 GPUs and 100,000 pods.

    python tests/bench/bench_drain_plan.py [TARGETS]

Runs `dcctl drain NODES --dry-run -i FILE -o json` as a process of its own, and prints its CPU time, with that
of the interpreter, and its peak memory as JSON. TARGETS: how many nodes are drained; 125 if it is left out.
Exits 1 beyond the budget.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.cpu import best, python  # noqa: E402 - the path comes first

NODES, PODS, TARGETS, RUNS = 1250, 80, 125, 3
CPU_S, PEAK_BYTES = 5.0, 250 << 20
_DECIDED = (0, 1)
"""The plan was printed: all is well, or something has to be decided first."""


def write(path: str) -> None:
    """Save the fleet as `inventory snapshot` would."""
    from dcctl.inventory.snapshot import encode
    from tests.bench.drain_fleets import Fleets

    Path(path).write_bytes(encode(Fleets(NODES, PODS, 1).made()))


def main() -> int:
    """Write the file, measure, and remove it."""
    targets = int(sys.argv[1]) if len(sys.argv) > 1 else TARGETS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.json"
        subprocess.run(python(__file__, "--write", str(path)), check=True)  # ru_maxrss of a child begins
        # with that of its parent, so the fleet is never in this process
        nodes = f"gpu[00000-{targets - 1:05d}]"
        words = ("drain", nodes, "--reason", "bench", "--dry-run", "-i", str(path), "-o", "json")
        env = dict(os.environ, XDG_CACHE_HOME=folder, XDG_CONFIG_HOME=folder, PYTHONPATH=str(ROOT))
        cost = best(python("-m", "dcctl", *words), env, RUNS)
    kept = cost.returncode in _DECIDED and cost.cpu_s <= CPU_S and cost.peak_bytes <= PEAK_BYTES
    told = {
        "nodes": NODES,
        "gpus": NODES * 8,
        "pods": NODES * PODS,
        "targets": targets,
        "cpu_s": round(cost.cpu_s, 2),
        "peak_mib": cost.peak_bytes >> 20,
        "exit": cost.returncode,
        "kept": kept,
    }
    print(json.dumps(told))
    return int(not kept)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(sys.argv[2])
    else:
        sys.exit(main())
