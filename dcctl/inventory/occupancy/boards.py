"""The boards of a node: what is counted. Slices and shares belong to a board, so none is counted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from dcctl.inventory.counted import MOST_DEVICES, counted, disputed
from dcctl.inventory.occupancy.demand import is_scheduled
from dcctl.inventory.occupancy.resources import is_accelerator
from dcctl.inventory.occupancy.slices import bounded
from dcctl.inventory.vendors import device, per_board

if TYPE_CHECKING:
    from dcctl.inventory.model import Accelerator, Node
    from dcctl.inventory.occupancy.demand import Placed

State: TypeAlias = Literal["allocated", "free", "stranded", "unavailable", "unknown"]
"""Every board is in exactly one state. A board is allocated when any share or slice of it is held."""

MOST_SHARES = 1024
"""Of one board."""


class Board(Struct, gc=False):
    """One accelerator board, and what was decided about it. Of 100,000 the garbage collector knows none."""

    reading: Accelerator | None
    """The board itself; None where only a scheduler counts it, or only its slices are known."""
    resource: str
    shares: int = 1
    """How many times it is handed out, unless it is cut into slices."""
    slices: tuple[Accelerator, ...] = ()
    state: State = "unknown"
    holders: tuple[Placed, ...] = ()
    """One member of each workload known to hold some of it. Empty on an allocated board: somebody unknown."""
    held_since_s: int | None = None
    """Unix time when the youngest of those who hold it, or may hold it, started; None: not known."""
    idle: bool | None = None
    """Allocated boards: measured to be doing nothing. None: not measured."""

    def parts(self) -> tuple[Accelerator, ...]:
        """What is handed out: the slices, or the board itself."""
        if self.slices:
            return self.slices
        return () if self.reading is None else (self.reading,)

    def busy_milli(self) -> int | None:
        """Share of the last sampling period with a kernel running; None when it was not measured.

        Of slices that tell it, the mean; NVML tells none for a board in MIG mode.
        """
        reading = self.reading
        if reading is not None and reading.busy_milli is not None:
            return reading.busy_milli
        if not self.slices:
            return None
        known = [part.busy_milli for part in self.slices if part.busy_milli is not None]
        return sum(known) // len(known) if known and len(known) == len(self.slices) else None

    def unused(self) -> bool:
        """Whether it is known that no process uses any part of it."""
        parts = self.parts()
        return bool(parts) and all(part.processes == () for part in parts)

    def whole(self) -> bool:
        """Whether it is handed out as one: neither cut nor shared."""
        return not self.slices and self.shares == 1

    def model(self) -> str | None:
        """The board's model, where a reading told it."""
        if self.reading is not None:
            return self.reading.model
        return next((part.model for part in self.slices if part.model), None)


def boards_of(node: Node) -> list[Board] | None:
    """The boards of one node in order of index.

    None when nobody looked and no scheduler counts any, or when no count that there is can be believed.
    """
    if not node.accelerators:
        found = _counted_by_scheduler(node) if node.accelerators is None else []
        return found or (None if found is None or _hidden(node) else [])
    for accelerator in node.accelerators:
        if accelerator.kind != "whole" or accelerator.replicas is not None:
            break
    else:  # most nodes
        return [Board(accelerator, accelerator.resource) for accelerator in node.accelerators]
    if any(not _believable(accelerator.replicas) for accelerator in node.accelerators):
        return boards_of(_with_believable_shares(node, node.accelerators))
    return bounded(_with_slices(node.accelerators), node.labels)


def count_boards(node: Node) -> int | None:
    """How many boards a node has, at least; None where `boards_of` says None."""
    boards = boards_of(node)
    return None if boards is None else len(boards)


def _believable(shares: int | None) -> bool:
    return shares is None or 0 < shares <= MOST_SHARES


def _with_believable_shares(node: Node, accelerators: tuple[Accelerator, ...]) -> Node:
    """The same node, with the number of shares unknown where it is out of bounds."""
    known = (one if _believable(one.replicas) else replace(one, replicas=None) for one in accelerators)
    return replace(node, accelerators=tuple(known))


