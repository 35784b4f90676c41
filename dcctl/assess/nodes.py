"""One node judged: every board in exactly one state, and how much of everything else is left."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

from dcctl.assess.stranded import NO_SHORTAGE, Shortage, shortage
from dcctl.assess.tally import Tally
from dcctl.inventory.occupancy.boards import Board, boards_of, count_units, units_of
from dcctl.inventory.occupancy.demand import is_scheduled
from dcctl.inventory.occupancy.doubt import doubted
from dcctl.inventory.occupancy.holders import hold
from dcctl.inventory.occupancy.unavailable import unavailable_because

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.assess.faults import Sign
    from dcctl.assess.stranded import Shares
    from dcctl.inventory.model import Node
    from dcctl.inventory.occupancy.boards import State
    from dcctl.inventory.occupancy.demand import Demand


class NodeState(Struct, gc=False):
    """What was decided about one node."""

    node: Node
    demand: Demand | None
    """None: no scheduler knows the node, or its work could not be listed."""
    boards: list[Board] = []
    boards_known: bool = True
    """False: nobody looked for accelerators and no scheduler counts any."""
    by_processes: bool = False
    """No scheduler hands out these boards: the processes on them told what is used."""
    unavailable: str = ""
    """Why work cannot be placed here, or empty."""
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


def judge(node: Node, demand: Demand | None, habits: Habits) -> NodeState:
    """The node with each of its boards allocated, free, stranded, unavailable or unknown."""
    boards = boards_of(node)
    state = NodeState(node, demand, boards or [], boards is not None)
    if not boards:
        return state
    state.unavailable = unavailable_because(node, habits.common_taints)
    if demand is not None:
        leftover = hold(boards, demand)
        _sort_the_rest(state, habits.shares, leftover)
    elif not is_scheduled(node):
        state.by_processes = True
        _by_processes(boards)
    return state


def _by_processes(boards: list[Board]) -> None:
    """Where no scheduler counts, a board with a process is taken and one without is free."""
    for board in boards:
        known = [part.processes for part in board.parts()]
        if any(known):
            board.state = "allocated"
        elif known and all(processes is not None for processes in known):
            board.state = "free"


def _sort_the_rest(state: NodeState, shares: Shares, leftover: dict[str, int]) -> None:
    """Boards that nobody holds are unavailable, stranded or free; unknown if somebody may hold them."""
    rest = [board for board in state.boards if board.state != "allocated"]
    if state.demand is not None and not state.demand.complete:
        return  # boards are born unknown, and stay so
    if leftover and rest:
        doubt = {id(board) for board in doubted(rest, leftover)}  # they stay unknown
        rest = [board for board in rest if id(board) not in doubt]
    if not rest:
        return
    if state.unavailable:
        _mark(rest, "unavailable")
        return
    sick = min(len(rest), _withheld(state.node, state.boards))
    _mark(rest[len(rest) - sick :], "unavailable")
    rest = rest[: len(rest) - sick]
    if state.demand is not None and rest:
        state.shortage = shortage(state.node, state.demand, shares, _units(rest))
    usable = len(rest) - _boards_of_units(state.shortage.units, rest)
    _mark(rest[:usable], "free")
    _mark(rest[usable:], "stranded")


def _units(boards: list[Board]) -> int:
    """What these boards hand out, in the scheduler's units."""
    return sum(map(count_units, boards))


def _boards_of_units(units: int, boards: list[Board]) -> int:
    """So many stranded units in boards, rounded down: a board of which a share is usable is not stranded."""
    return units * len(boards) // _units(boards) if units else 0


def _mark(boards: list[Board], word: State) -> None:
    for board in boards:
        board.state = word


def _withheld(node: Node, boards: list[Board]) -> int:
    """Boards whose units the scheduler's agent knows but does not offer (a device plugin found them sick)."""
    if node.capacity is None or node.allocatable is None or node.capacity.devices == node.allocatable.devices:
        return 0
    units: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for board in boards:
        handed_out = units_of(board)
        units.update(handed_out)
        sources.update(handed_out.keys())
    offered = node.allocatable.devices
    held_back = {name: node.capacity.devices.get(name, 0) - offered.get(name, 0) for name in units}
    return sum(max(0, count) * sources[name] // units[name] for name, count in held_back.items())
