"""The history as Prometheus samples. An unknown value has no sample: absent is not zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.render.report import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.assess.history.groups import Group
    from dcctl.assess.history.queries import By
    from dcctl.render.report import Cell

_SUMMARY = (
    ("held_milli", "dcctl_history_accelerators_held", "Accelerators held, on average", 1000),
    ("busy_milli", "dcctl_history_busy_ratio", "How busy held accelerators were", 1000),
    ("idle_milli", "dcctl_history_idle_ratio", "Share of the time held in which nothing was done", 1000),
    ("idle_gpu_time_s", "dcctl_history_idle_accelerator_seconds", "Time held and idle", 1),
    ("stranded_gpu_time_s", "dcctl_history_stranded_accelerator_seconds", "Time free and of no use", 1),
    ("queue_milli", "dcctl_history_accelerators_waited_for", "Accelerators waited for, on average", 1000),
    ("energy_mj", "dcctl_history_energy_joules", "Energy of the accelerators", 1000),
    ("forecast_error_milli", "dcctl_history_forecast_error_ratio", "Error of the forecast when tried", 1000),
    ("full_s", "dcctl_history_full_timestamp_seconds", "When demand meets capacity", 1),
)


def samples(summary: dict[str, Cell], groups: Sequence[Group], by: By) -> tuple[Sample, ...]:
    """Return the summary, and how busy each group was."""
    found = [
        Sample(name, value / each, (), text)
        for key, name, text, each in _SUMMARY
        if isinstance(value := summary[key], int)
    ]
    return (*found, *_groups(groups, by))


def _groups(groups: Sequence[Group], by: By) -> Iterator[Sample]:
    for group in groups:
        labels = ((by, group.name), *((("team", group.team),) if by == "workload" else ()))
        busy = group.mean_busy
        if busy is not None:
            yield Sample("dcctl_history_group_busy_ratio", round(busy, 6), labels, "How busy it was")
