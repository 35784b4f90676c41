"""Which accelerators did nothing while held, and what held others back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.assess.history.model import Board, History, Stranded

BOUND = 0.2
"""The least share of the time held in which something holds an accelerator back, for it to be named."""
_SHORTEST_S = 3600
"""Held for less than this in all, nothing is said of it."""


class Bound(NamedTuple):
    """Something that held an accelerator back."""

    board: Board
    by: str
    share: float
    """Of the time in which it was held."""


def idle_boards(history: History, share: float) -> tuple[Board, ...]:
    """Return those that were idle for at least that share of the time held, the longest first."""
    found = [
        board
        for board in history.boards
        if board.idle is not None and _long_held(board, history) and board.idle >= share * board.held
    ]
    return tuple(sorted(found, key=lambda board: (-(board.idle or 0.0), board.host, board.name)))


def bound_boards(history: History) -> tuple[Bound, ...]:
    """Return what holds accelerators back, the most of it first."""
    found = [bound for board in history.boards if _long_held(board, history) for bound in _bounds(board)]
    return tuple(sorted(found, key=lambda one: (one.by, -one.share, one.board.host, one.board.name)))


def stranded_nodes(history: History) -> tuple[Stranded, ...] | None:
    """Return the nodes whose free accelerators were of no use, the most of it first. None: nobody tells."""
    if history.stranded is None:
        return None
    return tuple(sorted(history.stranded, key=lambda one: (-steps_stranded(one), one.node)))


def steps_stranded(node: Stranded) -> float:
    """Accelerator-steps: by what was short more, so that none counts twice."""
    return max(node.cpu, node.memory)


def _long_held(board: Board, history: History) -> bool:
    return board.held * history.window.step_s >= _SHORTEST_S * (1 - 1e-6)


def _bounds(board: Board) -> Iterator[Bound]:
    for by, steps in (
        ("memory bandwidth", board.memory_bound),
        ("power limit", board.power_capped),
        ("storage", board.io_bound),
    ):
        if steps is not None and steps >= BOUND * board.held:
            yield Bound(board, by, min(1.0, steps / board.held))
