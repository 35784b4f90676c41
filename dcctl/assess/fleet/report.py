"""The answer of `dcctl assess`: one headline, one table, the evidence, and what to type next."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from dcctl.assess.fleet import columns as c
from dcctl.assess.fleet.bottleneck import first_limit, running_limit
from dcctl.assess.fleet.capacity import STAGES, By, Totals, group, merged, total
from dcctl.assess.fleet.details import Evidence, tables
from dcctl.assess.fleet.headroom import rooms
from dcctl.assess.fleet.idle import Rule, idle_holders
from dcctl.assess.fleet.judge import judge_fleet
from dcctl.assess.fleet.machine import surroundings
from dcctl.assess.fleet.notes import headline, notes
from dcctl.assess.fleet.nouns import NOUNS, noun_of
from dcctl.assess.fleet.picture import heat_map
from dcctl.assess.fleet.samples import samples
from dcctl.assess.fleet.stranded import DIMENSIONS
from dcctl.assess.fleet.tally import sum_known
from dcctl.assess.fleet.workloads import holdings, rows
from dcctl.inventory.occupancy.demand import waiting
from dcctl.packing.headroom import headroom, together
from dcctl.render.report import Cell, Report, Shape, Table

if TYPE_CHECKING:
    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.inventory.model import Fleet
    from dcctl.packing.headroom import Headroom
    from dcctl.render.report import Note, Severity

SHAPE = Shape(
    kind="assess",
    description="Capacity, use, idle and stranded accelerators, the first limit and headroom of a fleet",
    items=c.columns("pool", "GPU", 8, boards=True),
    details=(
        ("idle", c.IDLE),
        ("stranded", c.STRANDED),
        ("unavailable", c.UNAVAILABLE),
        ("faults", c.FAULTS),
        ("conflicts", c.CONFLICTS),
        ("waiting", c.WAITING),
        ("devices", c.DEVICES),
    ),
    summary=c.SUMMARY,
)
WORKLOADS = Shape(
    kind="assess-workloads",
    description="What each workload asks for and holds, and how busy that is",
    items=c.WORKLOADS,
    details=SHAPE.details,
    summary=c.SUMMARY,
)
SHAPES = (SHAPE, WORKLOADS)


class Options(Struct, frozen=True):
    """What a person can choose."""

    by: By = "pool"
    job_size: int = 8
    """Accelerators of the job that headroom counts."""
    idle_busy_milli: int = 50
    """A held accelerator at or below this is idle …"""
    idle_after_s: int = 3600
    """… once its holder has run for so long."""
    whole_map: bool = False
    """Draw the heat map whatever its size."""


def shape_of(options: Options) -> Shape:
    """The form of the answer to these options. A column has every heading that a fleet may give it."""
    if options.by == "workload":
        return WORKLOADS
    headings = chain.from_iterable(
        c.columns(options.by, noun, options.job_size, boards=True) for noun in NOUNS
    )
    return replace(SHAPE, items=tuple(dict.fromkeys(headings)))


def report(fleet: Fleet, options: Options, now_s: int, whole: Fleet | None = None) -> Report:
    """The whole answer about a fleet, as of the moment it was taken; `now_s` (Unix time) where it tells none.

    `whole` is what the fleet was selected from: what is usual in a pool is learned from all of its nodes. The
    same fleet and options give the same report.
    """
    asked_s, now_s = now_s, now_s if fleet.taken_at_s is None else fleet.taken_at_s
    rule = Rule(options.idle_busy_milli, options.idle_after_s)
    states = judge_fleet(fleet, rule, now_s, whole)
    of_work = options.by == "workload"
    everything = whole or fleet
    groups = group(states, "pool" if of_work else options.by, everything.nodes)
    for one in groups:
        one.headroom = room_for(one, options.job_size, one.name if options.by in _BY_POOL else None)
    sums = _whole(fleet.name, states, groups, options)
    holders = idle_holders(states, now_s)
    listed = frozenset([node.name for node in everything.nodes])
    evidence = Evidence(fleet, states, sums, holders, waiting(fleet.workloads), listed)
    details = tables(evidence)
    told = notes(evidence, options.idle_after_s)
    return Report(
        kind=(WORKLOADS if of_work else SHAPE).kind,
        headline=headline(evidence, asked_s),
        items=_work_table(fleet, states, now_s) if of_work else _main_table(groups, sums, options),
        details=details,
        summary=_summary(evidence, options),
        maps=heat_map(fleet, states, "" if options.whole_map else "dcctl assess --map"),
        notes=told,
        samples=samples(evidence, groups if of_work or options.by == "pool" else group(states, "pool")),
        gaps=fleet.gaps,
        name_key="workload" if of_work else "nodes",
        level=_level(told, details),
    )


_BY_POOL = frozenset(("pool", "workload"))
"""Ways to group by pool, out of which no job reaches."""


def _whole(name: str, states: list[NodeState], groups: list[Totals], options: Options) -> Totals:
    """The fleet's sums; from the groups, unless a node is in several of them."""
    disjoint = sum(len(one.states) for one in groups) == len(states)
    whole = merged(name, groups) if disjoint else total(name, states)
    if disjoint and options.by in _BY_POOL:
        known = [one.headroom for one in groups if one.headroom is not None]
        whole.headroom = together(known) if known else None
    else:
        whole.headroom = room_for(whole, options.job_size)
    return whole


def _level(told: tuple[Note, ...], details: tuple[Table, ...]) -> Severity:
    """The worst finding: what --fail-on is compared with. That something was not read is no finding."""
    found: set[str] = {note.severity for note in told}
    found |= {str(row[0]) for table in details if table.name == "faults" for row in table.rows}
    found |= {"warn" for table in details if table.name == "conflicts"}
    worst: tuple[Severity, ...] = ("crit", "warn")
    return next((level for level in worst if level in found), "ok")


