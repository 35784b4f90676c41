"""The evidence below the main table, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.assess.fleet import columns as c
from dcctl.assess.fleet.devices import device_rows
from dcctl.assess.fleet.faults import COUNTS, Fault, find_faults
from dcctl.assess.fleet.shortages import Stuck, stuck
from dcctl.inventory.occupancy.unavailable import out_of_service
from dcctl.render.report import Cell, Column, Row, Table

if TYPE_CHECKING:
    from dcctl.assess.fleet.capacity import Totals
    from dcctl.assess.fleet.idle import IdleHolder
    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.inventory.model import Conflict, Fleet
    from dcctl.inventory.occupancy.demand import Waiting

_SHOWN_DEVICES = 3


class Evidence(Struct):
    """All that was decided, before it is put into words."""

    fleet: Fleet
    states: list[NodeState]
    whole: Totals
    idle: list[IdleHolder]
    waiting: tuple[Waiting, ...]
    listed: frozenset[str] = frozenset()
    """Names of all nodes that sources list, chosen or not."""
    faults: list[Fault] = []
    stuck: list[Stuck] = []

    def __post_init__(self) -> None:
        """Look for what is wrong once, for tables, notes and picture alike."""
        self.faults = find_faults(self.states)
        self.stuck = stuck(self.states)


def tables(evidence: Evidence) -> tuple[Table, ...]:
    """The detail tables that have rows."""
    made = (
        _table("idle", "held but doing nothing", c.IDLE, [_idle(one) for one in evidence.idle]),
        _table(
            "stranded",
            "free, but their node lacks something else",
            c.STRANDED,
            [_stuck(one) for one in evidence.stuck],
        ),
        _table("unavailable", "out of service", c.UNAVAILABLE, _unavailable(evidence.states)),
        _table("faults", "faults", c.FAULTS, [_fault(one) for one in evidence.faults]),
        _table("conflicts", "sources disagree", c.CONFLICTS, [_conflict(one) for one in conflicts(evidence)]),
        _table("waiting", "waiting for room", c.WAITING, [_waiting(one) for one in evidence.waiting]),
        _table("devices", "what schedulers hand out", c.DEVICES, device_rows(evidence.states)),
    )
    return tuple(table for table in made if table.rows)


def _table(name: str, title: str, columns: tuple[Column, ...], rows: list[Row]) -> Table:
    return Table(name, columns, tuple(rows), title=title, fold=False)


def _idle(one: IdleHolder) -> Row:
    who = one.who or "(unknown)"
    return (
        who,
        one.owner,
        one.kind or None,
        one.boards,
        one.model or None,
        tuple(one.nodes),
        one.held_s,
        one.power_mw,
    )


def _stuck(one: Stuck) -> Row:
    return (tuple(one.nodes), one.boards, one.cause, one.held_by, one.cure or None)


def states_out_of_service(states: list[NodeState]) -> list[NodeState]:
    """Nodes that take no work, or on which boards are unavailable."""
    return [state for state in states if state.count("unavailable") or out_of_service(state.node)]


def _unavailable(states: list[NodeState]) -> list[Row]:
    groups: dict[str, list[NodeState]] = {}
    for state in states_out_of_service(states):
        groups.setdefault(state.unavailable or "withheld by its agent, or to be replaced", []).append(state)
    rows: list[tuple[int, Row]] = []
    for reason, members in groups.items():
        boards = sum(state.count("unavailable") for state in members)
        rows.append((boards, (tuple(state.node.name for state in members), boards, reason)))
    return [row for _, row in sorted(rows, key=lambda pair: (-pair[0], str(pair[1][2])))]


def _fault(one: Fault) -> Row:
    more = len(one.devices) - _SHOWN_DEVICES
    detail = ", ".join(one.devices[:_SHOWN_DEVICES]) + (f" and {more} more" if more > 0 else "")
    return (one.severity, one.fault, tuple(one.nodes), len(one.devices), detail)


def conflicts(evidence: Evidence) -> list[Conflict]:
    """All on which sources disagree but the count of boards: that is among the faults."""
    counted = _miscounted(evidence.faults)
    return [
        one for one in evidence.fleet.conflicts if one.subject not in counted or one.fact != "accelerators"
    ]


def _conflict(one: Conflict) -> Row:
    return (one.subject, one.fact, tuple(f"{source}: {value}" for source, value in one.values))


def _miscounted(faults: list[Fault]) -> frozenset[str]:
    return frozenset(name for fault in faults if fault.fault == COUNTS for name in fault.nodes)


def _waiting(one: Waiting) -> Row:
    cells: tuple[Cell, ...] = (one.workload.id, one.workload.owner, one.members, one.accelerators)
    return (*cells, one.cpu_milli, one.memory_bytes)
