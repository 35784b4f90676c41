"""What schedulers hand out, by resource name and model: whole boards, shares and slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from dcctl.inventory.occupancy.boards import units_of

if TYPE_CHECKING:
    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.render.report import Row


_Key: TypeAlias = tuple[str, str, str]
"""Resource name, model, kind."""


class _Line(Struct):
    boards: int = 0
    units: int = 0
    requested: int | None = 0


def device_rows(states: list[NodeState]) -> list[Row]:
    """One row per resource name, model and kind; a board with slices of two profiles is in both rows."""
    lines: dict[_Key, _Line] = {}
    for state in states:
        keys = _count_boards(state, lines)
        for resource, key in keys.items():
            line = lines[key]
            asked = _asked(state, resource)
            line.requested = None if asked is None or line.requested is None else line.requested + asked
    return [_row(key, line) for key, line in sorted(lines.items())]


def _count_boards(state: NodeState, lines: dict[_Key, _Line]) -> dict[str, _Key]:
    """Add the node's boards; returns the row in which each resource of the node is requested."""
    keys: dict[str, _Key] = {}
    for (resource, model, kind, units), count in state.tally.kinds.items():
        key = (resource, model, kind)
        line = lines.get(key) or lines.setdefault(key, _Line())
        line.boards += count
        line.units += units * count
        keys.setdefault(resource, key)
    return keys


def _asked(state: NodeState, resource: str) -> int | None:
    if state.count("unknown"):
        return None
    if state.by_processes:
        return sum(1 for board in state.boards if board.state == "allocated" and resource in units_of(board))
    if state.demand is None or not state.demand.complete:
        return None
    return state.demand.devices.get(resource, 0)


def _row(key: _Key, line: _Line) -> Row:
    resource, model, kind = key
    free = None if line.requested is None else max(0, line.units - line.requested)
    return (resource, model or None, kind, line.boards, line.units, line.requested, free)
