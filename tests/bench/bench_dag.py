"""Makespans of workflows against HEFT: PEFT, CPOP, what `dcctl schedule dag` finds, and the proven bound.

Run: python tests/bench/bench_dag.py [SEEDS]. 1 when it is ever worse than HEFT, or not 5 % better on average.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from dcctl.packing.dag.solve import solve  # noqa: E402 - the path comes first
from dcctl.packing.dag.verify import faults  # noqa: E402
from tests.bench.dags import corpus  # noqa: E402

_BETTER = 0.05


def main(seeds: int) -> int:
    """Print the mean ratios to HEFT by shape, by ratio of communication and by heterogeneity."""
    groups: dict[tuple[int, str], list[tuple[float, ...]]] = defaultdict(list)
    for shape, workers, ccr, heterogeneity, problem in corpus(seeds):
        started = time.process_time()
        solution = solve(problem)
        spent_s = time.process_time() - started
        if faults(problem, solution.schedule):
            raise AssertionError(faults(problem, solution.schedule))
        tried = dict(solution.tried)
        row = [tried["PEFT"], tried["CPOP"], solution.schedule.makespan_ms, solution.bound_ms]
        ratios = (*(each / tried["HEFT"] for each in row), spent_s)
        names = (shape, f"{workers} workers", f"ccr {ccr:g}", f"heterogeneity {heterogeneity:g}", "all")
        for group in enumerate(names):
            groups[group].append(ratios)
    heads = " ".join(f"{head:>6}" for head in ("number", "PEFT", "CPOP", "dcctl", "worst", "bound", "CPU s"))
    print(f"{'mean of':18} {heads}")
    for (_, name), rows in sorted(groups.items()):
        peft, cpop, ours, bound, spent = (sum(each) / len(each) for each in zip(*rows, strict=True))
        worst = max(row[2] for row in rows)
        figures = " ".join(f"{each:6.3f}" for each in (peft, cpop, ours, worst, bound))
        print(f"{name:18} {len(rows):6} {figures} {spent:6.2f}")
    return int(worst > 1 or ours > 1 - _BETTER)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2))
