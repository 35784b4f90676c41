"""The heat map: one row per node, one tile per board, grouped by rack."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeAlias, overload

from dcctl.inventory.folding import sort_key
from dcctl.inventory.occupancy.health import is_faulty
from dcctl.render.report import HeatMap, Tile

if TYPE_CHECKING:
    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.inventory.folding import NaturalKey
    from dcctl.inventory.model import Fleet
    from dcctl.inventory.occupancy.boards import Board

MapRow: TypeAlias = tuple[str, tuple[Tile, ...]]
"""Node, tiles."""


def heat_map(fleet: Fleet, states: list[NodeState], command: str) -> tuple[HeatMap, ...]:
    """One picture of all nodes that have boards, ordered by rack and name; none when there are no boards.

    `command` asks for it where it would be too tall; empty: it was asked for.
    """
    racks: dict[str, list[NodeState]] = {}
    for state in states:
        if state.boards:
            racks.setdefault(_rack(state), []).append(state)
    if not racks:
        return ()
    ordered = sorted(racks.items(), key=lambda rack: sort_key(rack[0]))
    rows = _Rows([members for _, members in ordered])
    groups = tuple((heading, len(members)) for heading, members in ordered)
    return (
        HeatMap("fleet", f"{fleet.name or 'fleet'}: how busy each accelerator is", rows, groups, command),
    )


class _Rows(Sequence[MapRow]):
    """The rows of the picture, rack by rack, each made when it is looked at."""

    def __init__(self, racks: list[list[NodeState]]) -> None:
        self._racks = racks

    @cached_property
    def _ordered(self) -> list[NodeState]:
        return [state for members in self._racks for state in sorted(members, key=_name)]

    def __len__(self) -> int:
        return sum(map(len, self._racks))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    @overload
    def __getitem__(self, at: int) -> MapRow: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[MapRow]: ...

    def __getitem__(self, at: int | slice) -> MapRow | Sequence[MapRow]:
        if isinstance(at, slice):
            return tuple(map(_row, self._ordered[at]))
        return _row(self._ordered[at])


def _rack(state: NodeState) -> str:
    site, rack = state.node.site, state.node.rack
    if site and rack:
        return f"{site}/{rack}"
    return site or rack or "no rack"


def _name(state: NodeState) -> NaturalKey:
    return sort_key(state.node.name)


def _row(state: NodeState) -> MapRow:
    return state.node.name, tuple(map(tile, state.boards))


def tile(board: Board) -> Tile:
    """How busy the board is, and its state in a word: `idle` for allocated and measured to do nothing."""
    faulty = board.reading is not None and is_faulty(board.reading)
    word = "idle" if board.idle else _word(board)
    return _tile(board.busy_milli(), "fault" if faulty else word)


def _word(board: Board) -> str:
    """The state, unless it is what a load says already."""
    return "busy" if board.state == "allocated" and board.busy_milli() is not None else board.state


@lru_cache(maxsize=8192)
def _tile(level_milli: int | None, word: str) -> Tile:
    return Tile(level_milli, word)
