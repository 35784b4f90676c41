"""The form of the answer: columns, details, summary, plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.render.report import Column, Shape

if TYPE_CHECKING:
    from dcctl.assess.history.queries import By
    from dcctl.render.report import Unit

GROUPS = (
    Column("name", "POOL", keep=9),
    Column("team", "TEAM", keep=7),
    Column("held_milli", "HELD", "milli", keep=8),
    Column("gpu_time_s", "GPU TIME", "duration_s", keep=6),
    Column("busy_milli", "BUSY", "percent_milli", keep=8),
    Column("busy_p50_milli", "P50", "percent_milli", keep=6),
    Column("busy_p95_milli", "P95", "percent_milli", keep=7),
    Column("idle_milli", "IDLE", "percent_milli", keep=8),
    Column("idle_gpu_time_s", "IDLE TIME", "duration_s", keep=4),
    Column("memory_peak_bytes", "MEMORY PEAK", "memory", keep=4),
    Column("usual_gpus", "USUAL", "count", keep=3),
    Column("request_gpus", "REQUEST", "count", keep=6),
    Column("request_memory_bytes", "MEMORY", "memory", keep=2),
    Column("request_slice", "SLICE", keep=5),
    Column("energy_mj", "ENERGY", "energy_mj", keep=3),
)
_BOARD = (
    Column("host", "NODE", keep=9),
    Column("accelerator", "ACCELERATOR", keep=7),
    Column("pool", "POOL", keep=4),
    Column("held_s", "HELD", "duration_s", keep=6),
)
IDLE = (
    *_BOARD,
    Column("idle_s", "IDLE", "duration_s", keep=8),
    Column("idle_milli", "SHARE", "percent_milli"),
)
BOUND = (
    *_BOARD,
    Column("by", "HELD BACK BY", keep=8),
    Column("share_milli", "SHARE", "percent_milli", keep=8),
)
STRANDED = (
    Column("host", "NODE", keep=9),
    Column("short_of", "SHORT OF", keep=8),
    Column("gpu_time_s", "GPU TIME", "duration_s", keep=8),
)
QUEUE = (
    Column("team", "TEAM", keep=9),
    Column("mean_milli", "MEAN", "milli", keep=8),
    Column("most_milli", "MOST", "milli", keep=7),
    Column("gpu_time_s", "GPU TIME WAITED", "duration_s", keep=6),
)
LEADS = (
    Column("ahead_s", "AHEAD", "duration_s", keep=9),
    Column("error_milli", "ERROR", "percent_milli", keep=8),
    Column("spread_milli", "NINE TENTHS WITHIN", "milli", keep=7),
    Column("tested", "TESTED", "count", keep=6),
)
TRIED = (Column("candidate", "CANDIDATE", keep=9), Column("error_milli", "ERROR", "percent_milli", keep=8))
SIGNALS = (
    Column("tells", "TELLS", keep=9),
    Column("metric", "METRIC", keep=8),
    Column("accelerators", "ACCELERATORS", "count", keep=7),
)
SUMMARY = (
    Column("start_s", "Beginning of the time looked at", "time_s"),
    Column("end_s", "Its end", "time_s"),
    Column("step_s", "Length of a step", "duration_s"),
    Column("covered_milli", "Share of the steps of which anything is known", "percent_milli"),
    Column("accelerators", "Accelerators at the end; slices count each", "count"),
    Column("held_milli", "Accelerators held, on average", "milli"),
    Column("gpu_time_s", "Time held, over all accelerators", "duration_s"),
    Column("busy_milli", "How busy those were", "percent_milli"),
    Column("idle_milli", "Share of the time held in which they did nothing", "percent_milli"),
    Column("idle_gpu_time_s", "That time, over all accelerators", "duration_s"),
    Column("stranded_gpu_time_s", "Time in which free accelerators were of no use", "duration_s"),
    Column("queue_milli", "Accelerators that pods waited for, on average", "milli"),
    Column("queue_most_milli", "The most of them", "milli"),
    Column("energy_mj", "Energy of the accelerators", "energy_mj"),
    Column("energy_by", "What it is from: a counter, or the mean power"),
    Column("busy_by", "The signals that tell how busy they were"),
    Column("idle_by", "The signals that tell whether they did anything"),
    Column("missing", "Metrics that nobody has"),
    Column("demand", "What the forecast is of"),
    Column("forecast_by", "The candidate that erred least"),
    Column("forecast_error_milli", "The error to expect of it, over all of the time shown", "percent_milli"),
    Column("tested_s", "How far ahead it was tried, on time that nobody had seen", "duration_s"),
    Column("tested_error_milli", "Its error there", "percent_milli"),
    Column("capacity_milli", "Accelerators that there are", "milli"),
    Column("full_s", "When demand meets that; null: not in the time looked at", "time_s"),
    Column(
        "full_soonest_s", "The same, if demand is higher: nine tenths of the errors are no larger", "time_s"
    ),
    Column("queries", "Queries that were sent", "count"),
    Column("kept", "Answers that an earlier run, which broke off, had left", "count"),
)
PLOTS: tuple[tuple[str, Unit], ...] = (("use", "milli"), ("queue", "milli"), ("forecast", "milli"))
HISTORY = Shape(
    "assess-history",
    "What accelerators did over time: use, idle, stranded, queue, energy, forecast.",
    GROUPS,
    (
        ("idle", IDLE),
        ("stranded", STRANDED),
        ("bound", BOUND),
        ("queue", QUEUE),
        ("leads", LEADS),
        ("tried", TRIED),
        ("signals", SIGNALS),
    ),
    SUMMARY,
    plots=PLOTS,
)
SHAPES = (HISTORY,)
_HIDDEN = {
    "pool": {"team", "usual_gpus", "request_gpus", "request_memory_bytes", "request_slice"},
    "team": {"team", "energy_mj"},
    "workload": {"energy_mj"},
}


def columns(by: By) -> tuple[Column, ...]:
    """Return the columns of a table by pool, team or workload; those without meaning there are `wide`."""
    heading = replace(GROUPS[0], title=by.upper())
    rest = (replace(one, wide=one.wide or one.key in _HIDDEN[by]) for one in GROUPS[1:])
    return (heading, *rest)


def shape_of(by: By) -> Shape:
    """Return the form of the answer by pool, team or workload."""
    return replace(HISTORY, items=columns(by))
