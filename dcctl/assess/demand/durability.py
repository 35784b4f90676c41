"""Checkpoints, failures, and what share of the time is progress."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from dcctl.assess.demand.estimate import Estimate
from dcctl.assess.demand.shards import adapters, stored
from dcctl.assess.demand.training_spec import OPTIMIZER_BYTES

if TYPE_CHECKING:
    from dcctl.assess.demand.training_spec import TrainingSpec

FAILURE_GPU_S: Final = 50_700 * 3600
"""Accelerator-seconds per unexpected interruption: Llama 3 405B had 419 in 54 days on 16,384 H100
(arXiv 2407.21783, section 3.3.4)."""
FAILURE_SPREAD: Final = 3.0
"""Between fleets: a third as often, three times as often."""
FAILURES: Final = "Llama 3: 419 interruptions in 54 d on 16,384 GPUs (arXiv 2407.21783); times 1/3 to 3"
STALL_S: Final = 30.0
RESTART_S: Final = 600.0


class Habits(Struct, frozen=True):
    """How checkpoints are taken."""

    stall_s: float = STALL_S
    """Training may stand so long for one."""
    restart_s: float = RESTART_S
    """From a failure until training goes on: found, nodes exchanged, checkpoint read."""
    kept: int = 5
    bandwidth_bytes_per_s: float | None = None
    """Of the storage, bytes per second; None: whatever the stall asks for."""


class Durability(Struct, frozen=True):
    """Checkpoints and failures of a run."""

    size_bytes: Estimate
    storage_bytes: Estimate
    bandwidth_bytes_per_s: Estimate
    """That storage must write with."""
    write_s: float
    interval_s: Estimate
    """Between checkpoints, at which least time is lost."""
    mtbf_s: Estimate
    goodput: Estimate
    """Share of the time that is progress."""


def durability(spec: TrainingSpec, habits: Habits) -> Durability:
    """Return what the state of the run takes, and how often it is written (Young 1974, Daly 2006)."""
    size = checkpoint_bytes(spec)
    write = size.value / habits.bandwidth_bytes_per_s if habits.bandwidth_bytes_per_s else habits.stall_s
    mtbf = Estimate(
        FAILURE_GPU_S / spec.layout.gpus,
        FAILURE_GPU_S / spec.layout.gpus / FAILURE_SPREAD,
        FAILURE_GPU_S / spec.layout.gpus * FAILURE_SPREAD,
        "50,700 accelerator-hours / n",
        FAILURES,
    )
    every = [young(write, one) for one in (mtbf.value, mtbf.low, mtbf.high)]
    useful = [progress(write, habits.restart_s, one) for one in (mtbf.value, mtbf.low, mtbf.high)]
    return Durability(
        size_bytes=size,
        storage_bytes=Estimate.exact(size.value * (habits.kept + 1), f"size x ({habits.kept} kept + 1)"),
        bandwidth_bytes_per_s=Estimate.exact(size.value / write, "size / stall"),
        write_s=write,
        interval_s=Estimate(every[0], every[1], every[2], "sqrt(2 C M)", "Young 1974"),
        mtbf_s=mtbf,
        goodput=Estimate(
            useful[0],
            useful[1],
            useful[2],
            "1 - C/t - t/2M - R/M",
            "Daly 2006; C write, R restart, M MTBF, t interval",
        ),
    )


def checkpoint_bytes(spec: TrainingSpec) -> Estimate:
    """Return the size of the state: 14 B per parameter for AdamW (bf16, fp32 master, two moments)."""
    each = 2 + OPTIMIZER_BYTES[spec.optimizer]
    count = stored(spec.model) if spec.lora_rank is None else adapters(spec.model, spec.lora_rank)
    return Estimate.exact(
        float(count * each), f"{each} B x {count / 1e9:.4g}e9 parameters", "MLPerf Storage 2.0, table 2"
    )


def young(write_s: float, mtbf_s: float) -> float:
    """Return the seconds between checkpoints at which least is lost."""
    return sqrt(2 * write_s * mtbf_s)


def progress(write_s: float, restart_s: float, mtbf_s: float) -> float:
    """Return the share of the time that is progress with that interval; 0 where nothing is."""
    every = young(write_s, mtbf_s)
    return max(0.0, 1 - write_s / every - every / (2 * mtbf_s) - restart_s / mtbf_s)
