"""One row per workload: what it asks for, what it holds, and how busy that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from dcctl.inventory.model import ENDED
from dcctl.inventory.occupancy.resources import accelerators_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.inventory.model import Member, Workload
    from dcctl.inventory.occupancy.boards import Board
    from dcctl.render.report import Row


_Key: TypeAlias = tuple[str | None, str, str]
"""Source, or node of a process, kind and id: two clusters may call their work the same."""


class Holding(Struct):
    """What one workload holds on the nodes that are looked at."""

    name: str
    owner: str | None
    kind: str
    started_at_s: int | None
    source: str | None = None
    nodes: dict[str, None] = {}
    """In order, each once."""
    members: int = 0
    accelerators: int = 0
    """Boards, shares and slices that it asks for; of a process, boards that it is on."""
    readable: bool = True
    """False: the requests of a member could not be read, so these sums are lower bounds."""
    cpu_milli: int = 0
    memory_bytes: int = 0
    boards: list[Board] = []
    """Those known to be in its hands."""


def holdings(workloads: Iterable[Workload], states: list[NodeState]) -> list[Holding]:
    """All work on these nodes, most accelerators first, then most CPU, then by name."""
    shown = {state.node.name for state in states}
    found: dict[_Key, Holding] = {}
    for workload in workloads:
        for member in workload.members:
            if member.node in shown and member.phase not in ENDED:
                key = _key(workload)
                _add(found.get(key) or found.setdefault(key, _of(workload)), member)
    for state in states:
        for board in state.boards:
            for placed in board.holders:
                found[_key(placed.workload)].boards.append(board)
        if state.by_processes:
            _add_processes(found, state)
    return sorted(found.values(), key=lambda one: (-one.accelerators, -one.cpu_milli, one.name))


def _key(workload: Workload) -> _Key:
    return workload.source, workload.kind, workload.id


def _of(workload: Workload) -> Holding:
    return Holding(workload.id, workload.owner, workload.kind, workload.started_at_s, workload.source)


def _add(one: Holding, member: Member) -> None:
    request = member.requests
    one.nodes[member.node or ""] = None
    one.members += 1
    if request is None:
        one.readable = False
        return
    one.accelerators += accelerators_in(request.devices)
    one.cpu_milli += request.cpu_milli or 0
    one.memory_bytes += request.memory_bytes or 0


def _add_processes(found: dict[_Key, Holding], state: NodeState) -> None:
    """Without a scheduler the processes on the boards are the work."""
    node = state.node.name
    for board in state.boards:
        for part in board.parts():
            for process in part.processes or ():
                name = f"{node}/{process.name or 'process'}[{process.pid}]"
                new = Holding(name, process.user, "process", None, None, {node: None}, 1)
                one = found.setdefault((node, "process", name), new)
                one.accelerators += 1
                one.boards.append(board)


def rows(found: list[Holding], now_s: int) -> tuple[Row, ...]:
    """In the order of columns.WORKLOADS. A count of idle boards is None where none of them was measured.

    Names that work of several sources has are told with the source.
    """
    sources: dict[str, set[str | None]] = {}
    for one in found:
        sources.setdefault(one.name, set()).add(one.source)
    several = {name for name, known in sources.items() if len(known) > 1}
    return tuple(
        _row(f"{one.source}/{one.name}" if one.source and one.name in several else one.name, one, now_s)
        for one in found
    )


def _row(name: str, one: Holding, now_s: int) -> Row:
    busy = [milli for board in one.boards if (milli := board.busy_milli()) is not None]
    judged = [board.idle for board in one.boards if board.idle is not None]
    models = sorted({model for board in one.boards if (model := board.model())})
    return (
        name,
        one.owner,
        one.kind,
        tuple(one.nodes),
        one.members,
        one.accelerators if one.readable else None,
        " + ".join(models) or None,
        sum(busy) // len(busy) if busy else None,
        sum(judged) if judged or (one.readable and not one.accelerators) else None,
        one.cpu_milli if one.readable else None,
        one.memory_bytes if one.readable else None,
        _power(one),
        None if one.started_at_s is None else max(0, now_s - one.started_at_s),
    )


def _power(one: Holding) -> int | None:
    """Drawn by the boards that are its alone."""
    alone = [board.reading for board in one.boards if len(board.holders) <= 1 and board.reading is not None]
    known = [reading.power_mw for reading in alone if reading.power_mw is not None]
    return sum(known) if known else None
