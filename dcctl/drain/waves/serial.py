"""What draining the same nodes one after the other would cost, as `kubectl drain` does: a simulation.

The rules are those of kubectl (pkg/drain: filters, evictions). A pod that its filters refuse keeps all pods
of its node from being evicted, after the node was cordoned. A pod that the server never lets go stays, and
all others of its node leave: kubectl tells an error of two PDBs and goes on to the next node; of a PDB that
never allows any it asks again and again, and gets to no node after that. Nothing asks work to write a
checkpoint; nothing looks at gangs. So a gang is restarted for each target on which a member of it is evicted:
one that was not keeps its node, and starts again there. In between it computes from its last checkpoint on,
and keeps what it writes by itself.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.drain.campaign import Serial
from dcctl.drain.waves.estimate import GRACE_S
from dcctl.drain.waves.loss import Past, computes, since, summed
from dcctl.drain.work.pods import asked_of, barrier, on, standing

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


class Never(NamedTuple):
    """Pods that the server never lets go, as namespace/name."""

    failing: frozenset[str] = frozenset()
    """Two PDBs cover them."""
    asking: frozenset[str] = frozenset()
    """Their PDB never allows any to go."""


def serial(
    nodes: Sequence[str],
    stops: Iterable[Stop],
    refused: Collection[str],
    now_s: int,
    between_s: int = BETWEEN_S,
    never: Never = Never(),  # noqa: B008  # a constant
) -> Serial:
    """Drain these nodes in their order from `now_s` on. `refused`: nodes of which kubectl refuses a pod.

    Each takes as long as the longest grace of its pods, as kubectl waits for them, and `between_s`.
    """
    stops = tuple(stops)
    endless = _standing(stops, never.asking)
    kept = endless | _standing(stops, never.failing)
    tried = _tried(nodes, refused, endless)
    stops = tuple(_evicted(one, never) for one in stops)
    begins = _begins(tried, [one.unit for one in stops], between_s, now_s)
    told = [_costs(one, begins) for one in stops if one.unit.restarts]
    known = [lost for _, lost in told if lost is not None]
    return Serial(
        sum(count for count, _ in told),
        sum(known) if len(known) == len(told) else None,
        stuck=tuple(node for node in nodes if node not in begins),
        held=tuple(node for node in tried if node in kept),
    )


def _standing(stops: Iterable[Stop], pods: Collection[str]) -> set[str]:
    """The nodes of these pods."""
    return {leaf.node for one in stops for leaf in one.unit.leaves if leaf.pod in pods}


def _tried(nodes: Sequence[str], refused: Collection[str], endless: Collection[str]) -> list[str]:
    """The nodes of which kubectl evicts pods: none after one on which it asks for ever."""
    found: list[str] = []
    for node in nodes:
        if node not in refused:
            found.append(node)
            if node in endless:
                break
    return found


def _evicted(one: Stop, never: Never) -> Stop:
    """The unit as kubectl sees it: nothing is waited for or left alone, and some pods never leave."""
    unit, pasts = one.unit, one.pasts
    stays = [leaf.pod in never.failing or leaf.pod in never.asking for leaf in unit.leaves]
    if any(stays):
        leaves = tuple(leaf for leaf, stay in zip(unit.leaves, stays, strict=True) if not stay)
        if not unit.gang:  # each has its own
            pasts = tuple(past for past, stay in zip(pasts, stays, strict=True) if not stay)
        unit = replace(unit, leaves=leaves)
    return Stop(replace(unit, restarts=1) if unit.waits and not unit.restarts else unit, pasts)


def _begins(nodes: Sequence[str], units: Iterable[Unit], between_s: int, now_s: int) -> dict[str, int]:
    """When the pods of each node are evicted."""
    graces: dict[str, int] = defaultdict(int)
    for unit in units:
        for one in unit.leaves:
            graces[one.node] = max(graces[one.node], GRACE_S if one.grace_s is None else one.grace_s)
    found, at = {}, now_s
    for node in nodes:
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


def never(fleet: Fleet, request: Request) -> Never:
    """Return the pods on the nodes that the server never lets go, as long as their PDBs are as they are."""
    found: dict[str, set[str]] = {"budgets-two": set(), "budget-never": set()}
    for _, pods in on(fleet, frozenset(request.nodes)):
        for pod in pods:
            before = barrier(pod, asked_of(pod)) if standing(pod) is None else ""
            if before in found:
                found[before].add(pod.name)
    return Never(frozenset(found["budgets-two"]), frozenset(found["budget-never"]))
