"""The answers of `schedule` as Prometheus samples. An unknown value has no sample: absent is not zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.render.report import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dcctl.render.report import Cell, Report, Table


class _Told(NamedTuple):
    """A field of a report as a sample."""

    key: str
    name: str
    """Ends in its base unit."""
    help: str
    each: float = 1
    """Of the field's unit in one of the sample's."""
    labels: tuple[tuple[str, str], ...] = ()


def _by_state(name: str, text: str, each: float, **keys: str) -> tuple[_Told, ...]:
    return tuple(_Told(key, name, text, each, (("state", state),)) for state, key in keys.items())


_BOARDS = {"held": "held_gpu_milli", "free": "free_gpu_milli", "out_of_service": "out_gpu_milli"}
_ACCELERATORS = _by_state(
    "dcctl_schedule_accelerators",
    "Accelerator boards by state, with shares and slices as parts",
    1000,
    **_BOARDS,
)
_SUMMARY: Mapping[str, tuple[_Told, ...]] = {
    "schedule-plan": (
        _Told("jobs", "dcctl_plan_workloads", "Workloads that were asked for"),
        _Told("fits", "dcctl_plan_workloads_fitting", "Workloads of which every member has a place"),
        _Told("members", "dcctl_plan_members", "Members that were asked for"),
        _Told("placed", "dcctl_plan_members_placed", "Members that have a place"),
        _Told("pushed_out", "dcctl_plan_members_pushed_out", "Members that make room for others"),
        _Told("held_after_gpu_milli", "dcctl_plan_accelerators_held", "Boards held after the plan", 1000),
        _Told("gap_gpu_milli", "dcctl_plan_gap_accelerators", "How far the plan is from its bound", 1000),
        _Told(
            "energy_mj", "dcctl_plan_energy_joules", "Energy of the plan at the limits of its boards", 1000
        ),
        _Told("cost_milli", "dcctl_plan_cost", "Cost of the plan in the currency of its prices", 1000),
        _Told("carbon_mg", "dcctl_plan_carbon_grams", "CO2 of the plan", 1000),
        *_ACCELERATORS,
    ),
    "schedule-status": (
        _Told("waiting", "dcctl_schedule_workloads_waiting", "Workloads that wait"),
        _Told("fits", "dcctl_schedule_workloads_fitting", "Of those, how many would fit now, all together"),
        _Told("whole_nodes", "dcctl_schedule_nodes_free", "Nodes of which every accelerator is free"),
        _Told("unfinished", "dcctl_schedule_runs_unfinished", "Changes that began and did not finish"),
        *_ACCELERATORS,
    ),
    "schedule-whatif": (
        _Told("stopped", "dcctl_whatif_workloads_stopped", "Workloads that stop"),
        _Told("homeless", "dcctl_whatif_members_without_room", "Members that stop and find no room"),
        _Told("gone", "dcctl_whatif_members_gone", "Members that go with their node"),
        _Told("nodes_lost", "dcctl_whatif_nodes_lost", "Nodes that are lost"),
        _Told("nodes_added", "dcctl_whatif_nodes_added", "Nodes that are added"),
        *_by_state(
            "dcctl_whatif_members_fitting",
            "Waiting members that fit",
            1,
            before="waiting_before",
            after="waiting_after",
        ),
    ),
    "schedule-defrag": (
        _Told("moves", "dcctl_defrag_moves", "Members that move"),
        _Told("stuck", "dcctl_defrag_nodes_stuck", "Nodes in use on which somebody may not move"),
        *_by_state(
            "dcctl_defrag_nodes_free", "Wholly free nodes", 1, before="free_before", after="free_after"
        ),
    ),
    "schedule-shares": (
        _Told("models", "dcctl_shares_models", "Models and jobs that want something"),
        _Told("whole", "dcctl_shares_models_whole", "Those that get all that they want"),
        _Told("cost_milli", "dcctl_shares_cost", "Cost a year of all that is wanted, in its currency", 1000),
    ),
}
_ROWS: Mapping[tuple[str, str], tuple[tuple[str, ...], tuple[_Told, ...]]] = {
    ("schedule-status", "items"): (
        ("job", "state"),
        (_Told("members", "dcctl_schedule_members_waiting", "Members that wait, by workload"),),
    ),
    ("schedule-status", "room"): (
        ("kind", "resource"),
        (
            _Told("free", "dcctl_schedule_units_free", "Free boards, shares or slices"),
            _Told("whole_nodes", "dcctl_schedule_kind_nodes_free", "Nodes of the kind that are wholly free"),
        ),
    ),
    ("schedule-shares", "items"): (
        ("model",),
        (
            _Told("training_milli", "dcctl_shares_training_ratio", "Share of the training wanted", 1000),
            _Told("inference_milli", "dcctl_shares_inference_ratio", "Share of the inference wanted", 1000),
        ),
    ),
}
"""By report and table: the columns that are labels, and those that are samples."""


def with_samples(report: Report) -> Report:
    """The same report with its numbers as samples."""
    found = list(_samples(_SUMMARY[report.kind], report.summary, ()))
    for table in (report.items, *report.details):
        labels, told = _ROWS.get((report.kind, table.name), ((), ()))
        for cells in _cells(table) if told else ():
            found += _samples(told, cells, tuple((key, str(cells[key])) for key in labels))
    return replace(report, samples=tuple(sorted(found, key=lambda one: (one.name, one.labels))))


def _cells(table: Table) -> Iterator[dict[str, Cell]]:
    for row in table.rows:
        yield {column.key: cell for column, cell in zip(table.columns, row, strict=True)}


def _samples(
    told: tuple[_Told, ...], cells: Mapping[str, object], labels: tuple[tuple[str, str], ...]
) -> Iterator[Sample]:
    for one in told:
        value = cells.get(one.key)
        if isinstance(value, int):
            number = value if one.each == 1 else value / one.each
            yield Sample(one.name, number, (*labels, *one.labels), one.help)
