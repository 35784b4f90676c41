"""Sums over nodes: boards by state, and what there is, is asked for, used and left of everything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from dcctl.assess.stranded import DIMENSIONS
from dcctl.inventory.folding import sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.assess.boards import Board
    from dcctl.assess.nodes import NodeState

By: TypeAlias = Literal["pool", "site", "rack", "node", "model", "workload"]


@dataclass(slots=True)
class Sums:
    """One dimension summed over the nodes that tell it; None while none did."""

    capacity: int | None = None
    allocatable: int | None = None
    requested: int | None = None
    used: int | None = None
    """Measured."""
    free: int | None = None
    """Allocatable less requested; without a scheduler, capacity less used."""


@dataclass(slots=True)
class Totals:
    """What a group of nodes adds up to."""

    name: str
    states: list[NodeState] = field(default_factory=list)
    boards: int = 0
    allocated: int = 0
    free: int = 0
    stranded: int = 0
    unavailable: int = 0
    unknown: int = 0
    idle: int = 0
    idle_measured: int = 0
    """Allocated boards of which it is known whether they are idle."""
    busy_sum_milli: int = 0
    busy_measured: int = 0
    """Boards with a reading of how busy they are."""
    memory_bytes: int | None = None
    """Of the boards."""
    memory_used_bytes: int | None = None
    power_mw: int | None = None
    """Drawn by the boards that have a reading."""
    node_power_mw: int | None = None
    resources: dict[str, int] = field(default_factory=dict)
    """Boards by resource name."""
    models: dict[str, int] = field(default_factory=dict)
    dimensions: dict[str, Sums] = field(default_factory=dict)

    @property
    def allocated_milli(self) -> int | None:
        """Share of the boards that is allocated; None without boards or when it is unknown for some."""
        return None if not self.boards or self.unknown else self.allocated * 1000 // self.boards

    @property
    def busy_milli(self) -> int | None:
        """Mean of the measured boards; None when none was measured."""
        return self.busy_sum_milli // self.busy_measured if self.busy_measured else None

    @property
    def idle_known(self) -> int | None:
        """Idle boards; None when some are allocated and none of those was measured."""
        return None if self.allocated and not self.idle_measured else self.idle

    @property
    def boards_known(self) -> bool:
        """Whether anyone looked for accelerators on any of the nodes."""
        return any(state.boards_known for state in self.states)


def total(name: str, states: Iterable[NodeState]) -> Totals:
    """The sums of these nodes, each counted once."""
    totals = Totals(name, list(states), dimensions={dimension: Sums() for dimension in DIMENSIONS})
    for state in totals.states:
        for board in state.boards:
            _add_board(totals, board)
        use = state.node.use
        totals.node_power_mw = plus(totals.node_power_mw, use.power_mw if use else None)
        for dimension, sums in totals.dimensions.items():
            _add_dimension(sums, state, dimension)
    return totals


def _add_board(totals: Totals, board: Board) -> None:
    totals.boards += 1
    setattr(totals, board.state, getattr(totals, board.state) + 1)
    totals.resources[board.resource] = totals.resources.get(board.resource, 0) + 1
    if board.idle is not None:
        totals.idle_measured += 1
        totals.idle += board.idle
    busy = board.busy_milli()
    if busy is not None:
        totals.busy_measured += 1
        totals.busy_sum_milli += busy
    reading = board.reading
    if reading is None:
        return
    model = reading.model or ""
    totals.models[model] = totals.models.get(model, 0) + 1
    totals.memory_bytes = plus(totals.memory_bytes, reading.memory_bytes)
    totals.memory_used_bytes = plus(totals.memory_used_bytes, reading.memory_used_bytes)
    totals.power_mw = plus(totals.power_mw, reading.power_mw)


def plus(sum_so_far: int | None, value: int | None) -> int | None:
    """Add what is known; None only while nothing is."""
    if value is None:
        return sum_so_far
    return value if sum_so_far is None else sum_so_far + value


def _add_dimension(sums: Sums, state: NodeState, dimension: str) -> None:
    capacity = _get(state.node.capacity, dimension)
    offered = _get(state.node.allocatable, dimension)
    asked = _get(state.demand.total, dimension) if state.demand is not None and offered is not None else None
    used = _get(state.node.use, dimension)
    sums.capacity = plus(sums.capacity, capacity)
    sums.allocatable = plus(sums.allocatable, offered)
    sums.requested = plus(sums.requested, asked)
    sums.used = plus(sums.used, used)
    sums.free = plus(sums.free, _left(capacity, offered, asked, used))


def _get(amounts: object, dimension: str) -> int | None:
    value: int | None = getattr(amounts, dimension, None)
    return value


def _left(capacity: int | None, offered: int | None, asked: int | None, used: int | None) -> int | None:
    if offered is not None:
        return None if asked is None else max(0, offered - asked)
    return None if capacity is None or used is None else max(0, capacity - used)


def group(states: Iterable[NodeState], by: By) -> list[Totals]:
    """One sum per pool, site, rack, node or model, in order of name; a node in several pools is in each."""
    groups: dict[str, list[NodeState]] = {}
    for state in states:
        for key in _keys(state, by):
            groups.setdefault(key, []).append(state)
    return [
        total(name, members) for name, members in sorted(groups.items(), key=lambda item: sort_key(item[0]))
    ]


def _keys(state: NodeState, by: By) -> tuple[str, ...]:
    if by == "pool":
        return state.node.pools or ("",)
    if by == "site":
        return (state.node.site or "",)
    if by == "rack":
        return (state.node.rack or "",)
    return (state.node.name,) if by == "node" else (state.model(),)
