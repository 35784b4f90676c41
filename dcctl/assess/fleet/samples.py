"""The same answer as Prometheus samples. An unknown value has no sample: absent is not zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.fleet.capacity import STAGES
from dcctl.render.report import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.assess.fleet.capacity import Totals
    from dcctl.assess.fleet.details import Evidence

_STATES = ("allocated", "free", "stranded", "unavailable", "unknown")
_BASE = (
    ("cpu_milli", "dcctl_cpu_cores", 1000, "CPUs"),
    ("memory_bytes", "dcctl_memory_bytes", 1, "Memory"),
    ("storage_bytes", "dcctl_scratch_storage_bytes", 1, "Scratch storage"),
    ("pods", "dcctl_pods", 1, "Pods"),
)


def samples(evidence: Evidence, pools: list[Totals]) -> tuple[Sample, ...]:
    """Samples of every pool, and of the run itself."""
    found = [sample for totals in pools for sample in _pool(totals)]
    found += [
        Sample("dcctl_nodes", len(evidence.states), help="Nodes that are known"),
        Sample(
            "dcctl_nodes_unread",
            sum(not state.boards_known for state in evidence.states),
            help="Nodes of which nobody knows what accelerators they have",
        ),
        Sample("dcctl_conflicts", len(evidence.fleet.conflicts), help="Facts on which sources disagree"),
    ]
    for run in evidence.fleet.sources:
        labels = (("source", run.name),)
        found.append(
            Sample("dcctl_source_up", int(run.ok), labels, "Whether the source answered without a gap")
        )
        found.append(
            Sample("dcctl_source_duration_seconds", run.duration_ms / 1000, labels, "How long it took")
        )
    return tuple(sorted(found, key=lambda sample: (sample.name, sample.labels)))


def _pool(totals: Totals) -> Iterator[Sample]:
    pool = (("pool", totals.name),)
    if totals.boards_known:
        blind = totals.boards > 0 and totals.unknown == totals.boards
        for state in ("unknown",) if blind else _STATES:
            count = getattr(totals, state)
            yield Sample(
                "dcctl_accelerators", count, (*pool, ("state", state)), "Accelerator boards by state"
            )
    if totals.boards and totals.idle_known is not None:
        yield Sample("dcctl_accelerators_idle", totals.idle_known, pool, "Allocated boards that do nothing")
    ratios = (("allocated", totals.allocated_milli), ("busy", totals.busy_milli))
    for word, milli in ratios:
        if milli is not None:
            yield Sample(f"dcctl_accelerators_{word}_ratio", milli / 1000, pool, f"Share of boards {word}")
    yield from _board_sums(totals, pool)
    for dimension, name, scale, what in _BASE:
        sums = totals.dimensions[dimension]
        for stage in STAGES:
            value = getattr(sums, stage)
            if value is not None:
                yield Sample(name, value / scale if scale > 1 else value, (*pool, ("stage", stage)), what)


def _board_sums(totals: Totals, pool: tuple[tuple[str, str], ...]) -> Iterator[Sample]:
    if totals.memory_bytes is not None:
        yield Sample("dcctl_accelerator_memory_bytes", totals.memory_bytes, pool, "Memory of the boards")
    if totals.memory_used_bytes is not None:
        yield Sample("dcctl_accelerator_memory_used_bytes", totals.memory_used_bytes, pool, "Of it in use")
    if totals.power_mw is not None:
        yield Sample("dcctl_accelerator_power_watts", totals.power_mw / 1000, pool, "Drawn by the boards")
