"""The heat map: one row per node, one tile per board, grouped by rack."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from dcctl.inventory.folding import sort_key
from dcctl.render.report import HeatMap, Tile

if TYPE_CHECKING:
    from dcctl.assess.boards import Board
    from dcctl.assess.nodes import NodeState
    from dcctl.inventory.folding import NaturalKey
    from dcctl.inventory.model import Fleet


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
    rows = tuple(_row(state) for _, members in ordered for state in sorted(members, key=_name))
    groups = tuple((heading, len(members)) for heading, members in ordered)
    return (
        HeatMap("fleet", f"{fleet.name or 'fleet'}: how busy each accelerator is", rows, groups, command),
    )


def _rack(state: NodeState) -> str:
    node = state.node
    return "/".join(part for part in (node.site, node.rack) if part) or "no rack"


def _name(state: NodeState) -> NaturalKey:
    return sort_key(state.node.name)


def _row(state: NodeState) -> tuple[str, tuple[Tile, ...]]:
    return state.node.name, tuple(map(tile, state.boards))


def tile(board: Board) -> Tile:
    """How busy the board is, and its state in a word: `idle` for allocated and measured to do nothing."""
    word = "idle" if board.idle else board.state
    return _tile(board.busy_milli(), "fault" if board.faulty else word)


@lru_cache(maxsize=8192)
def _tile(level_milli: int | None, word: str) -> Tile:
    return Tile(level_milli, word)
