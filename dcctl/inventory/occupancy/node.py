"""One node: every board allocated, free, unavailable or unknown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.inventory.occupancy.boards import Board, boards_of, not_believed, units_of
from dcctl.inventory.occupancy.demand import is_scheduled
from dcctl.inventory.occupancy.doubt import doubted
from dcctl.inventory.occupancy.health import must_be_replaced
from dcctl.inventory.occupancy.holders import hold
from dcctl.inventory.occupancy.unavailable import out_of_service, unavailable_because

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    not_believed: Sequence[str] = ()
    """Counts of the node that are out of bounds, in words."""


def occupancy(node: Node, demand: Demand | None, common_taints: frozenset[str]) -> Occupancy:
    """The node with what is held of it. `common_taints` dedicate its pool and keep nobody out."""
    boards = boards_of(node)
    found = Occupancy(node, demand, boards or [], boards is not None, not_believed=not_believed(node))
    if not boards:
        found.unavailable = out_of_service(node)  # taints dedicate many a node without accelerators
        return found
    found.unavailable = unavailable_because(node, common_taints)
    if demand is not None:
        for board in _withheld(node, boards):
            board.state = "unavailable"
        _sort_the_rest(found, demand, hold(boards, demand))
    elif not is_scheduled(node):
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


def _sort_the_rest(found: Occupancy, demand: Demand, leftover: dict[str, int]) -> None:
    """Boards that nobody holds are unavailable or free; unknown if somebody may hold them."""
    rest = [board for board in found.boards if board.state == "unknown"]
    if not rest or not demand.complete:
        return
    if leftover:
        doubt = {id(board) for board in doubted(rest, leftover)}  # they stay unknown
        rest = [board for board in rest if id(board) not in doubt]
    for board in rest:
        board.state = "unavailable" if found.unavailable or _is_broken(board) else "free"


def _withheld(node: Node, boards: list[Board]) -> list[Board]:
    """Boards whose units the scheduler's agent knows but does not offer (a device plugin found them sick).

    It does not tell which: those that must be replaced come first, then those on which nothing runs.
    """
    if node.capacity is None or node.allocatable is None or node.capacity.devices == node.allocatable.devices:
        return []
    units: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for board in boards:
        handed_out = units_of(board)
        units.update(handed_out)
        sources.update(handed_out.keys())
    offered = node.allocatable.devices
    held_back = {name: node.capacity.devices.get(name, 0) - offered.get(name, 0) for name in units}
    count = sum(max(0, count) * sources[name] // units[name] for name, count in held_back.items())
    idlest = [board for board in reversed(boards) if not any(part.processes for part in board.parts())]
    return sorted(idlest, key=lambda board: not _is_broken(board))[:count]


def _is_broken(board: Board) -> bool:
    return board.reading is not None and must_be_replaced(board.reading)
