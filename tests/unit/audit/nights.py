"""A fleet night after night: nothing happens to it, and all that moves by itself has moved."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import fields, replace

from dcctl import collectors, config
from dcctl.inventory.evidence.document import merged, restricted
from dcctl.inventory.sources.demo import build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.evidence.boards import Board
    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.evidence.fabric import FabricPort
    from dcctl.inventory.evidence.hosts import Host
    from dcctl.inventory.model import Fleet, Node, Workload

NOW_S = 1_750_000_000
DAY_S = 86_400
T = TypeVar("T")


@cache
def seen(at_s: int = NOW_S) -> Evidence:
    """What an audit sees of the demo at a time, with its faults; all ages are the same at any time."""
    settings = config.resolve({"inventory": ("demo",)}, {}, None)
    return collectors.Collection(settings).gather(build(at_s), at_s)


def of_nodes(evidence: Evidence, most: int) -> Evidence:
    """The evidence of the first nodes alone, and of the cluster."""
    nodes = evidence.fleet.nodes[:most]
    kept = {node.name for node in nodes}
    gaps = tuple(gap for gap in evidence.fleet.gaps if not gap.node or gap.node in kept)
    return replace(restricted(evidence, kept), fleet=replace(evidence.fleet, nodes=nodes, gaps=gaps))


def restless(evidence: Evidence, night: int) -> Evidence:
    """The same state another night: other orders, pods, temperatures; counters have grown as they do."""
    chance = Random(night)
    changed = {
        field.name: _shuffled(value, chance)
        for field in fields(evidence)
        if isinstance(value := getattr(evidence, field.name), tuple)
    }
    moved = replace(evidence, **changed, fleet=_fleet(evidence.fleet, night, chance))
    return replace(
        moved,
        boards=tuple(_board(one, night, chance) for one in moved.boards or ()),
        ports=tuple(_port(one, night) for one in moved.ports or ()),
        hosts=tuple(_host(one, chance) for one in moved.hosts or ()),
    )


def _shuffled(values: tuple[T, ...], chance: Random) -> tuple[T, ...]:
    return tuple(chance.sample(values, len(values)))


def _fleet(fleet: Fleet, night: int, chance: Random) -> Fleet:
    return replace(
        fleet,
        nodes=tuple(_node(one, chance) for one in _shuffled(fleet.nodes, chance)),
        workloads=tuple(_restarted(one, night) for one in _shuffled(fleet.workloads, chance)),
    )


def _node(node: Node, chance: Random) -> Node:
    boards = node.accelerators
    return node if boards is None else replace(node, accelerators=_shuffled(boards, chance))


def _restarted(work: Workload, night: int) -> Workload:
    """All its pods have other names."""
    members = (replace(one, name=f"{one.name}-{night:x}", uid=f"{one.uid}-{night}") for one in work.members)
    return replace(work, members=tuple(members))


def _board(board: Board, night: int, chance: Random) -> Board:
    """A little warmer, held back for a second a night, counted by the driver in another order."""
    told = {
        "temperature_c": _near(board.temperature_c, chance),
        "memory_temperature_c": _near(board.memory_temperature_c, chance),
        "violations_ns": _grown(board.violations_ns, night, 10**9),
        "index": 7 - board.index if board.index < 8 else board.index,
    }
    return replace(board, **told)


def _near(value: int | None, chance: Random) -> int | None:
    return None if value is None else value - chance.randrange(3)


def _grown(values: Mapping[str, int] | None, night: int, by: int) -> dict[str, int] | None:
    return None if values is None else {name: value + night * by for name, value in values.items()}


def _port(port: FabricPort, night: int) -> FabricPort:
    """Traffic, and a symbol error now and then."""
    moved = {"port_rcv_data": night * 10**13, "port_xmit_data": night * 10**13}
    counters = port.counters and {**port.counters, **moved, "symbol_error": night // 3}
    return replace(port, counters=counters)


def _host(host: Host, chance: Random) -> Host:
    clock = host.clock and replace(host.clock, offset_ns=chance.randrange(-90_000, 90_000))
    if host.clock and abs(host.clock.offset_ns or 0) > 1_000_000:
        clock = host.clock
    processes = host.processes and _shuffled(host.processes, chance)
    listeners = host.listeners and _shuffled(host.listeners, chance)
    return replace(host, clock=clock, processes=processes, listeners=listeners)


def in_cluster(evidence: Evidence, name: str) -> Evidence:
    """The same objects in a cluster of that name: what is injected beside them is in another."""
    changed = {
        field.name: tuple(
            replace(one, cluster=name) if "cluster" in one.__struct_fields__ else one for one in value
        )
        for field in fields(evidence)
        if isinstance(value := getattr(evidence, field.name), tuple)
    }
    return replace(evidence, **changed)


def together(healthy: Evidence, fault: Evidence) -> Evidence:
    """Both at once."""
    fleet = healthy.fleet
    lists = ("nodes", "workloads", "meters", "gaps", "racks", "sites")
    both = {name: (*getattr(fleet, name), *getattr(fault.fleet, name)) for name in lists}
    return replace(merged((healthy, fault)), fleet=replace(fleet, **both))
