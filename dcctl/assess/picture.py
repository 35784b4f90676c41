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


def heat_map(fleet: Fleet, states: list[NodeState]) -> tuple[HeatMap, ...]:
    """One picture of all nodes that have boards, ordered by rack and name; none when there are no boards."""
    shown = sorted((s for s in states if s.boards), key=_order)
    if not shown:
        return ()
    rows = tuple((s.node.name, tuple(tile(board) for board in s.boards)) for s in shown)
    groups: list[tuple[str, int]] = []
    for state in shown:
        heading = _rack(state)
        if groups and groups[-1][0] == heading:
            groups[-1] = (heading, groups[-1][1] + 1)
        else:
            groups.append((heading, 1))
    return (HeatMap("fleet", f"{fleet.name or 'fleet'}: how busy each accelerator is", rows, tuple(groups)),)


def _rack(state: NodeState) -> str:
    node = state.node
    return "/".join(part for part in (node.site, node.rack) if part) or "no rack"


def _order(state: NodeState) -> tuple[NaturalKey, NaturalKey]:
    return sort_key(_rack(state)), sort_key(state.node.name)


def tile(board: Board) -> Tile:
    """How busy the board is, and its state in a word: `idle` for allocated and measured to do nothing."""
    word = "idle" if board.idle else board.state
    return _tile(board.busy_milli(), "fault" if board.faulty else word)


@lru_cache(maxsize=8192)
def _tile(level_milli: int | None, word: str) -> Tile:
    return Tile(level_milli, word)
