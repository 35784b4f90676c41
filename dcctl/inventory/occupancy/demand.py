"""What is requested on each node, as the scheduler counts it: everything bound to a node and not finished."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from dcctl.inventory.kinds import SCHEDULERS, kind_of, kinds_of
from dcctl.inventory.model import ENDED
from dcctl.inventory.occupancy.resources import accelerators_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.inventory.model import Fleet, Gap, Member, Node, Resources, Workload

_NO_KINDS: Mapping[str, str] = MappingProxyType({})


class Placed(Struct, frozen=True, gc=False):
    """A member on its node, with the workload that it belongs to."""

    member: Member
    workload: Workload
    accelerators: int
    """Boards, shares and slices that it asks for."""


class Amount(Struct, gc=False):
    """What the scheduler counts. A dimension that nobody asks for adds nothing."""

    cpu_milli: int = 0
    memory_bytes: int = 0
    storage_bytes: int = 0
    pods: int = 0


def amount_of(requests: Sequence[Resources]) -> Amount:
    """The sum; a member that tells no number of pods is one."""
    return Amount(
        sum(one.cpu_milli or 0 for one in requests),
        sum(one.memory_bytes or 0 for one in requests),
        sum(one.storage_bytes or 0 for one in requests),
        sum(1 if one.pods is None else one.pods for one in requests),
    )


class Demand(Amount, gc=False):
    """All that is requested on one node: a running sum."""

    devices: dict[str, int] = {}
    complete: bool = True
    """False: somebody runs here whose requests nobody could read; the sums are lower bounds."""
    holding: list[Placed] = []
    """Members that hold accelerators, or may hold some."""
    others: list[Placed] = []

    def hold(self, member: Member, workload: Workload) -> None:
        """Count the devices of a member: those that it asks for, shares with another, or may ask for."""
        if member.requests is None:
            self.complete = False
            self.holding.append(Placed(member, workload, 0))
            return
        devices = member.requests.devices
        for resource in devices:
            self.devices[resource] = self.devices.get(resource, 0) + devices[resource]
        accelerators = accelerators_in(devices)
        holds = accelerators or member.devices
        (self.holding if holds else self.others).append(Placed(member, workload, accelerators))

    def daemons(self) -> Amount:
        """The part of the sum that every node carries (kind DaemonSet): it cannot be moved away."""
        placed = (one for one in (*self.holding, *self.others) if one.workload.kind == "DaemonSet")
        return amount_of([one.member.requests for one in placed if one.member.requests is not None])


NOTHING = Demand()
"""The demand on a node with no members. Never added to."""


def requested(workloads: Iterable[Workload]) -> dict[str, Demand]:
    """Node name -> demand.

    A member counts from the moment it is bound to a node until it has finished; one without a node takes
    nothing.
    """
    nodes: dict[str, Demand] = {}
    for workload in workloads:
        for member in workload.members:
            node = member.node
            if node is None or member.phase in ENDED:
                continue
            demand = nodes.get(node)
            if demand is None:
                demand = nodes[node] = Demand()
            request = member.requests
            if request is not None:  # summed here: a call for each member would cost as much again
                demand.cpu_milli += request.cpu_milli or 0
                demand.memory_bytes += request.memory_bytes or 0
                demand.storage_bytes += request.storage_bytes or 0
                demand.pods += 1 if request.pods is None else request.pods
            if request is None or request.devices or member.devices:
                demand.hold(member, workload)
            else:
                demand.others.append(Placed(member, workload, 0))
    return nodes


class Waiting(Struct, frozen=True):
    """A workload with members that have no node yet."""

    workload: Workload
    members: int
    accelerators: int | None
    """None, as the others, where the requests of a member could not be read."""
    cpu_milli: int | None
    memory_bytes: int | None


def waiting(workloads: Iterable[Workload]) -> tuple[Waiting, ...]:
    """Workloads in the queue, the largest demand for accelerators first, then by id."""
    found = []
    for workload in workloads:
        queued = [m for m in workload.members if m.node is None and m.phase == "pending"]
        if queued:
            found.append(_waiting(workload, queued))
    return tuple(sorted(found, key=lambda w: (-(w.accelerators or 0), w.workload.id)))


def _waiting(workload: Workload, queued: list[Member]) -> Waiting:
    requests = [m.requests for m in queued if m.requests is not None]
    if len(requests) < len(queued):
        return Waiting(workload, len(queued), None, None, None)
    return Waiting(
        workload,
        len(queued),
        sum(accelerators_in(one.devices) for one in requests),
        sum(one.cpu_milli or 0 for one in requests),
        sum(one.memory_bytes or 0 for one in requests),
    )


def blind_sources(gaps: Iterable[Gap]) -> frozenset[str]:
    """Names of sources that could not list their work: on their nodes requests are unknown, not zero."""
    return frozenset(gap.source for gap in gaps if gap.part == "work" and not gap.node)


def doubtful_nodes(gaps: Iterable[Gap]) -> frozenset[str]:
    """Nodes of which some work is known and some is not: what is not known to be held there may be."""
    return frozenset(gap.node for gap in gaps if gap.part == "work" and gap.node)


def is_blind(node: Node, blind: frozenset[str]) -> bool:
    """Whether the work on this node could not be listed."""
    return bool(blind) and any(source in blind for source in node.sources)


def is_scheduled(node: Node, kinds: Mapping[str, str] = _NO_KINDS) -> bool:
    """Whether a scheduler hands out what the node has. A cgroup limit alone is no scheduler."""
    offered = node.allocatable
    if offered is not None and (offered.devices or offered.pods is not None):
        return True
    return bool(scheduler_of(node, kinds))


def scheduler_of(node: Node, kinds: Mapping[str, str]) -> str:
    """The first source of the node that hands out what it has, or empty. `kinds` are those of `kinds_of`."""
    for source in node.sources:
        if kind_of(source, kinds) in SCHEDULERS:
            return source
    return ""


def _in_doubt(demand: Demand | None) -> Demand | None:
    return None if demand is None else replace(demand, complete=False)


def demand_of(fleet: Fleet) -> dict[str, Demand | None]:
    """Node name -> demand. None where no scheduler knows the node, or its work could not be listed."""
    known, kinds = requested(fleet.workloads), kinds_of([fleet])
    blind, doubtful = blind_sources(fleet.gaps), doubtful_nodes(fleet.gaps)
    answer: dict[str, Demand | None] = {}
    for node in fleet.nodes:
        demand = known.get(node.name)
        if is_blind(node, blind) or (demand is None and not is_scheduled(node, kinds)):
            answer[node.name] = None
        else:
            answer[node.name] = demand or NOTHING
        if node.name in doubtful:
            answer[node.name] = _in_doubt(answer[node.name])
    return answer
