"""One node judged: who holds its boards, which of the free ones are stranded, and what that adds up to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import astuple

from dcctl.assess.fleet.stranded import NO_SHORTAGE, Shortage, shortage
from dcctl.assess.fleet.tally import Tally
from dcctl.inventory.occupancy.boards import count_units
from dcctl.inventory.occupancy.node import Occupancy, occupancy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcctl.assess.fleet.stranded import Shares
    from dcctl.inventory.model import Node
    from dcctl.inventory.occupancy.boards import Board, State
    from dcctl.inventory.occupancy.demand import Demand
    from dcctl.inventory.occupancy.health import Sign


class NodeState(Occupancy, gc=False):
    """What was decided about one node."""

    shortage: Shortage = NO_SHORTAGE
    tally: Tally = field(default_factory=Tally)
    """Sums over the boards, once all about them is decided."""
    signs: Sequence[Sign] = ()
    """What is wrong with them."""
    waits: Sequence[tuple[str, int]] = ()
    """(what work here was measured to wait for, on how many boards)."""

    def count(self, state: State) -> int:
        """How many boards are in a state."""
        return self.tally.by_state.get(state, 0)

    @property
    def pool(self) -> str:
        """The first pool of the node; empty when it is in none."""
        return self.node.pools[0] if self.node.pools else ""

    def model(self) -> str:
        """The models of its boards, joined; empty when there is no board or no reading."""
        return " + ".join(sorted({name for board in self.boards if (name := board.model())}))


class Habits(Struct, frozen=True):
    """What is usual in a pool: needed to judge one node of it."""

    shares: Shares
    common_taints: frozenset[str]
    """Taints that most of its nodes with accelerators carry: they dedicate the pool and keep nobody out."""


def judge(node: Node, demand: Demand | None, habits: Habits, kinds: Mapping[str, str]) -> NodeState:
    """The node with each of its boards allocated, free, stranded, unavailable or unknown."""
    known = occupancy(node, demand, habits.common_taints, kinds)
    state = NodeState(*astuple(known))
    free = [board for board in state.boards if board.state == "free"] if demand is not None else []
    if demand is not None and free:
        state.shortage = shortage(node, demand, habits.shares, _units(free))
        for board in free[len(free) - _boards_of_units(state.shortage.units, free) :]:
            board.state = "stranded"
    return state


def _units(boards: list[Board]) -> int:
    """What these boards hand out, in the scheduler's units."""
    return sum(map(count_units, boards))


def _boards_of_units(units: int, boards: list[Board]) -> int:
    """So many stranded units in boards, rounded down: a board of which a share is usable is not stranded."""
    return units * len(boards) // _units(boards) if units else 0
