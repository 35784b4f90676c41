"""Start-up: CPU time of dcctl against `python -c pass` of the same machine, in one run."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.bench.cpu import alternating, python  # noqa: E402 - the path comes first

BUDGETS = (
    ("--version", 2.0),
    ("--help", 8.0),
    ("assess --help", 8.0),
    ("assess", 15.0),
    ("assess -i demo", 15.0),
)
"""(words, most times the CPU of an empty interpreter)."""


def main() -> int:
    """Print one row per budget; 1 when one is missed."""
    missed = False
    print(f"{'command':20} {'CPU ms':>8} {'floor ms':>9} {'ratio':>6} {'budget':>7}")
    for words, budget in BUDGETS:
        floor, cost = alternating(python("-c", "pass"), python("-m", "dcctl", *words.split()), runs=9)
        ratio = cost.cpu_s / floor.cpu_s
        missed |= ratio > budget
        print(f"{words:20} {cost.cpu_s * 1000:8.1f} {floor.cpu_s * 1000:9.1f} {ratio:6.1f} {budget:7.1f}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
