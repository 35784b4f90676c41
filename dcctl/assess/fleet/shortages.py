"""Stranded accelerators put together: what is missing, who holds it, and what would free it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.assess.fleet.stranded import WORDS
from dcctl.units import cores, memory, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.inventory.occupancy.demand import Placed

_NAMED = 3
_WORTH_NAMING_MILLI = 50
"""Who holds less of what is missing is not named."""
_STAYS = frozenset(("DaemonSet", "Node"))
"""Kinds of work that belong to their node (a static pod is the node's own): nobody can move it."""


class Stuck(Struct):
    """Nodes whose accelerators are stranded for the same reason."""

    cause: str
    held_by: tuple[str, ...]
    """Workloads that hold most of what is missing, the largest first."""
    boards: int = 0
    nodes: list[str] = []
    moves: int | None = 0
    """Members without accelerators to move; None: moving such members is not enough."""

    @property
    def cure(self) -> str:
        """What would free the accelerators, or empty."""
        if self.moves is None:
            return "smaller requests by the work that holds accelerators there"
        return f"moving {plural(self.moves, 'pod')} frees them" if self.moves else ""


def stuck(states: Iterable[NodeState]) -> list[Stuck]:
    """Groups of nodes with the same cause and the same holders, most boards first."""
    found: dict[tuple[str, tuple[str, ...]], Stuck] = {}
    for state in states:
        boards = state.count("stranded")
        if boards:
            key = (_cause(state), _held_by(state))
            one = found.setdefault(key, Stuck(*key))
            one.boards += boards
            one.nodes.append(state.node.name)
            moves = _moves(state)
            one.moves = None if moves is None or one.moves is None else one.moves + moves
    return sorted(found.values(), key=lambda one: (-one.boards, one.nodes))


def _cause(state: NodeState) -> str:
    missing = state.shortage
    word = WORDS[missing.dimension]
    left, total = max(0, missing.left), missing.allocatable
    if missing.dimension == "cpu_milli":
        return f"{_about(left, 100, cores)} of {cores(total)} CPUs left"
    if missing.dimension == "pods":
        return f"{left} of {total} pods left"
    return f"{_about(left, 2**30, memory)} of {memory(total)} {word} left"


def _about(left: int, step: int, worded: Callable[[int], str]) -> str:
    """What is left in whole steps, so that nodes which lack about the same are told of together."""
    if 0 < left < step:
        return f"less than {worded(step)}"
    return worded(left // step * step)


def _asks(one: Placed, dimension: str) -> int:
    value: int | None = getattr(one.member.requests, dimension, None)
    return value if value is not None else int(dimension == "pods")


def _held_by(state: NodeState) -> tuple[str, ...]:
    if state.demand is None:
        return ()
    sums: dict[str, int] = {}
    for one in (*state.demand.holding, *state.demand.others):
        sums[one.workload.id] = sums.get(one.workload.id, 0) + _asks(one, state.shortage.dimension)
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    least = sum(sums.values()) * _WORTH_NAMING_MILLI // 1000
    return tuple(name for name, amount in ordered[:_NAMED] if amount > least)


def _moves(state: NodeState) -> int | None:
    """How many members without accelerators must leave, the largest first, until no board is stranded."""
    if state.demand is None or not state.shortage.needed:
        return None
    dimension, missing, moves = state.shortage.dimension, state.shortage.needed - state.shortage.left, 0
    movable = [_asks(one, dimension) for one in state.demand.others if one.workload.kind not in _STAYS]
    for amount in sorted(movable, reverse=True):
        if missing <= 0:
            break
        missing -= amount
        moves += 1
    return moves if missing <= 0 else None
