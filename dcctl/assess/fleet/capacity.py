"""Sums over nodes: boards by state, and what there is, is asked for, used and left of everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeVar

from msgspec import Struct

from dcctl.assess.fleet.stranded import DIMENSIONS
from dcctl.assess.fleet.tally import sum_known
from dcctl.inventory.folding import sort_key
from dcctl.inventory.model import Resources
from dcctl.inventory.racks import Racks
from dcctl.packing.reasons import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.assess.fleet.tally import Tally
    from dcctl.inventory.model import Node
    from dcctl.inventory.occupancy.boards import State
    from dcctl.inventory.occupancy.demand import Amount
    from dcctl.packing.headroom import Headroom

By: TypeAlias = Literal["pool", "site", "rack", "node", "model", "workload"]


class Sums(Struct):
    """One dimension summed over the nodes that tell it; None while none did."""

    capacity: int | None = None
    allocatable: int | None = None
    requested: int | None = None
    used: int | None = None
    """Measured."""
    free: int | None = None
    """Allocatable less requested; without a scheduler, capacity (or a limit below it) less used.
    Nothing on nodes that take no work."""


STAGES = ("capacity", "allocatable", "requested", "used", "free")
"""The fields of `Sums`, in order."""
_Key = TypeVar("_Key", bound=str)


class Totals(Struct):
    """What a group of nodes adds up to."""

    name: str
    states: list[NodeState] = []
    boards: int = 0
    by_state: dict[State, int] = {}
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
    resources: dict[str, int] = {}
    """Boards by resource name."""
    headroom: Headroom | None = None
    """Jobs of the wanted size that still fit; None where nobody knows who holds the boards."""
    dimensions: dict[str, Sums] = {}

    @property
    def more_jobs(self) -> int | None:
        """Jobs of the wanted size that still fit."""
        return None if self.headroom is None else self.headroom.jobs

    @property
    def next_stop(self) -> str | None:
        """What stops the next such job on most nodes, in words."""
        stop = None if self.headroom is None else self.headroom.stopped_by()
        return None if stop is None else WORDS[stop]

    @property
    def allocated(self) -> int:
        """Boards of which any part is held."""
        return self.by_state.get("allocated", 0)

    @property
    def free(self) -> int:
        """Boards that a job can have now."""
        return self.by_state.get("free", 0)

    @property
    def stranded(self) -> int:
        """Free boards whose node lacks something else."""
        return self.by_state.get("stranded", 0)

    @property
    def unavailable(self) -> int:
        """Boards that nobody holds on nodes that take no work, or withheld."""
        return self.by_state.get("unavailable", 0)

    @property
    def unknown(self) -> int:
        """Boards of which nobody knows who holds them."""
        return self.by_state.get("unknown", 0)

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
        """Idle boards; None when some are held, or may be, and none of those was measured."""
        unheard = self.allocated + self.unknown
        return None if unheard and not self.idle_measured else self.idle

    @property
    def boards_known(self) -> bool:
        """Whether anyone looked for accelerators on any of the nodes."""
        return any(state.boards_known for state in self.states)


def total(name: str, states: Iterable[NodeState]) -> Totals:
    """The sums of these nodes, each counted once."""
    totals = Totals(name, list(states))
    _add_tallies(totals, [state.tally for state in totals.states])
    uses = [state.node.use for state in totals.states]
    totals.node_power_mw = sum_known([use.power_mw for use in uses if use is not None])
    totals.dimensions = _dimensions(totals.states)
    return totals


def _add_tallies(totals: Totals, tallies: list[Tally]) -> None:
    for one in tallies:
        totals.boards += one.boards
        totals.idle += one.idle
        totals.idle_measured += one.idle_measured
        totals.busy_sum_milli += one.busy_sum_milli
        totals.busy_measured += one.busy_measured
        _add_counts(totals.by_state, one.by_state)
        _add_counts(totals.resources, one.resources)
    totals.memory_bytes = sum_known([one.memory_bytes for one in tallies])
    totals.memory_used_bytes = sum_known([one.memory_used_bytes for one in tallies])
    totals.power_mw = sum_known([one.power_mw for one in tallies])


def merged(name: str, parts: list[Totals]) -> Totals:
    """The sums of groups that share no node."""
    whole = Totals(name, [state for part in parts for state in part.states])
    for part in parts:
        whole.boards += part.boards
        whole.idle += part.idle
        whole.idle_measured += part.idle_measured
        whole.busy_sum_milli += part.busy_sum_milli
        whole.busy_measured += part.busy_measured
        _add_counts(whole.by_state, part.by_state)
        _add_counts(whole.resources, part.resources)
    for name_of_sum in ("memory_bytes", "memory_used_bytes", "power_mw", "node_power_mw"):
        setattr(whole, name_of_sum, sum_known([getattr(part, name_of_sum) for part in parts]))
    for dimension in DIMENSIONS:
        rows = [part.dimensions[dimension] for part in parts]
        whole.dimensions[dimension] = Sums(
            *(sum_known([getattr(row, stage) for row in rows]) for stage in STAGES)
        )
    return whole


def _add_counts(into: dict[_Key, int], counts: Mapping[_Key, int]) -> None:
    for key, count in counts.items():
        into[key] = into.get(key, 0) + count


_Column: TypeAlias = "Sequence[int | None]"
_NOTHING_TOLD = Resources()


class _Columns(NamedTuple):
    """What each node has, offers, was asked for and uses: a column for each dimension, a row a node."""

    capacity: Sequence[_Column]
    allocatable: Sequence[_Column]
    requested: Sequence[_Column]
    used: Sequence[_Column]


def _columns(states: Sequence[NodeState]) -> _Columns:
    nodes = [state.node for state in states]
    demands = [state.demand for state in states]
    uses = [node.use for node in nodes]
    nobody = [None] * len(uses)
    return _Columns(
        _read([node.capacity or _NOTHING_TOLD for node in nodes]),
        _read([node.allocatable or _NOTHING_TOLD for node in nodes]),
        _read([one if one and one.complete else _NOTHING_TOLD for one in demands]),
        (
            [None if use is None else use.cpu_milli for use in uses],
            [None if use is None else use.memory_bytes for use in uses],
            nobody,
            nobody,
        ),
    )


def _read(amounts: Sequence[Resources | Amount]) -> Sequence[_Column]:
    """One column for each dimension, in their order."""
    return (
        [one.cpu_milli for one in amounts],
        [one.memory_bytes for one in amounts],
        [one.storage_bytes for one in amounts],
        [one.pods for one in amounts],
    )


def _dimensions(states: Sequence[NodeState]) -> dict[str, Sums]:
    """Every dimension over these nodes, stage by stage."""
    scheduled = [state.scheduled for state in states]
    closed = [bool(state.unavailable) for state in states]
    found = {}
    for dimension, capacity, offered, counted, used in zip(DIMENSIONS, *_columns(states), strict=True):
        asked = [None if most is None else one for most, one in zip(offered, counted, strict=True)]
        free = list(map(_left, scheduled, closed, capacity, offered, asked, used))
        found[dimension] = Sums(*map(sum_known, (capacity, offered, asked, used, free)))
    return found


def _left(  # one argument a column
    scheduled: bool,
    closed: bool,
    capacity: int | None,
    offered: int | None,
    asked: int | None,
    used: int | None,
) -> int | None:
    """Offered less asked where a scheduler counts; else what there is, or the limit, less what is in use."""
    if closed:
        return 0
    if scheduled:
        if offered is None or asked is None:
            return None
        return offered - asked if offered > asked else 0
    most = capacity if offered is None else offered
    return None if most is None or used is None else max(0, most - used)


def share_milli(states: Iterable[NodeState], part: str, whole: str, dimension: str) -> int | None:
    """A stage as a share of another, over the nodes that tell both; None where none does."""
    columns, at = _columns(list(states)), DIMENSIONS.index(dimension)
    parts, wholes = getattr(columns, part)[at], getattr(columns, whole)[at]
    both = [(one, of) for one, of in zip(parts, wholes, strict=True) if one is not None and of]
    return sum(one for one, _ in both) * 1000 // sum(of for _, of in both) if both else None


def group(states: Iterable[NodeState], by: By, known: Iterable[Node] = ()) -> list[Totals]:
    """One sum per pool, site, rack, node or model, in order of name; a node in several pools is in each.

    Racks of one name in several sites are called `site/rack`; `known`, the nodes of the whole fleet, tells
    which those are.
    """
    states = list(states)
    racks = Racks((*known, *(state.node for state in states)) if by == "rack" else ())
    groups: dict[str, list[NodeState]] = {}
    for state in states:
        for key in _keys(state, by, racks):
            groups.setdefault(key, []).append(state)
    return [
        total(name, members) for name, members in sorted(groups.items(), key=lambda item: sort_key(item[0]))
    ]


def _keys(state: NodeState, by: By, racks: Racks) -> tuple[str, ...]:
    if by == "pool":
        return state.node.pools or ("",)
    if by == "site":
        return (state.node.site or "",)
    if by == "rack":
        rack = racks.of(state.node)
        return (racks.label(rack) if rack else "",)
    return (state.node.name,) if by == "node" else (state.model(),)
