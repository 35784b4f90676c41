"""What training takes, as figures in the order in which they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.demand.bill import figures as bill_figures
from dcctl.assess.demand.estimate import Estimate, Figure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.assess.demand.bill import Bill
    from dcctl.assess.demand.training import TrainingNeeds


def figures(needs: TrainingNeeds, bill: Bill) -> tuple[tuple[str, Figure], ...]:
    """Return (group, figure) of all."""
    return (
        *(("memory", one) for one in _memory(needs)),
        *(("time", one) for one in _time(needs)),
        *(("failures", one) for one in _failures(needs)),
        *(("bill", one) for one in bill_figures(bill)),
    )


def _memory(needs: TrainingNeeds) -> Iterable[Figure]:
    for name, estimate in needs.memory.parts:
        yield Figure(f"{name}_bytes", name, "memory", estimate)
    yield Figure("memory_bytes", "in all, on the most loaded GPU", "memory", needs.memory.total)
    there = Estimate.exact(needs.spec.gpu.memory_bytes, "data sheet", needs.spec.gpu.source)
    yield Figure("gpu_memory_bytes", f"there is on {needs.spec.gpu.name}", "memory", there)


def _time(needs: TrainingNeeds) -> Iterable[Figure]:
    yield Figure("step_ms", "one optimizer step", "duration_ms", needs.step_s * 1000)
    yield Figure("tokens_per_s", "tokens per second", "number", needs.tokens_per_s)
    share = 1 / needs.spec.layout.gpus
    yield Figure("tokens_per_s_gpu", "of them per GPU", "number", needs.tokens_per_s * share)
    yield Figure("mfu_milli", "MFU (attention in full, as PaLM)", "percent_milli", needs.mfu * 1000)
    yield Figure("hfu_milli", "HFU (with recomputation)", "percent_milli", needs.hfu * 1000)
    yield Figure("operations", "model FLOPs of the run", "number", needs.operations)
    yield Figure("time_s", "time for all tokens", "duration_s", needs.time_s)


def _failures(needs: TrainingNeeds) -> Iterable[Figure]:
    held = needs.durability
    yield Figure("checkpoint_bytes", "one checkpoint", "bytes", held.size_bytes)
    yield Figure("checkpoint_write_bps", "storage must write", "bps", held.bandwidth_bytes_per_s * 8)
    yield Figure("checkpoint_interval_s", "between checkpoints (Young)", "duration_s", held.interval_s)
    yield Figure("checkpoint_storage_bytes", "checkpoints that are kept", "bytes", held.storage_bytes)
    yield Figure("mtbf_s", "between failures", "duration_s", held.mtbf_s)
    yield Figure("failures", "failures in the run", "number", _count(needs))
    yield Figure("goodput_milli", "goodput", "percent_milli", held.goodput * 1000)


def _count(needs: TrainingNeeds) -> Estimate | None:
    if needs.time_s is None:
        return None
    mtbf, time = needs.durability.mtbf_s, needs.time_s
    return Estimate(
        time.value / mtbf.value, time.low / mtbf.high, time.high / mtbf.low, "time / MTBF", mtbf.source
    )
