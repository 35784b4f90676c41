"""The boards of a node: what is counted. Slices and shares belong to a board, so none is counted twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from dcctl.assess.vendors import is_accelerator

if TYPE_CHECKING:
    from dcctl.assess.usage import Placed
    from dcctl.inventory.model import Accelerator, Node

State: TypeAlias = Literal["allocated", "free", "stranded", "unavailable", "unknown"]
"""Every board is in exactly one state. A board is allocated when any share or slice of it is held."""

_SLICES_PER_BOARD = 7
"""Compute slices of one NVIDIA board in MIG mode (NVIDIA MIG user guide, table of profiles)."""


@dataclass(slots=True)
class Board:
    """One accelerator board, and what was decided about it."""

    reading: Accelerator | None
    """The board itself; None where only a scheduler counts it, or only its slices are known."""
    resource: str
    slices: tuple[Accelerator, ...] = ()
    state: State = "unknown"
    holders: list[Placed] = field(default_factory=list)
    """One member of each workload known to hold some of it. Empty on an allocated board: somebody unknown."""
    idle: bool | None = None
    """Allocated boards: measured to be doing nothing. None: not measured."""
    faulty: bool = False
    """It has a fault that stops or endangers work."""

    def parts(self) -> tuple[Accelerator, ...]:
        """What is handed out: the slices, or the board itself."""
        if self.slices:
            return self.slices
        return () if self.reading is None else (self.reading,)

    def busy_milli(self) -> int | None:
        """Share of the last sampling period with a kernel running; None when it was not measured."""
        return _busy(self.reading, self.slices)

    def model(self) -> str | None:
        """The board's model, where a reading told it."""
        if self.reading is not None:
            return self.reading.model
        return next((part.model for part in self.slices if part.model), None)


def _busy(reading: Accelerator | None, slices: tuple[Accelerator, ...]) -> int | None:
    if reading is not None and reading.busy_milli is not None:
        return reading.busy_milli
    known = [part.busy_milli for part in slices if part.busy_milli is not None]
    if slices and len(known) == len(slices):
        return sum(known) // len(known)
    watched = slices or (() if reading is None else (reading,))
    nobody = bool(watched) and all(part.processes == () for part in watched)
    return 0 if nobody else None


def boards_of(node: Node) -> list[Board] | None:
    """The boards of one node in order of index; None when nobody looked and no scheduler counts any."""
    if node.accelerators is None:
        return _counted_by_scheduler(node)
    if all(a.kind in {"whole", "shared"} for a in node.accelerators):
        return [Board(a, a.resource) for a in node.accelerators]
    return _with_slices(node.accelerators)


def _with_slices(accelerators: tuple[Accelerator, ...]) -> list[Board]:
    """Group slices under their board, listed or not."""
    boards: dict[str, Board] = {}
    slices: dict[str, list[Accelerator]] = {}
    for position, accelerator in enumerate(accelerators):
        own = accelerator.id or f"#{position}"
        if accelerator.kind in {"whole", "shared"}:
            boards[own] = Board(accelerator, accelerator.resource)
        else:
            slices.setdefault(accelerator.parent or own, []).append(accelerator)
    for parent, parts in slices.items():
        board = boards.setdefault(parent, Board(None, parts[0].resource))
        board.slices = tuple(parts)
    return list(boards.values())


def _counted_by_scheduler(node: Node) -> list[Board] | None:
    """Boards without readings, as many as the scheduler's resource counts imply."""
    counts = node.capacity or node.allocatable
    if counts is None:
        return None
    boards = []
    for resource, count in sorted(counts.devices.items()):
        if is_accelerator(resource):
            boards += [Board(None, resource) for _ in range(_boards_behind(node, resource, count))]
    return boards


def _boards_behind(node: Node, resource: str, count: int) -> int:
    """Boards that `count` units of a resource come from: shares by the replica label of NVIDIA's feature
    discovery, MIG slices by their share of a board (at least so many).
    """
    if resource.startswith("nvidia.com/mig-"):
        width = resource.removeprefix("nvidia.com/mig-").split("g", 1)[0]
        return -(-count * int(width) // _SLICES_PER_BOARD) if width.isdigit() else count
    replicas = node.labels.get("nvidia.com/gpu.replicas", "")
    if resource.startswith("nvidia.com/gpu") and replicas.isdigit() and int(replicas) > 1:
        return -(-count // int(replicas))
    return count


def units_of(board: Board) -> dict[str, int]:
    """What the board hands out, by resource name: itself, its shares or its slices."""
    if not board.slices:
        shares = board.reading.replicas if board.reading is not None else None
        return {board.resource: shares or 1}
    units: dict[str, int] = {}
    for part in board.slices:
        units[part.resource] = units.get(part.resource, 0) + 1
    return units
