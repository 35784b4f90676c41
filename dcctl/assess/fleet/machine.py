"""What a machine has beside accelerators: file systems, network, pressure. A login node has nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.inventory.filesystems import is_shared
from dcctl.inventory.folding import fold
from dcctl.render.report import Note
from dcctl.units import percent, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.inventory.model import Mount, Node, NodeUse

PRESSURE_MILLI = 100
"""Share of the time (PSI `some`, 60 s) from which work on a node is taken to wait for a resource."""
FULL_MILLI = 900
"""Share of a file system from which it is named."""
_NAMED = 4


class Surroundings(Struct):
    """Sums and worst readings of a group of nodes. None: nobody read it."""

    disk_capacity: int | None = None
    disk_free: int | None = None
    network_bps: int | None = None
    """Of all ports that are up and tell their speed."""
    cpu_pressure: int | None = None
    """The worst of the nodes, in thousandths of the time."""
    memory_pressure: int | None = None
    io_pressure: int | None = None


def surroundings(states: Iterable[NodeState]) -> Surroundings:
    """The sums and the worst readings of these nodes."""
    nodes = [state.node for state in states]
    own = [space for node in nodes for space in _spaces(node)]
    ports = [nic.speed_bps for node in nodes for nic in node.nics or () if nic.up and nic.speed_bps]
    uses = [node.use for node in nodes if node.use is not None]
    return Surroundings(
        sum(size for size, _ in own) if own else None,
        sum(free for _, free in own) if own else None,
        sum(ports) if ports else None,
        _worst(use.cpu_pressure_milli for use in uses),
        _worst(use.memory_pressure_milli for use in uses),
        _worst(use.io_pressure_milli for use in uses),
    )


def _worst(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _own(node: Node) -> Iterator[Mount]:
    """File systems of the node itself whose size is known, each device once."""
    seen: set[str] = set()
    for mount in node.mounts or ():
        known = mount.size_bytes is not None and mount.free_bytes is not None
        if known and not is_shared(mount.fstype) and mount.device not in seen:
            seen.add(mount.device)
            yield mount


def _spaces(node: Node) -> Iterator[tuple[int, int]]:
    """(size, free) in bytes of each file system; data sets of a ZFS pool share what is free: they are one."""
    pools: dict[str, list[tuple[int, int]]] = {}
    for mount in _own(node):
        size, free = mount.size_bytes or 0, mount.free_bytes or 0
        if mount.fstype == "zfs":
            pools.setdefault(mount.device.partition("/")[0], []).append((size, free))
        else:
            yield size, free
    for sets in pools.values():
        free = max(free for _, free in sets)
        yield sum(size - free for size, free in sets) + free, free


def disk_note(states: Iterable[NodeState]) -> Note | None:
    """File systems that are nearly full, the fullest first."""
    full = []
    for state in states:
        for mount in _own(state.node):
            size, free = mount.size_bytes or 0, mount.free_bytes or 0
            if size and (size - free) * 1000 >= size * FULL_MILLI:
                full.append(((size - free) * 1000 // size, state.node.name, mount.path))
    if not full:
        return None
    full.sort(key=lambda one: (-one[0], one[1], one[2]))
    named = ", ".join(f"{path} on {node} {percent(milli)}" for milli, node, path in full[:_NAMED])
    more = f" and {len(full) - _NAMED} more" if len(full) > _NAMED else ""
    return Note("disk", f"{plural(len(full), 'file system')} nearly full: {named}{more}", "warn")


def pressure_note(states: Iterable[NodeState]) -> Note | None:
    """Where work waited for CPU, memory or I/O during the last minute."""
    waited: dict[str, list[tuple[int, str]]] = {}
    for state in states:
        for word, milli in _pressures(state.node.use):
            if milli is not None and milli >= PRESSURE_MILLI:
                waited.setdefault(word, []).append((milli, state.node.name))
    if not waited:
        return None
    told = [
        f"{word} up to {percent(max(nodes)[0])} of the last minute on {fold(name for _, name in nodes)}"
        for word, nodes in sorted(waited.items(), key=lambda pair: (-max(pair[1])[0], pair[0]))
    ]
    return Note("pressure", f"work waited for {'; for '.join(told)}", "warn")


def _pressures(use: NodeUse | None) -> tuple[tuple[str, int | None], ...]:
    if use is None:
        return ()
    return (
        ("CPU", use.cpu_pressure_milli),
        ("memory", use.memory_pressure_milli),
        ("I/O", use.io_pressure_milli),
    )
