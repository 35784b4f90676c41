"""Reports about the inventory itself: its nodes, its sources, what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.occupancy.boards import count_boards
from dcctl.inventory.states import state_of
from dcctl.render.report import Column, Note, Report, Row, Shape, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.diff import Change
    from dcctl.inventory.model import Conflict, Fleet, Node

_NODES = (
    Column("node", "NODES", "nodes", keep=9),
    Column("site", "SITE", keep=5),
    Column("rack", "RACK", keep=4),
    Column("pools", "POOLS", keep=5),
    Column("state", "STATE", "state", keep=7),
    Column("cpu_milli", "CPUS", "milli", keep=6),
    Column("memory_bytes", "MEMORY", "memory", keep=6),
    Column("accelerators", "ACCELERATORS", "count", keep=8),
    Column("model", "MODEL", keep=7),
    Column("kernel", "KERNEL", wide=True),
    Column("driver", "DRIVER", wide=True),
    Column("address", "ADDRESS", wide=True),
    Column("system_uuid", "SYSTEM UUID", wide=True),
    Column("provider_id", "PROVIDER ID", wide=True),
    Column("sources", "SOURCES", keep=3),
)
_SOURCES = (
    Column("source", "SOURCE", keep=9),
    Column("kind", "KIND", keep=6),
    Column("state", "STATE", "state", keep=8),
    Column("nodes", "NODES", "count", keep=7),
    Column("gaps", "GAPS", "count", keep=7),
    Column("duration_ms", "TOOK", "duration_ms", keep=5),
)
_CHANGES = (
    Column("change", "CHANGE", "state", keep=8),
    Column("subject", "SUBJECT", keep=9),
    Column("fact", "FACT", keep=7),
    Column("old", "OLD", keep=6),
    Column("new", "NEW", keep=6),
)
_CONFLICTS = (
    Column("subject", "SUBJECT", keep=9),
    Column("fact", "FACT", keep=8),
    Column("values", "SAID", keep=7),
)

NODES = Shape("inventory", "The nodes that exist.", _NODES, (("conflicts", _CONFLICTS),))
SOURCES = Shape("inventory-sources", "How each source fared.", _SOURCES)
DIFF = Shape("inventory-diff", "What changed between two inventories.", _CHANGES)
SHAPES = (NODES, SOURCES, DIFF)


def nodes_report(fleet: Fleet) -> Report:
    """One row per node."""
    conflicts = tuple((c.subject, c.fact, _said(c)) for c in fleet.conflicts)
    counts = [count_boards(node) for node in fleet.nodes]
    known = [count for count in counts if count is not None]
    return Report(
        kind=NODES.kind,
        headline=_counts(fleet, sum(known) if known else None, counts.count(None)),
        items=Table("items", _NODES, tuple(map(_node_row, fleet.nodes, counts))),
        details=(Table("conflicts", _CONFLICTS, conflicts, "SOURCES DISAGREE"),) if conflicts else (),
        notes=_disagreements(len(conflicts)),
        gaps=fleet.gaps,
        level="warn" if conflicts else "ok",
    )


def _disagreements(count: int) -> tuple[Note, ...]:
    if not count:
        return ()
    text = "sources disagree on 1 fact" if count == 1 else f"sources disagree on {count:,} facts"
    return (Note("conflicts", text, "warn", "", "conflicts"),)


def _counts(fleet: Fleet, accelerators: int | None, blind: int) -> str:
    nodes = len(fleet.nodes)
    boards = "accelerators unknown" if accelerators is None else f"{accelerators:,} accelerators"
    if blind and accelerators is not None:
        boards += f", unknown on {blind:,} node{'' if blind == 1 else 's'}"
    parts = [fleet.name, f"{nodes:,} node{'' if nodes == 1 else 's'}", boards]
    return "  ".join(part for part in parts if part)


def _node_row(node: Node, boards: int | None) -> Row:
    system = node.system
    capacity = node.capacity
    return (
        node.name,
        node.site,
        node.rack,
        node.pools,
        state_of(node),
        capacity.cpu_milli if capacity else None,
        capacity.memory_bytes if capacity else None,
        boards,
        ", ".join(sorted({board.model for board in node.accelerators or () if board.model})) or None,
        system.kernel if system else None,
        system.driver if system else None,
        node.address,
        node.system_uuid,
        node.provider_id,
        node.sources,
    )


def _said(conflict: Conflict) -> tuple[str, ...]:
    return tuple(f"{source}: {value}" for source, value in conflict.values)


def sources_report(fleet: Fleet) -> Report:
    """One row per source that was asked."""
    rows = tuple(
        (run.name, run.kind, "ok" if run.ok else "gaps", run.items, run.gaps, run.duration_ms)
        for run in fleet.sources
    )
    silent = sum(not run.ok for run in fleet.sources)
    count = f"{len(rows)} source{'' if len(rows) == 1 else 's'}"
    return Report(
        kind=SOURCES.kind,
        headline=f"{count}, {silent} with gaps" if silent else f"{count}, all answered in full",
        items=Table("items", _SOURCES, rows, fold=False),
        gaps=fleet.gaps,
        name_key="source",
    )


def diff_report(changes: Sequence[Change], old: Fleet, new: Fleet) -> Report:
    """One row per change. Any change is a finding."""
    rows = tuple((c.kind, c.subject, c.path, c.old, c.new) for c in changes)
    return Report(
        kind=DIFF.kind,
        headline=f"{len(rows):,} change{'' if len(rows) == 1 else 's'}" if rows else "nothing changed",
        items=Table("items", _CHANGES, rows, fold=False),
        gaps=(*old.gaps, *new.gaps),
        name_key="subject",
        level="crit" if rows else "ok",
    )


def document_report(kind: str, fleet: Fleet, text: str, form: str) -> Report:
    """Text in the output format `form` that is the answer, with the gaps of the fleet it was made from."""
    missing = f"{len(fleet.gaps):,} answer{'' if len(fleet.gaps) == 1 else 's'} missing from it"
    notes = (Note("gaps", missing),) if fleet.gaps else ()
    return Report(
        kind=kind,
        headline="",
        items=Table("items", (), ()),
        documents=(text,),
        document_format=form,
        notes=notes,
        gaps=fleet.gaps,
    )
