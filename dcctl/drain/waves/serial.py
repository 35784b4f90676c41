"""What draining the same nodes one after the other would cost, as `kubectl drain` does: a simulation.

The rules are those of kubectl (pkg/drain: filters, evictions). A pod that its filters refuse keeps all pods
of its node from being evicted, after the node was cordoned; nothing asks work to write a checkpoint; nothing
looks at gangs. So a gang is restarted for each target on which a member of it stands: one that was not
evicted keeps its node, and starts again there. In between it computes from its last checkpoint on, and keeps
what it writes by itself.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.drain.campaign import Serial
from dcctl.drain.waves.estimate import GRACE_S
from dcctl.drain.waves.loss import Past, computes, since, summed
from dcctl.drain.work.pods import on, standing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from dcctl.drain.campaign import Unit
    from dcctl.drain.request import Request
    from dcctl.inventory.model import Fleet

BETWEEN_S = 0
"""Seconds from the last pod of a node gone to the next node: kubectl goes on at once. Who repairs each node
before the next has hours here, and loses more."""


class Stop(NamedTuple):
    """A unit that loses work when something of it is evicted."""

    unit: Unit
    pasts: tuple[tuple[int, Past], ...]


def serial(
    nodes: Sequence[str],
    stops: Iterable[Stop],
    refused: Collection[str],
    now_s: int,
    between_s: int = BETWEEN_S,
) -> Serial:
    """Drain these nodes in their order from `now_s` on. `refused`: nodes of which kubectl refuses a pod.

    Each takes as long as the longest grace of its pods, as kubectl waits for them, and `between_s`.
    """
    stops = tuple(Stop(_evicted(one.unit), one.pasts) for one in stops)
    begins = _begins(nodes, [one.unit for one in stops], refused, between_s, now_s)
    told = [_costs(one, begins) for one in stops if one.unit.restarts]
    known = [lost for _, lost in told if lost is not None]
    stuck = tuple(node for node in nodes if node in refused)
    return Serial(sum(count for count, _ in told), sum(known) if len(known) == len(told) else None, stuck)


def _evicted(unit: Unit) -> Unit:
    """The unit as kubectl sees it: nothing is waited for, and nothing is left alone."""
    if unit.restarts or not unit.waits:
        return unit
    return replace(unit, restarts=1)


def _begins(
    nodes: Sequence[str], units: Iterable[Unit], refused: Collection[str], between_s: int, now_s: int
) -> dict[str, int]:
    """When the pods of each node are evicted; of a refused node none are."""
    graces: dict[str, int] = defaultdict(int)
    for unit in units:
        for one in unit.leaves:
            graces[one.node] = max(graces[one.node], GRACE_S if one.grace_s is None else one.grace_s)
    found, at = {}, now_s
    for node in nodes:
        if node not in refused:
            found[node] = at
            at += graces[node] + between_s
    return found


def _costs(one: Stop, begins: Mapping[str, int]) -> tuple[int, int | None]:
    """(restarts, GPU ms lost) of one unit: a gang loses all that it computes, at each node."""
    hits = sorted({begins[leaf.node] for leaf in one.unit.leaves if leaf.node in begins})
    if not computes(one.unit):
        return len(hits), 0
    if not one.unit.gang:
        pairs = zip(one.unit.leaves, one.pasts, strict=True)
        here = [(leaf, *told) for leaf, told in pairs if leaf.node in begins]
        return len(hits), summed((milli, since(past, begins[leaf.node])) for leaf, milli, past in here)
    lost = [
        (milli, since(Past(before, before, past.every_s) if before else past, hit))
        for milli, past in one.pasts
        for before, hit in zip((0, *hits), hits, strict=False)
    ]
    return len(hits), summed(lost)


def refused(fleet: Fleet, request: Request) -> frozenset[str]:
    """Nodes of which kubectl refuses a pod: one that no controller makes anew, without --force.

    It is called as it is where GPUs are, with --ignore-daemonsets and --delete-emptydir-data: without these
    nearly no node is drained (each refuses a pod with /dev/shm). Finished and mirror pods are passed over.
    """
    if request.gates.force:
        return frozenset()
    found = on(fleet, frozenset(request.nodes))
    return frozenset(
        pod.node
        for _, pods in found
        for pod in pods
        if pod.told is not None and not pod.told.controller and standing(pod) in (None, "leaving")
    )