_WHEN_NEEDED = ("stranded", "unavailable", "unknown", "running_limit")
"""Columns of a table on a terminal only when some row has something in them."""


def _main_table(groups: list[Totals], whole: Totals, options: Options) -> Table:
    noun = common_noun(whole)
    shown = c.columns(options.by, noun, options.job_size, boards=whole.boards > 0)
    cells = [_cells(totals, options) for totals in groups]
    lines = tuple(tuple(row[column.key] for column in shown) for row in cells)
    needed = {key for key in _WHEN_NEEDED if any(row[key] for row in cells)}
    if any(totals.name for totals in groups):
        needed.add("name")
    hidden = {"name", *_WHEN_NEEDED} - needed
    shown = tuple(replace(column, wide=column.wide or column.key in hidden) for column in shown)
    return Table("items", shown, lines, fold=options.by == "node")


def _work_table(fleet: Fleet, states: list[NodeState], now_s: int) -> Table:
    return Table("items", c.WORKLOADS, rows(holdings(fleet.workloads, states), now_s), fold=False)


def common_noun(whole: Totals) -> str:
    """`GPU` unless most boards are called otherwise."""
    best = max(whole.resources.items(), key=lambda pair: (pair[1], pair[0]), default=("nvidia.com/gpu", 0))
    return noun_of(best[0])


def _cells(totals: Totals, options: Options) -> dict[str, Cell]:
    known = totals.boards_known
    around = surroundings(totals.states)
    cells: dict[str, Cell] = {
        "name": totals.name or "(none)",
        "nodes": tuple(state.node.name for state in totals.states),
        "node_count": len(totals.states),
        "accelerators": totals.boards if known else None,
        "allocated": _sure(totals, totals.allocated),
        "allocated_share_milli": totals.allocated_milli,
        "busy_milli": totals.busy_milli,
        "idle": totals.idle_known if known else None,
        "stranded": _sure(totals, totals.stranded),
        "unavailable": _sure(totals, totals.unavailable),
        "free": _sure(totals, totals.free),
        "first_limit": first_limit(totals) or None,
        "more_jobs": totals.more_jobs,
        "next_stop": totals.next_stop,
        "running_limit": running_limit(totals) or None,
        "unknown": totals.unknown if known else None,
        "busy_measured": totals.busy_measured,
        "ready_nodes": sum_known([_ready(state) for state in totals.states]),
        "accelerator_memory_bytes": totals.memory_bytes,
        "accelerator_memory_used_bytes": totals.memory_used_bytes,
        "accelerator_power_mw": totals.power_mw,
        "node_power_mw": totals.node_power_mw,
        "disk_capacity_bytes": around.disk_capacity,
        "disk_free_bytes": around.disk_free,
        "network_bps": around.network_bps,
        "cpu_pressure_milli": around.cpu_pressure,
        "memory_pressure_milli": around.memory_pressure,
        "io_pressure_milli": around.io_pressure,
    }
    for dimension in DIMENSIONS:
        sums = totals.dimensions[dimension]
        key, _, unit = dimension.partition("_")
        for stage in STAGES:
            cells["_".join(filter(None, (key, stage, unit)))] = getattr(sums, stage)
    return cells


def _ready(state: NodeState) -> int | None:
    return None if state.node.ready is None else int(state.node.ready)


def _sure(totals: Totals, count: int) -> int | None:
    """A count of boards, or None where nothing is known about any of them."""
    if not totals.boards_known or (totals.boards and totals.unknown == totals.boards):
        return None
    return count


def room_for(totals: Totals, job_size: int, pool: str | None = None) -> Headroom | None:
    """How many more jobs of that size fit on these nodes; None where nobody knows who holds the boards.

    `pool` is the one that all of them are in; without it each counts in its first.
    """
    if not totals.boards or totals.unknown == totals.boards:
        return None
    found = chain.from_iterable(rooms(state, pool) for state in totals.states)
    return headroom(found, job_size)


def _summary(evidence: Evidence, options: Options) -> dict[str, Cell | dict[str, Cell]]:
    whole = evidence.whole
    powers = [one.power_mw for one in evidence.idle if one.power_mw is not None]
    return {
        "nodes": len(evidence.states),
        "sites": len({state.node.site for state in evidence.states if state.node.site}),
        "accelerators": whole.boards if whole.boards_known else None,
        "nodes_unread": sum(not state.boards_known for state in evidence.states),
        "allocated": _sure(whole, whole.allocated),
        "free": _sure(whole, whole.free),
        "stranded": _sure(whole, whole.stranded),
        "unavailable": _sure(whole, whole.unavailable),
        "unknown": whole.unknown if whole.boards_known else None,
        "idle": whole.idle_known if whole.boards_known else None,
        "idle_power_mw": sum(powers) if powers else None,
        "busy_milli": whole.busy_milli,
        "busy_measured": whole.busy_measured,
        "allocated_share_milli": whole.allocated_milli,
        "more_jobs": whole.more_jobs,
        "next_stop": whole.next_stop,
        "job_size": options.job_size,
        "waiting_accelerators": _waiting_accelerators(evidence),
        "cpu_capacity_milli": whole.dimensions["cpu_milli"].capacity,
        "cpu_free_milli": whole.dimensions["cpu_milli"].free,
        "memory_capacity_bytes": whole.dimensions["memory_bytes"].capacity,
        "memory_free_bytes": whole.dimensions["memory_bytes"].free,
    }


def _waiting_accelerators(evidence: Evidence) -> int | None:
    asked = [one.accelerators for one in evidence.waiting]
    return None if None in asked else sum(count for count in asked if count is not None)
