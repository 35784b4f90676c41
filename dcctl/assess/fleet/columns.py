"""The columns of the answer, once: for the table, for JSON and for the documentation."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.render.report import Column

_BOARDS: tuple[Column, ...] = (
    Column("accelerators", "GPUS", "count", keep=9),
    Column("allocated", "ALLOCATED", "count", keep=8),
    Column("allocated_share_milli", "SHARE", "percent_milli", keep=4),
    Column("busy_milli", "BUSY", "percent_milli", keep=8),
    Column("idle", "IDLE", "count", keep=7),
    Column("stranded", "STRANDED", "count", keep=7),
    Column("unavailable", "OUT", "count", keep=7),
    Column("free", "FREE", "count", keep=9),
)
_LIMITS: tuple[Column, ...] = (
    Column("first_limit", "FIRST LIMIT", keep=6),
    Column("more_jobs", "8-GPU JOBS", "count", keep=7),
    Column("next_stop", "NEXT STOPPED BY", keep=4, wide=True),
    Column("running_limit", "WORK WAITS FOR", keep=3),
)
_AMOUNTS = (
    ("cpu", "CPUS", "milli", "_milli"),
    ("memory", "MEMORY", "memory", "_bytes"),
    ("storage", "SCRATCH", "bytes", "_bytes"),
    ("pods", "PODS", "count", ""),
)
_STAGES = ("capacity", "allocatable", "requested", "used", "free")
_REST: tuple[Column, ...] = (
    Column("disk_capacity_bytes", "DISK", "bytes", keep=3, wide=True),
    Column("disk_free_bytes", "DISK FREE", "bytes", keep=3, wide=True),
    Column("network_bps", "NETWORK", "bps", keep=2, wide=True),
    Column("cpu_pressure_milli", "CPU PRESSURE", "percent_milli", keep=2, wide=True),
    Column("memory_pressure_milli", "MEMORY PRESSURE", "percent_milli", keep=2, wide=True),
    Column("io_pressure_milli", "I/O PRESSURE", "percent_milli", keep=2, wide=True),
    Column("unknown", "UNKNOWN", "count", keep=7),
    Column("busy_measured", "MEASURED", "count", keep=2, wide=True),
    Column("ready_nodes", "READY", "count", keep=2, wide=True),
    Column("accelerator_memory_bytes", "GPU MEMORY", "memory", keep=2, wide=True),
    Column("accelerator_memory_used_bytes", "GPU MEMORY USED", "memory", keep=2, wide=True),
    Column("accelerator_power_mw", "GPU POWER", "power_mw", keep=2, wide=True),
    Column("node_power_mw", "NODE POWER", "power_mw", keep=2, wide=True),
)


def _amounts() -> tuple[Column, ...]:
    return tuple(
        Column(f"{key}_{stage}{suffix}", _heading(title, stage), unit, keep=_keep(key, stage), wide=True)  # type: ignore[arg-type]  # rows above
        for key, title, unit, suffix in _AMOUNTS
        for stage in _STAGES
    )


def _keep(key: str, stage: str) -> int:
    """What a machine has and what is left of it stays longest, CPU and memory before all."""
    return 3 + 2 * (key in {"cpu", "memory"}) * (stage in {"capacity", "free"})


def _heading(title: str, stage: str) -> str:
    return title if stage == "capacity" else f"{title.removesuffix('S')} {stage.upper()}"


_SHOWN_WITHOUT_BOARDS = frozenset(
    (
        "cpu_capacity_milli",
        "cpu_used_milli",
        "cpu_free_milli",
        "memory_capacity_bytes",
        "memory_used_bytes",
        "memory_free_bytes",
        "disk_free_bytes",
        "io_pressure_milli",
        "first_limit",
        "running_limit",
    )
)


def columns(heading: str, noun: str, job: int, *, boards: bool) -> tuple[Column, ...]:
    """The columns of the main table. Without boards CPU and memory come first, under the same keys."""
    single = heading == "node"  # then `nodes` says the same, and folds equal rows
    name = Column("name", heading.upper(), keep=9, wide=single)
    nodes = (
        Column("nodes", "NODES", "nodes", keep=9 if single else 8),
        Column("node_count", "N", "count", keep=2, wide=True),
    )
    counts = tuple(replace(c, title=f"{noun}S".upper()) if c.key == "accelerators" else c for c in _BOARDS)
    limits = tuple(replace(c, title=f"{job}-{noun} JOBS") if c.key == "more_jobs" else c for c in _LIMITS)
    if boards:
        return (name, *nodes, *counts, *limits, *_amounts(), *_REST)
    plain = (*_amounts(), *_REST, *limits, *counts)
    return (name, *nodes, *(replace(c, wide=c.key not in _SHOWN_WITHOUT_BOARDS) for c in plain))


WORKLOADS: tuple[Column, ...] = (
    Column("workload", "WORKLOAD", keep=9),
    Column("owner", "OWNER", keep=6),
    Column("kind", "KIND", keep=4),
    Column("nodes", "NODES", "nodes", keep=7),
    Column("members", "PODS", "count", keep=3, wide=True),
    Column("accelerators", "GPUS", "count", keep=9),
    Column("model", "MODEL", keep=5),
    Column("busy_milli", "BUSY", "percent_milli", keep=8),
    Column("idle", "IDLE", "count", keep=7),
    Column("cpu_requested_milli", "CPU REQUESTED", "milli", keep=4, wide=True),
    Column("memory_requested_bytes", "MEMORY REQUESTED", "memory", keep=4, wide=True),
    Column("power_mw", "POWER", "power_mw", keep=4),
    Column("held_s", "FOR", "duration_s", keep=6),
)
IDLE: tuple[Column, ...] = (
    Column("workload", "WORKLOAD", keep=9),
    Column("owner", "OWNER", keep=5),
    Column("kind", "KIND", keep=3, wide=True),
    Column("accelerators", "GPUS", "count", keep=8),
    Column("model", "MODEL", keep=7),
    Column("nodes", "NODES", "nodes", keep=7),
    Column("held_s", "HELD", "duration_s", keep=6),
    Column("power_mw", "POWER", "power_mw", keep=4),
)
STRANDED: tuple[Column, ...] = (
    Column("nodes", "NODES", "nodes", keep=9),
    Column("accelerators", "GPUS", "count", keep=8),
    Column("cause", "CAUSE", keep=8),
    Column("held_by", "HELD BY", keep=6),
    Column("cure", "CURE", keep=6),
)
UNAVAILABLE: tuple[Column, ...] = (
    Column("nodes", "NODES", "nodes", keep=9),
    Column("accelerators", "GPUS", "count", keep=8),
    Column("reason", "REASON", "state", keep=8),
)
DEVICES: tuple[Column, ...] = (
    Column("resource", "RESOURCE", keep=9),
    Column("model", "MODEL", keep=8),
    Column("kind", "KIND", keep=6),
    Column("boards", "BOARDS", "count", keep=5),
    Column("units", "UNITS", "count", keep=6),
    Column("requested", "REQUESTED", "count", keep=7),
    Column("free", "FREE", "count", keep=7),
)
FAULTS: tuple[Column, ...] = (
    Column("severity", "SEVERITY", "state", keep=7),
    Column("fault", "FAULT", keep=9),
    Column("nodes", "NODES", "nodes", keep=9),
    Column("count", "N", "count", keep=6),
    Column("detail", "DETAIL", keep=5),
)
CONFLICTS: tuple[Column, ...] = (
    Column("subject", "ABOUT", keep=9),
    Column("fact", "FACT", keep=8),
    Column("values", "VALUES", keep=7),
)
WAITING: tuple[Column, ...] = (
    Column("workload", "WORKLOAD", keep=9),
    Column("owner", "OWNER", keep=5),
    Column("members", "PODS", "count", keep=6),
    Column("accelerators", "GPUS", "count", keep=8),
    Column("cpu_milli", "CPU", "milli", keep=4),
    Column("memory_bytes", "MEMORY", "memory", keep=4),
)
SUMMARY: tuple[Column, ...] = (
    Column("nodes", "nodes", "count"),
    Column("sites", "sites", "count"),
    Column("accelerators", "boards", "count"),
    Column("nodes_unread", "nodes of which nobody knows what accelerators they have", "count"),
    Column("allocated", "boards of which any part is held", "count"),
    Column("free", "boards that a job can have now", "count"),
    Column("stranded", "free boards that lack CPU, memory, storage or pods on their node", "count"),
    Column(
        "unavailable",
        "boards on nodes that take no work, withheld by their agent, or to be replaced",
        "count",
    ),
    Column("unknown", "boards of which nobody knows who holds them", "count"),
    Column("idle", "allocated boards measured to do nothing; null: not measured", "count"),
    Column("idle_power_mw", "drawn by the idle boards", "power_mw"),
    Column("busy_milli", "mean share of time with a kernel running, over measured boards", "percent_milli"),
    Column("busy_measured", "boards with such a reading", "count"),
    Column("allocated_share_milli", "allocated boards of all", "percent_milli"),
    Column("more_jobs", "jobs of `job_size` that still fit", "count"),
    Column("next_stop", "what stops the next one on most nodes"),
    Column("job_size", "size of the job that is counted", "count"),
    Column("waiting_accelerators", "asked for by members without a node", "count"),
    Column("cpu_capacity_milli", "CPUs", "milli"),
    Column("cpu_free_milli", "CPUs left", "milli"),
    Column("memory_capacity_bytes", "memory", "memory"),
    Column("memory_free_bytes", "memory left", "memory"),
)
