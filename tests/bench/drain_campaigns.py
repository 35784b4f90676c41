"""GPU time lost by `dcctl drain` and by kubectl drain node by node, in simulation on generated campaigns.

    python tests/bench/drain_campaigns.py [CAMPAIGNS]

Each campaign drains 1-8 racks of eight nodes, of a cluster on which gangs of 2-64 nodes train. All write a
checkpoint by themselves every 10-60 min; some write one when asked. What both sides lose is told by one
definition (dcctl.drain.waves.loss): GPUs x time since the last checkpoint, at each restart.

What the figures rest on:
- kubectl evicts what stands on a node, waits until it is gone (30 s of grace), and takes the next. That a
  gang is hit at each of its nodes is an assumption: members that were not evicted start again where they
  stand (restartPolicy OnFailure, elastic launchers). It goes on from its last checkpoint and keeps what it
  writes later. Where the first hit makes all pods anew, and none lands on a node that is drained later (a
  JobSet, with nodes cordoned first), a gang is hit once: `once`, and the `less` beside it is against that.
- Between nodes: nothing (`at once`), or ten minutes for what is repaired before the next node is drained:
  draino waits as long by default, and the upgrade engine of the gpu-operator takes one node at a time.
- dcctl restarts each gang once. It asks those with a hook for a checkpoint, and loses nothing. Of the others
  it knows the pace (`checkpoint-every`) and the last one (dcctl.io/checkpointed-at), and evicts them 2 min
  after the next is due. Where it knows no pace (`untold`) it loses what kubectl loses on its first node, and
  in some campaigns more (`p10` below 0): kubectl comes to a gang later, by chance after a checkpoint.
- Starting again (images, reading the checkpoint) counts for neither, though it comes with each restart.
Exits 1 when dcctl loses more than a tenth of what kubectl does in the campaigns that the bar is about.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from dcctl.drain.plan import plan, stops_of  # noqa: E402 - the path comes first
from dcctl.drain.request import Done, Request, Rule  # noqa: E402 - the path comes first
from dcctl.drain.waves.serial import Stop, serial  # noqa: E402 - the path comes first
from tests.asked import hook_of  # noqa: E402 - the path comes first
from tests.bench.drain_fleets import IN_RACK, NOW_S, Fleets  # noqa: E402 - the path comes first

if TYPE_CHECKING:
    from dcctl.drain.campaign import Campaign

CAMPAIGNS, NODES, LEAST = 40, 128, 0.90
GPU_HOUR = 1000 * 3600


class Kind(NamedTuple):
    """A sort of campaign."""

    name: str
    hooked: float
    """The share of gangs that write a checkpoint when asked."""
    told: float
    """The share of the others whose pace is told."""
    between_s: int
    barred: bool


KINDS = (
    Kind("half hooked, at once", 0.5, 1, 0, barred=True),
    Kind("half hooked, ten minutes", 0.5, 1, 600, barred=True),
    Kind("all hooked, at once", 1, 1, 0, barred=True),
    Kind("no hooks, told, at once", 0, 1, 0, barred=True),
    Kind("no hooks, told, ten minutes", 0, 1, 600, barred=True),
    Kind("no hooks, untold, at once", 0, 0, 0, barred=False),
    Kind("no hooks, untold, ten minutes", 0, 0, 600, barred=False),
)


class Lost(NamedTuple):
    """GPU hours lost in one campaign, and restarts."""

    dcctl: float
    kubectl: float
    once: float
    """By kubectl, were each gang hit once."""
    restarts: int
    kubectl_restarts: int


def campaign(seed: int, kind: Kind) -> Lost:
    """Generate one, plan it, and simulate kubectl on the same fleet."""
    chance = random.Random(seed)
    fleet = Fleets(NODES, 8, seed).made()
    known, true, works = [], [], []
    for work in fleet.workloads:
        if work.gang_min:
            every_s = chance.randrange(10, 61) * 60
            hook = hook_of("signal USR1") if chance.random() < kind.hooked else None
            rule = Rule((work.id,), hook=hook, checkpoint_every_s=every_s)
            true.append(rule)
            known.append(rule if chance.random() < kind.told else replace(rule, checkpoint_every_s=None))
            works.append(replace(work, checkpointed_at_s=NOW_S - chance.randrange(every_s)))
        else:
            works.append(work)
    fleet = replace(fleet, workloads=tuple(works))
    nodes = _racks(chance)
    ours = plan(fleet, Request(nodes, "racks", rules=tuple(known)), Done(), NOW_S)
    stops = stops_of(fleet, Request(nodes, "racks", rules=tuple(true)), NOW_S)
    return _lost(ours, nodes, stops, kind.between_s)


def _racks(chance: random.Random) -> tuple[str, ...]:
    count = chance.choice((1, 2, 4, 8))
    first = chance.randrange(NODES // IN_RACK - count + 1) * IN_RACK
    return tuple(f"gpu{number:05d}" for number in range(first, first + count * IN_RACK))


def _lost(ours: Campaign, nodes: tuple[str, ...], stops: tuple[Stop, ...], between_s: int) -> Lost:
    theirs = serial(nodes, stops, (), NOW_S, between_s)
    once = serial(nodes, map(_first, stops), (), NOW_S, between_s)
    hours = []
    for each in (ours.lost_gpu_ms, theirs.lost_gpu_ms, once.lost_gpu_ms):
        assert each is not None
        hours.append(each / GPU_HOUR)
    restarts = sum(unit.restarts for wave in ours.waves for unit in wave.units)
    return Lost(hours[0], hours[1], hours[2], restarts, theirs.restarts)


def _first(stop: Stop) -> Stop:
    """What is hit on its first node alone, where that makes all of its pods anew."""
    if not stop.unit.gang:
        return stop
    first = min(leaf.node for leaf in stop.unit.leaves)
    return stop._replace(
        unit=replace(stop.unit, leaves=tuple(leaf for leaf in stop.unit.leaves if leaf.node == first))
    )


def main() -> int:
    """Print one row per sort of campaign; 1 when one that the bar is about misses it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CAMPAIGNS
    print(f"{count} campaigns each; GPU hours lost, per cent less with dcctl, and that by campaign")
    shares = " ".join(f"{name:>7}" for name in ("less", "p10", "p50", "p90"))
    print(f"{'':30} {'dcctl':>7} {'kubectl':>8} {shares} {'once':>7} {'less':>7} restarts")
    kept = True
    for kind in KINDS:
        lost = [campaign(seed, kind) for seed in range(count)]
        ours, theirs, once, restarts, hits = map(sum, zip(*lost, strict=True))
        less = 1 - ours / theirs
        each = quantiles([1 - one.dcctl / one.kubectl for one in lost if one.kubectl], n=10)
        words = " ".join(f"{share:7.1%}" for share in (less, each[0], each[4], each[8]))
        missed = kind.barred and less < LEAST
        kept &= not missed
        row = f"{kind.name:30} {ours:7,.0f} {theirs:8,.0f} {words} {once:7,.0f} {1 - ours / once:7.1%}"
        print(f"{row} {restarts:,} of {hits:,}" + ("  MISSED" if missed else ""), flush=True)
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
