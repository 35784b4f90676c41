"""One node: every board allocated, free, unavailable or unknown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.inventory.occupancy.boards import Board, boards_of, not_believed, units_of
from dcctl.inventory.occupancy.demand import is_scheduled, scheduler_of
from dcctl.inventory.occupancy.doubt import doubted
from dcctl.inventory.occupancy.health import must_be_replaced
from dcctl.inventory.occupancy.holders import hold
from dcctl.inventory.occupancy.unavailable import out_of_service, unavailable_because

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcctl.inventory.model import Node
    from dcctl.inventory.occupancy.demand import Demand


class Occupancy(Struct, gc=False):
    """Who holds what on one node, and what is left."""

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
    scheduler: str = ""
    """The source that hands out what the node has; empty: none is known by name."""
    scheduled: bool = False
    """Whether any scheduler does."""
    not_believed: Sequence[str] = ()
    """Counts of the node that are out of bounds, in words."""


def occupancy(
    node: Node, demand: Demand | None, common_taints: frozenset[str] | None, kinds: Mapping[str, str]
) -> Occupancy:
    """The node with what is held of it.

    `common_taints` dedicate its pool and keep nobody out; None: whom the node keeps out is not asked, and its
    free boards are free. `kinds` are those of the sources (kinds.kinds_of).
    """
    boards = boards_of(node)
    found = Occupancy(node, demand, boards or [], boards is not None, not_believed=not_believed(node))
    found.scheduler, found.scheduled = scheduler_of(node, kinds), is_scheduled(node, kinds)
    if not boards:
        found.unavailable = out_of_service(node)  # taints dedicate many a node without accelerators
        return found
    found.unavailable = "" if common_taints is None else unavailable_because(node, common_taints)
    if demand is not None:
        count = _count_withheld(node, boards)
        withheld = _likeliest_withheld(boards)[:count] if count else []
        _sort_the_rest(found, demand, hold(boards, demand, frozenset(withheld)), count)
    elif not found.scheduled:
        found.by_processes = True
        _by_processes(boards)
    return found


def _by_processes(boards: list[Board]) -> None:
    """Where no scheduler counts, a board with a process is taken and one without is free."""
    for board in boards:
        known = [part.processes for part in board.parts()]
        if any(known):
            board.state = "allocated"
        elif known and all(processes is not None for processes in known):
            board.state = "unavailable" if _is_broken(board) else "free"


def _sort_the_rest(found: Occupancy, demand: Demand, leftover: dict[str, int], withheld: int) -> None:
    """Boards that nobody holds are unavailable or free; unknown if somebody may hold them."""
    rest = [board for board in found.boards if board.state == "unknown"]
    if not rest or not demand.complete:
        return
    for at in _likeliest_withheld(rest)[:withheld] if withheld else ():
        rest[at].state = "unavailable"
    rest = [board for board in rest if board.state == "unknown"]
    if leftover and rest:
        doubt = {id(board) for board in doubted(rest, leftover)}  # they stay unknown
        rest = [board for board in rest if id(board) not in doubt]
    for board in rest:
        board.state = "unavailable" if found.unavailable or _is_broken(board) else "free"


def _likeliest_withheld(boards: list[Board]) -> list[int]:
    """Positions, those first that the scheduler's agent is most likely to withhold: it does not tell which.

    Boards that must be replaced, then those on which nothing runs, the last first.
    """
    order = range(len(boards) - 1, -1, -1)
    return sorted(order, key=lambda at: (not _is_broken(boards[at]), _is_used(boards[at])))


def _count_withheld(node: Node, boards: list[Board]) -> int:
    """Boards whose units the scheduler's agent knows but does not offer (a device plugin found them sick)."""
    if node.capacity is None or node.allocatable is None or node.capacity.devices == node.allocatable.devices:
        return 0  # most nodes offer all that they have
    units: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for board in boards:
        handed_out = units_of(board)
        units.update(handed_out)
        sources.update(handed_out.keys())
    offered = node.allocatable.devices
    held_back = {name: node.capacity.devices.get(name, 0) - offered.get(name, 0) for name in units}
    return sum(max(0, count) * sources[name] // units[name] for name, count in held_back.items())


def _is_used(board: Board) -> bool:
    return any(part.processes for part in board.parts())


def _is_broken(board: Board) -> bool:
    return board.reading is not None and must_be_replaced(board.reading)
