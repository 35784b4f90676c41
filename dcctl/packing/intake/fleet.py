"""A fleet as a problem: its nodes as bins with what is free on them, its waiting work as jobs."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from dcctl.inventory.kinds import kinds_of
from dcctl.inventory.model import ENDED
from dcctl.inventory.occupancy.demand import demand_of
from dcctl.inventory.occupancy.node import occupancy
from dcctl.inventory.occupancy.unavailable import common_taints
from dcctl.inventory.racks import Racks
from dcctl.inventory.topology import DOMAIN_LABELS, LEAF_LABELS, ZONE_LABELS, first_of
from dcctl.packing.intake.demand import Classes, held_by, jobs_of, resources_asked, unreadable
from dcctl.packing.intake.limits import Limits
from dcctl.packing.intake.seats import promised, seated
from dcctl.packing.problem import UNLIMITED, WHOLE, Bin, Device, Kind, Problem, Sliced, Space
from dcctl.packing.reasons import NONE, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.inventory.asked import Asked
    from dcctl.inventory.devices import Accelerator
    from dcctl.inventory.model import Fleet, Node, Resources, Workload
    from dcctl.inventory.occupancy.boards import Board
    from dcctl.inventory.occupancy.demand import Demand
    from dcctl.inventory.occupancy.node import Occupancy


def problem_of(
    whole: Fleet,
    nodes: Iterable[Node],
    asked: Asked,
    *,
    pending: bool = False,
    now_s: int = 0,
    snapshot: str = "",
) -> Problem:
    """Where the asked work (and, if `pending`, what waits in the fleet) could stand on these nodes.

    `whole` is all that is known: who holds what on a node does not depend on the choice of nodes. Now is
    when it was learned, or `now_s` if it does not say.
    """
    waiting = sorted((*asked.workloads, *(whole.workloads if pending else ())), key=attrgetter("id"))
    running_work = sorted(whole.workloads, key=attrgetter("id"))  # the order they come in decides nothing
    resources = resources_asked((*waiting, *running_work))
    classes = Classes(resources, {**whole.templates, **asked.templates}, kinds_of([whole]))
    limits = Limits((*whole.quotas, *asked.quotas), kinds_of([whole]))
    kinds: dict[Kind, int] = {}
    bins = tuple(_bins(whole, sorted(nodes, key=attrgetter("name")), resources, kinds))
    positions = {one.name: at for at, one in enumerate(bins)}
    jobs = jobs_of(waiting, classes, positions, limits)
    standing, running = held_by(running_work, positions, classes, limits)
    bins, held = seated(promised(bins, standing, classes.all), standing, classes.all)
    taken_s = now_s if whole.taken_at_s is None else whole.taken_at_s
    space = Space(resources, tuple(kinds))
    return Problem(
        space=space,
        bins=bins,
        classes=tuple(classes.all),
        jobs=jobs,
        held=held,
        running=running,
        quotas=limits.quotas((*jobs, *running.values()), whole.workloads, classes, space.dimensions),
        tolerated=_tolerated(whole),
        unreadable=unreadable(waiting),
        ended=frozenset(one.id for one in whole.workloads if _has_ended(one)),
        pue_milli={one.name: one.pue_limit_milli for one in whole.sites if one.pue_limit_milli is not None},
        now_s=taken_s,
        snapshot=snapshot,
        clusters=tuple(sorted({one.cluster for one in whole.sources if one.cluster})),
    )


def _has_ended(one: Workload) -> bool:
    return bool(one.members) and all(member.phase in ENDED for member in one.members)


def _tolerated(whole: Fleet) -> frozenset[str]:
    """Keys of taints that dedicate a pool: they keep out nobody who says nothing of taints."""
    working = {
        member.node
        for workload in whole.workloads
        for member in workload.members
        if member.node and member.requests is not None and member.requests.devices
    }
    pools: dict[str, list[Node]] = {}
    for node in whole.nodes:
        pools.setdefault(node.pools[0] if node.pools else "", []).append(node)
    found = [common_taints(nodes, working) for nodes in pools.values()]
    return frozenset().union(*found)


def _bins(
    whole: Fleet, nodes: Iterable[Node], resources: Sequence[str], kinds: dict[Kind, int]
) -> Iterable[Bin]:
    demand, sources, racks = demand_of(whole), kinds_of([whole]), Racks(whole.nodes, whole.racks)
    for node in nodes:
        found = occupancy(node, demand.get(node.name), None, sources)
        rack = racks.of(node)
        yield _bin(found, resources, kinds, racks.label(rack) if rack else "")


def _bin(found: Occupancy, resources: Sequence[str], kinds: dict[Kind, int], rack: str) -> Bin:
    node = found.node
    total = _amounts(node.allocatable or node.capacity, resources, found.scheduled)
    free = _free(found, total, resources)
    counted = dict(zip(resources, free[len(free) - len(resources) :], strict=True))
    return Bin(
        name=node.name,
        free=free,
        total=total,
        devices=_devices(found, counted, kinds),
        sliced=_sliced(found, kinds),
        device_count=len(found.boards),
        held_count=sum(board.state == "allocated" for board in found.boards),
        kinds=tuple(sorted({_kind(board, node, kinds) for board in found.boards})),
        closed=_closed(found),
        labels=node.labels,
        taints=node.taints,
        path=_path(node, rack),
        scheduler=found.scheduler,
    )


def _amounts(offered: Resources | None, resources: Sequence[str], scheduled: bool) -> tuple[int, ...]:
    """By dimension; unlimited where nobody counts it. A kubelet, which counts pods, counts all they ask."""
    if offered is None:
        return (UNLIMITED,) * (6 + len(resources))
    asked = (offered.cpu_milli, offered.memory_bytes, offered.storage_bytes)
    others = (offered.pods, offered.bandwidth_bps, offered.power_mw)
    unsaid = UNLIMITED if offered.pods is None else 0
    absent = 0 if scheduled else UNLIMITED
    named = (offered.devices.get(name, absent) for name in resources)
    return (
        *(unsaid if amount is None else amount for amount in asked),
        *(UNLIMITED if amount is None else amount for amount in others),
        *named,
    )


def _free(found: Occupancy, total: tuple[int, ...], resources: Sequence[str]) -> tuple[int, ...]:
    """What is not promised to anybody; where no scheduler promises anything, what is not in use."""
    spent: tuple[int, ...]
    demand, use = found.demand, found.node.use
    if found.scheduled and demand is not None:
        named = tuple(demand.devices.get(name, 0) for name in resources)
        rare = _rare(demand) if min(total[4:6]) < UNLIMITED else (0, 0)
        spent = (demand.cpu_milli, demand.memory_bytes, demand.storage_bytes, demand.pods, *rare, *named)
    else:
        cpu, memory = (0, 0) if use is None else (use.cpu_milli or 0, use.memory_bytes or 0)
        spent = (cpu, memory) + (0,) * (len(total) - 2)
    return tuple(most if most >= UNLIMITED else most - gone for most, gone in zip(total, spent, strict=True))


def _rare(demand: Demand) -> tuple[int, int]:
    """Bandwidth and power that are promised."""
    asked = [one.member.requests for one in (*demand.holding, *demand.others)]
    known = [one for one in asked if one is not None]
    return sum(one.bandwidth_bps or 0 for one in known), sum(one.power_mw or 0 for one in known)


def _kind(board: Board, node: Node, kinds: dict[Kind, int]) -> int:
    model = board.model() or _model_of_labels(node)
    shares = 1 if board.slices else board.shares
    return kinds.setdefault(Kind(board.resource, model, shares), len(kinds))


def _model_of_labels(node: Node) -> str:
    from dcctl.inventory.vendors import LABELS

    return next((node.labels[key] for row in LABELS for key in row.model if key in node.labels), "")


def _devices(found: Occupancy, counted: Mapping[str, int], kinds: dict[Kind, int]) -> tuple[Device, ...]:
    """Every device that is handed out whole, with what is free of it: all of it, or nothing.

    No more of a resource is free than its scheduler has left. Where that is more than the boards known to be
    free, shares of held boards count as free, then boards of which nobody knows who holds them.
    """
    units = [
        (at, board)
        for at, board in enumerate(found.boards)
        if not board.slices and _may_be_had(board, found)
        for _ in range(board.shares)
    ]
    left, free = dict(counted), set[int]()
    for position in sorted(range(len(units)), key=lambda one: _likelihood(units[one][1])):
        board = units[position][1]
        room = left.get(board.resource)
        if board.state == "free" or (room is not None and (board.shares > 1 or board.state == "unknown")):
            if room is not None:
                left[board.resource] = room - 1
            if room is None or room > 0:
                free.add(position)
    return tuple(
        _device(at, board, _kind(board, found.node, kinds), position in free)
        for position, (at, board) in enumerate(units)
    )


def _sliced(found: Occupancy, kinds: dict[Kind, int]) -> tuple[Sliced, ...]:
    """Boards that are cut. Of those of which only the slices are known nobody tells the number."""
    return tuple(
        _cut_board(at, board, _kind(board, found.node, kinds))
        for at, board in enumerate(found.boards)
        if board.slices and _may_be_had(board, found)
    )


def _cut_board(at: int, board: Board, kind: int) -> Sliced:
    names = tuple(part.resource for part in board.slices for _ in range(part.replicas or 1))
    reading, free = board.reading, board.state == "free"
    if reading is None or len(names) > len(board.slices):
        return Sliced(kind, -1, names, free)
    index = at if reading.index is None else reading.index
    return Sliced(kind, index, names, free, reading.memory_bytes, reading.id)


def _may_be_had(board: Board, found: Occupancy) -> bool:
    """Whether anybody holds it or could: not one out of order, or of which nobody knows anything."""
    return board.state in ("free", "allocated") or (board.state == "unknown" and found.scheduled)


def _likelihood(board: Board) -> int:
    return ("free", "allocated", "unknown").index(board.state)


def _device(at: int, board: Board, kind: int, free: bool) -> Device:
    reading = board.reading
    holders = {one.workload.id for one in board.holders}
    return Device(
        kind,
        at if reading is None or reading.index is None else reading.index,
        WHOLE if free else 0,
        None if reading is None else reading.memory_bytes,
        None if reading is None else reading.numa_node,
        None if reading is None else reading.id,
        holders.pop() if len(holders) == 1 else "",
        None if reading is None else _limit_mw(reading, board.shares),
    )


def _limit_mw(reading: Accelerator, shares: int) -> int | None:
    """The most that one share of a board draws."""
    limit = reading.power_default_cap_mw if reading.power_cap_mw is None else reading.power_cap_mw
    return None if limit is None else limit // shares


def _closed(found: Occupancy) -> Reason:
    """Why nothing is placed there, whoever asks."""
    node, keys = found.node, {taint.key for taint in found.node.taints}
    bits = NONE
    if node.ready is False and keys.isdisjoint(
        ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    ):
        bits |= Reason.NOT_READY
    if node.schedulable is False and "node.kubernetes.io/unschedulable" not in keys:
        bits |= Reason.CORDONED
    unheard = found.scheduled and (found.demand is None or not found.demand.complete or _is_untold(node))
    unseen = not found.scheduled and (not found.boards_known or node.capacity is None)
    return bits | Reason.UNKNOWN if unheard or unseen else bits


def _is_untold(node: Node) -> bool:
    """Whether a scheduler does not tell what the node has: then nobody knows what fits."""
    offered = node.allocatable or node.capacity
    return offered is None or offered.cpu_milli is None or offered.memory_bytes is None


def _path(node: Node, rack: str) -> tuple[str, ...]:
    """By LEVELS: NVLink domain, leaf, rack, zone, site."""
    domain, leaf, zone = (
        first_of(node.labels, names) or "" for names in (DOMAIN_LABELS, LEAF_LABELS, ZONE_LABELS)
    )
    return domain, leaf, rack, zone, node.site or ""
