"""The default policy against FGD and others, on the same streams of pods and the same orders of the nodes.

    python tests/bench/bench_packing.py [SEEDS] [MIX…]

Prints, for each mix that the policy was not tuned on, GPU allocation in % and pods placed, the difference to
FGD seed by seed, and both policies' worst order of the nodes. Without arguments one seed of four mixes;
`3 all` is the whole claim (about an hour). Exits 1 when a bar is missed: at least 0.5 points more than FGD on
average, on no mix less, never fewer pods, and at most 0.1 points between orders of the nodes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple, get_args

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from dcctl.packing.choices import PolicyName  # noqa: E402 - the path comes first
from tests.bench.online import ORDERS, Outcome, run  # noqa: E402 - the path comes first
from tests.bench.packing_streams import HELD_OUT, Mix  # noqa: E402 - the path comes first

FIRST_SEED = 10
POLICIES = get_args(PolicyName)
USUAL = ("held-mixed", "held-cpu-heaviest", "held-fractional-half", "held-multi-35")
GAIN, SPREAD = 0.5, 0.1


class Row(NamedTuple):
    """One mix."""

    gains: list[float]
    pods: list[int]
    spread: float


def mixes(names: list[str]) -> list[Mix]:
    """The mixes that are named, the usual ones, or all."""
    wanted = [mix.name for mix in HELD_OUT] if names == ["all"] else names or list(USUAL)
    return [mix for mix in HELD_OUT if mix.name in wanted]


def measure(mix: Mix, seeds: range) -> Row:
    """Print one mix."""
    found = {policy: [run(mix, seed, policy) for seed in seeds] for policy in POLICIES}
    print(f"{mix.name:24}", *(f"{_mean(rows)}" for rows in found.values()), flush=True)
    pairs = list(zip(found["use-value"], found["fgd"], strict=True))
    orders = {
        policy: [
            found[policy][0].percent,
            *(run(mix, FIRST_SEED, policy, order).percent for order in ORDERS[1:]),
        ]
        for policy in POLICIES[:2]
    }
    spread = max(orders["use-value"]) - min(orders["use-value"])
    gains = [ours.percent - theirs.percent for ours, theirs in pairs]
    pods = [ours.pods - theirs.pods for ours, theirs in pairs]
    print(
        f"  against FGD, paired: {sum(gains) / len(gains):+.2f} points (worst {min(gains):+.2f}), "
        f"{sum(pods) / len(pods):+.0f} pods (worst {min(pods):+}); worst order of {len(ORDERS)}: "
        f"use-value {min(orders['use-value']):.2f} (spread {spread:.3f}), FGD {min(orders['fgd']):.2f}",
        flush=True,
    )
    return Row(gains, pods, spread)


def _mean(rows: list[Outcome]) -> str:
    percent, pods = sum(one.percent for one in rows) / len(rows), sum(one.pods for one in rows) / len(rows)
    return f"{f'{percent:.2f} / {pods:.0f}':>16}"


def main() -> int:
    """Print the table; say whether the bars hold."""
    seeds = range(FIRST_SEED, FIRST_SEED + int(sys.argv[1] if len(sys.argv) > 1 else 1))
    print(f"{'GPU % / pods placed':24}", *(f"{policy:>16}" for policy in POLICIES))
    rows = [measure(mix, seeds) for mix in mixes(sys.argv[2:])]
    gains = [sum(row.gains) / len(row.gains) for row in rows]
    mean = sum(gains) / len(gains)
    print(
        f"use-value less FGD: {mean:+.2f} points on average, {min(gains):+.2f} on the worst mix; "
        f"bars {GAIN} and 0"
    )
    held = (
        mean >= GAIN
        and min(gains) >= 0
        and min(min(row.pods) for row in rows) >= 0
        and max(row.spread for row in rows) <= SPREAD
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
