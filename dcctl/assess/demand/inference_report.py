"""What serving takes, as figures in the order in which they are read and sentences for what does not work."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING

from dcctl.assess.demand.estimate import Estimate, Figure

if TYPE_CHECKING:
    from dcctl.assess.demand.serving import ServingNeeds, ServingSpec

_BOUNDS = {
    "memory": "as many as fit into memory",
    "tpot": "more would miss the target for the time per output token",
    "asked": "as asked",
    "weights": "the weights leave no room",
}


def figures(spec: ServingSpec, needs: ServingNeeds) -> tuple[Figure, ...]:
    """Return every figure; times are in milliseconds, as their keys tell."""
    batch = Estimate.exact(needs.batch, _BOUNDS[needs.bound])
    tokens = None if isinf(needs.kv_tokens.value) else needs.kv_tokens
    adapted = [Figure("adapters_bytes", "adapters on one GPU", "memory", needs.adapters_bytes)]
    return (
        Figure("gpus_per_replica", "GPUs of one replica", "count", Estimate.exact(spec.gpus, "TP x PP x DP")),
        Figure("weights_bytes", "weights on one GPU", "memory", needs.weights_bytes),
        *(adapted if spec.lora_rank else ()),
        Figure("reserve_bytes", "runtime on one GPU", "memory", needs.reserve_bytes),
        Figure("kv_room_bytes", "left for the cache", "memory", needs.kv_room_bytes),
        Figure("kv_bytes_per_token", "cache of one token", "memory", needs.kv_bytes_per_token),
        Figure("kv_tokens", "tokens that fit", "count", tokens),
        Figure("concurrency", f"sequences of {spec.longest:,} tokens", "count", needs.concurrency),
        Figure("batch", "sequences at once", "count", batch),
        Figure("ttft_ms", "time to first token", "duration_ms", needs.ttft_s * 1000),
        Figure("tpot_ms", "time per output token", "duration_ms", needs.tpot_s * 1000),
        Figure("loaded_tpot_ms", "the same under load", "duration_ms", needs.loaded_tpot_s * 1000),
        Figure("tokens_per_s", "output of one replica, tokens per second", "number", needs.tokens_per_s),
        Figure("requests_milli_per_s", "requests per second", "milli", needs.requests_per_s * 1000),
        Figure("replicas", "replicas", "count", needs.replicas),
        Figure("gpus", "GPUs in all", "count", needs.replicas and needs.replicas * spec.gpus),
    )


def remarks(spec: ServingSpec, needs: ServingNeeds) -> tuple[str, ...]:
    """Return what does not work and what decides, a sentence each."""
    found = []
    if not needs.fits:
        found.append(
            f"one sequence of {spec.longest:,} tokens does not fit beside the weights on {spec.gpus} x "
            f"{spec.gpu.name}: more GPUs to a replica, fewer bits, or a shorter context"
        )
    targets = {
        "ttft": (spec.ttft_s, needs.ttft_s, "time to the first token"),
        "tpot": (spec.tpot_s, needs.tpot_s, "time per output token"),
    }
    for name in needs.missed:
        target, alone, words = targets[name]
        found.append(
            f"a request alone takes {alone.value * 1000:,.0f} ms of {words}, the target is "
            f"{(target or 0) * 1000:,.0f} ms: no number of replicas helps, more GPUs to a replica may"
        )
    if spec.lora_rank is not None:
        found.append("adapters take memory; what they take of the time is not counted")
    if spec.rate is not None and needs.replicas is not None and needs.replicas.value > 1:
        bound = max(needs.replicas_by, key=lambda name: needs.replicas_by[name])
        words = {"kv": "room for the cache", "throughput": "throughput", "waiting": "waiting at p95"}[bound]
        found.append(f"{needs.replicas.value:,.0f} replicas are for {words}")
    return tuple(found)
