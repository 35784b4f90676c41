"""Accelerators that are held and do nothing, with who holds them, for how long, and what they burn.

One reading says what a board does now, not what it did. So a board counts as idle when it is measured at or
below the threshold now *and* its holder has had at least `after_s` to start working.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.inventory.occupancy.boards import Board


class Rule(Struct, frozen=True):
    """When a held board counts as idle."""

    busy_milli: int = 50
    """At or below this share of time with a kernel running."""
    after_s: int = 3600
    """Not before its holder has run for so long."""


class IdleHolder(Struct):
    """The idle boards of one holder."""

    who: str
    """Workload id, or the process where no scheduler knows the work; empty: unknown."""
    owner: str | None
    kind: str
    model: str
    source: str | None = None
    boards: int = 0
    nodes: list[str] = []
    held_s: int | None = None
    """The shortest time that any of its idle boards has been held; None where no start is known."""
    power_mw: int | None = None
    """Drawn now by those of its idle boards that have a reading."""


def mark_idle(boards: Iterable[Board], rule: Rule, now_s: int) -> None:
    """Set `idle` on every allocated board: True, False, or None where nothing was measured."""
    most = rule.busy_milli
    for board in boards:
        if board.state == "allocated":
            busy = board.busy_milli()
            if busy is not None and busy > most:
                board.idle = False
            elif busy is not None or board.unused():
                board.idle = board.held_since_s is None or now_s - board.held_since_s >= rule.after_s


def idle_holders(states: Iterable[NodeState], now_s: int) -> list[IdleHolder]:
    """Who holds idle boards, most boards first, then by name. Of several holders the first."""
    found: dict[tuple[str | None, str, str, str], IdleHolder] = {}
    for state in states:
        for board in state.boards if state.tally.idle else ():
            if board.idle:
                holder = _holder(board)
                key = (holder.source, holder.kind, holder.who, holder.model)
                _add(found.setdefault(key, holder), state.node.name, board, now_s)
    return sorted(found.values(), key=lambda one: (-one.boards, one.who, one.model))


def _holder(board: Board) -> IdleHolder:
    model = board.model() or ""
    if board.holders:
        workload = min((one.workload for one in board.holders), key=lambda w: w.id)
        return IdleHolder(workload.id, workload.owner, workload.kind, model, workload.source)
    for part in board.parts():
        for process in part.processes or ():
            return IdleHolder(f"{process.name or 'process'}[{process.pid}]", process.user, "process", model)
    return IdleHolder("", None, "", model)


def _add(holder: IdleHolder, node: str, board: Board, now_s: int) -> None:
    holder.boards += 1
    if not holder.nodes or holder.nodes[-1] != node:
        holder.nodes.append(node)
    if board.held_since_s is not None:
        age_s = max(0, now_s - board.held_since_s)
        holder.held_s = age_s if holder.held_s is None else min(holder.held_s, age_s)
    power = board.reading.power_mw if board.reading is not None else None
    if power is not None:
        holder.power_mw = (holder.power_mw or 0) + power
