"""From a model to a bill on a saved fleet of 1,000 nodes: CPU of the whole process, interpreter included.

    python tests/bench/bench_demand.py [NODES]

Beside `dcctl assess` of the same file, measured in turn with it. Exits 1 when a line takes 2 s or more. Each
line is another way to end: too few accelerators, none free, room for all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.cpu import alternating, python  # noqa: E402 - the path comes first

BAR_S = 2.0
MODEL = "demand llama-3-70b --tokens 15T"
LINES = (f"{MODEL} --deadline 30d", f"{MODEL} --deadline 60d", f"{MODEL} --gpus 4096", f"{MODEL} --gpus 64")


def main() -> int:
    """Print a row for each line."""
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    os.environ["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        path = str(Path(folder) / "fleet.json")
        subprocess.run(
            python("-c", f"import tests.bench.bench_saved_fleet as b; b.write({path!r}, {nodes})"), check=True
        )
        print(f"{nodes:,} nodes\n{'dcctl assess':47} {'CPU s':>6} {'of 2 s':>6} {'of assess':>9}")
        worst = 0.0
        for line in LINES:
            ours, plain = alternating(_dcctl(line, path), _dcctl("--by site", path), runs=5)
            if ours.returncode not in (0, 1):
                raise AssertionError(f"{line}: exit {ours.returncode}")
            print(
                f"{line:47} {ours.cpu_s:6.2f} {ours.cpu_s / BAR_S:6.2f} {ours.cpu_s / plain.cpu_s:9.1f}",
                flush=True,
            )
            worst = max(worst, ours.cpu_s)
    return int(worst >= BAR_S)


def _dcctl(line: str, path: str) -> list[str]:
    return python("-m", "dcctl", "assess", *line.split(), "-i", path)


if __name__ == "__main__":
    sys.exit(main())
