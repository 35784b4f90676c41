"""The cheapest mix of 200 types of node for 50 workloads: gap to the proven bound, and time.

Run: python tests/bench/bench_cost.py [SEEDS]. 1 when a gap is above 1e-4, or takes more than 5 s.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from dcctl.assess.cost.build import programme  # noqa: E402 - the path comes first
from dcctl.assess.cost.fit import Catalogue, fits  # noqa: E402
from dcctl.assess.cost.milp import GAP, cheapest  # noqa: E402
from dcctl.assess.cost.mix import mix_of  # noqa: E402
from tests.unit.assess.cost.markets import faults, large  # noqa: E402

_BAR_S = 5.0


def main(seeds: int) -> int:
    """Print a row for each market: one site, and one with four racks."""
    worst_gap = worst_s = 0.0
    print(f"{'racks':>5} {'seed':>4} {'columns':>7} {'gap':>8} {'of 1e-4':>7} {'CPU s':>6} {'of 5 s':>6}")
    for racks in (0, 4):
        for seed in range(seeds):
            market = large(seed, racks=racks)
            started = time.process_time()
            made = programme(market, fits(market, Catalogue((), ())))
            mix = mix_of(market, made, cheapest(made, 60))
            spent_s = time.process_time() - started
            if wrong := faults(market, mix):
                raise AssertionError(wrong)
            gap = float(mix.gap)
            row = f"{gap:8.1e} {gap / GAP:7.2f} {spent_s:6.2f} {spent_s / _BAR_S:6.2f}"
            print(f"{racks:5} {seed:4} {len(made.columns):7} {row}", flush=True)
            worst_gap, worst_s = max(worst_gap, gap), max(worst_s, spent_s)
    print(f"worst: gap {worst_gap:.1e} of {GAP:.0e}, {worst_s:.2f} of {_BAR_S:g} CPU s")
    return int(worst_gap > GAP or worst_s > _BAR_S)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