def not_believed(node: Node) -> list[str]:
    """Counts of the node that are out of bounds, in words; nothing is derived from them."""
    told = [f"{count:,} {resource}" for resource, count in _hidden(node)]
    shares = {one.replicas for one in node.accelerators or () if one.replicas is not None}
    return told + [f"{count:,} shares of a board" for count in sorted(shares) if not _believable(count)]


def _hidden(node: Node) -> list[tuple[str, int]]:
    """Resources of which the scheduler counts less than none, or what the node cannot have."""
    counts = node.capacity or node.allocatable
    if counts is None or not counts.devices:
        return []
    found = [pair for pair in counts.devices.items() if not 0 <= pair[1] <= MOST_DEVICES]
    found += disputed(counts.devices, node.labels).items()
    return sorted(pair for pair in found if is_accelerator(pair[0]))


def _with_slices(accelerators: tuple[Accelerator, ...]) -> list[Board]:
    """Group slices under their board, listed or not; slices that name none fill boards of their own.

    A board that is listed without its id may be the one that slices name: no more boards are made up then.
    """
    boards: dict[str, Board] = {}
    slices: dict[str, list[Accelerator]] = {}
    orphans: dict[str, list[Accelerator]] = {}
    for position, accelerator in enumerate(accelerators):
        if accelerator.kind in {"whole", "shared"}:
            boards[accelerator.id or f"#{position}"] = Board(
                accelerator, accelerator.resource, accelerator.replicas or 1
            )
        elif accelerator.parent is not None:
            slices.setdefault(accelerator.parent, []).append(accelerator)
        else:
            orphans.setdefault(accelerator.resource, []).append(accelerator)
    nameless = [board for board in boards.values() if board.reading is not None and board.reading.id is None]
    for parent, parts in slices.items():
        board = boards.get(parent) or _nameless(nameless, parts[0].vendor)
        if board is None:
            board = boards[parent] = Board(None, parts[0].resource)
        board.slices += tuple(parts)
    return [*boards.values(), *(board for parts in orphans.values() for board in _packed(parts))]


def _nameless(boards: list[Board], vendor: str) -> Board | None:
    """One of the vendor's boards without an id, the least cut one; nobody can tell which it is."""
    own = [board for board in boards if board.reading is not None and board.reading.vendor == vendor]
    return min(own, key=lambda board: len(board.slices), default=None)


def _packed(parts: list[Accelerator]) -> list[Board]:
    """As many slices on each board as fit one: a lower bound of the boards that there are."""
    each = per_board(parts[0].resource, parts[0].profile) or 1
    groups = (tuple(parts[at : at + each]) for at in range(0, len(parts), each))
    return [Board(None, group[0].resource, slices=group) for group in groups]


def _counted_by_scheduler(node: Node) -> list[Board] | None:
    """Boards without readings, as many as the scheduler's resource counts imply, at least.

    None: it counts none, and there is no scheduler that would, or others see some.
    """
    counts = node.capacity or node.allocatable
    if counts is None:
        return None
    boards: list[Board] = []
    believed = {name: count for name, count in counts.devices.items() if count <= MOST_DEVICES}
    for row in counted(believed, node.labels):
        boards += [Board(None, row.resource) for _ in range(-(-row.devices // (row.per_board or 1)))]
    for resource, count in sorted(believed.items()):
        if device(resource) is None and is_accelerator(resource):  # a batch scheduler's name for any of them
            boards += [Board(None, resource) for _ in range(count)]
    if not boards and (not is_scheduled(node) or any(node.accelerator_counts.values())):
        return None
    return boards


def units_of(board: Board) -> dict[str, int]:
    """What the board hands out, by resource name: itself, its shares or its slices."""
    if not board.slices:
        return {board.resource: board.shares}
    units: dict[str, int] = {}
    for part in board.slices:
        units[part.resource] = units.get(part.resource, 0) + (part.replicas or 1)
    return units


def count_units(board: Board) -> int:
    """How many units the board hands out, of whatever resource."""
    if not board.slices:
        return board.shares
    return sum(part.replicas or 1 for part in board.slices)
