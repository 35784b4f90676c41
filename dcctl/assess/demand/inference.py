"""What serving a model takes: memory of one accelerator, sequences at once, latency, replicas for targets."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from dcctl.assess.demand.estimate import Estimate
from dcctl.assess.demand.exchange import spread
from dcctl.assess.demand.kvcache import in_blocks, kv_bytes_per_token, state_bytes, tokens_that_fit
from dcctl.assess.demand.latency import decode, loaded_s, prefill, requests_per_s
from dcctl.assess.demand.parameters import parts, weight_bytes
from dcctl.assess.demand.replicas import replicas_by
from dcctl.assess.demand.roofline import stored_bytes, working_bits
from dcctl.assess.demand.serving import QUANTILE, ServingNeeds, ServingSpec
from dcctl.assess.demand.serving_check import check
from dcctl.assess.demand.shards import adapters

if TYPE_CHECKING:
    from collections.abc import Callable

RESERVE: Final = Estimate(
    2 * 2**30,
    2**30,
    5 * 2**30,
    "activations, graphs, runtime and communication buffers",
    "range of EleutherAI/cookbook; the middle is a usual figure of vLLM",
)
_FITTED: Final = "fitted to the README of gpt-fast and performance.md of TensorRT-LLM 0.5"
_DECODE_ERROR: Final = 0.15
_UNPACKED_ERROR: Final = 0.6
"""Upwards, where weights of few bits are unpacked on the way: kernels differ."""
_SPREAD_ERROR: Final = 0.35
"""With experts on many ranks: how evenly tokens come to them and how much of the messages is hidden differs.
Of three published systems with DeepSeek-V3 the output is 12 to 24 % below what is computed."""
_PREFILL_ERROR: Final = {16: 0.2, 8: 0.25}
"""By bits that products run in."""
_ENDS: Final = ("embedding", "positions", "tower", "head")
"""On the first stage and the last."""
_BUSY_ERROR: Final = 0.35
"""Schedulers differ more than kernels: all of 21 rows of TensorRT-LLM 0.6 with Llama 2 and Falcon are within
it, and all of 4 on L40S."""


def needs(spec: ServingSpec) -> ServingNeeds:
    """Return what it takes; UsageError when the layout is impossible for the model."""
    check(spec)
    weights, per_token = _weights(spec), _per_token(spec)
    reserve = RESERVE if spec.reserve_bytes is None else Estimate.exact(spec.reserve_bytes, "as told")
    adapted = _adapters(spec)
    room = _room(spec, weights, reserve, adapted)
    held = _sequences(spec, room.value, spec.longest)
    batch, bound = _batch(spec, room.value)
    return ServingNeeds(
        weights_bytes=weights,
        adapters_bytes=adapted,
        kv_bytes_per_token=per_token,
        reserve_bytes=reserve,
        kv_room_bytes=room,
        kv_tokens=_over(room, lambda one: _tokens(spec, one), "floor(room / (16 kv)) x 16, all groups"),
        concurrency=_over(room, lambda one: _sequences(spec, one, spec.longest), "blocks of 16 tokens"),
        batch=batch,
        bound=bound if held or batch else "weights",
        ttft_s=_ttft(spec),
        tpot_s=_tpot(spec, max(batch, 1)),
        loaded_tpot_s=_busy(loaded_s(spec, max(batch, 1)), "B t_prefill / out + TPOT"),
        tokens_per_s=_busy(
            requests_per_s(spec, batch) * spec.output_tokens, "B out / (B t_prefill + out TPOT)"
        ),
        requests_per_s=_busy(requests_per_s(spec, batch), "B / (B t_prefill + out TPOT)"),
        replicas=_replicas(spec, batch),
        replicas_by=replicas_by(spec, batch),
        missed=_missed(spec),
    )


def _ttft(spec: ServingSpec) -> Estimate:
    error = _SPREAD_ERROR if spread(spec) else _PREFILL_ERROR[working_bits(spec)]
    return _spread(
        prefill(spec).total_s, error, error, "max((2 N s + attention) / X, W / BW) + layers + network"
    )


def _tpot(spec: ServingSpec, batch: int) -> Estimate:
    """The interval reaches further up where weights are unpacked."""
    unpacked = (spec.weight_bits or spec.model.weight_bits) < working_bits(spec)
    below = _SPREAD_ERROR if spread(spec) else _DECODE_ERROR
    above = max(below, _UNPACKED_ERROR if unpacked else 0)
    formula = "sum over kernels of max(bytes / BW, operations / X) + layers + network that no work hides"
    return _spread(decode(spec, batch).total_s, below, above, formula)


def _weights(spec: ServingSpec) -> Estimate:
    """Each tensor in its own number format; where the files were measured, their sum, split in proportion."""
    ends = {part.name: stored_bytes(part, spec) for part in parts(spec.model) if part.name in _ENDS}
    inside = sum(stored_bytes(part, spec) for part in parts(spec.model) if part.name not in _ENDS)
    last = ends.pop("head", 0)
    first = sum(ends.values())
    value = inside * spec.stage + (first + last if spec.pipeline == 1 else max(first, last))
    formula = "sum over tensors of parameters x bits / 8 / ranks that split it"
    if spec.model.measured_bytes is not None and spec.weight_bits is None:
        extra = spec.model.extra_parameters * spec.model.weight_bits / 8
        value *= spec.model.measured_bytes / (weight_bytes(spec.model) + extra)
        formula = "bytes of the files x share of one accelerator"
    return Estimate.exact(value, formula, spec.model.source)


def _per_token(spec: ServingSpec) -> Estimate:
    value = spec.stage * kv_bytes_per_token(spec.model, spec.longest, spec.tensor, spec.kv_bits)
    return Estimate.exact(
        value,
        "sum over layers of 2 ceil(kv heads / TP) head dim bytes min(1, w / s); MLA: (d_c + d_rope) bytes",
        "arXiv 2309.06180; arXiv 2405.04434",
    )


def _adapters(spec: ServingSpec) -> Estimate | None:
    """In 16 bits, split as the matrices they stand beside."""
    if spec.lora_rank is None:
        return None
    count = spec.adapters * adapters(spec.model, spec.lora_rank)
    formula = "adapters x sum over matrices of rank x (m + n) x 2 B / TP"
    return Estimate.exact(2 * count * spec.stage / spec.tensor, formula, "arXiv 2106.09685")


def _room(spec: ServingSpec, weights: Estimate, reserve: Estimate, adapted: Estimate | None) -> Estimate:
    budget = spec.gpu.memory_bytes * spec.memory_share - weights.value - (adapted.value if adapted else 0)
    return Estimate(
        budget - reserve.value,
        budget - reserve.high,
        budget - reserve.low,
        f"memory x share - weights - {'adapters - ' if adapted else ''}reserve",
        reserve.source,
    )


def _tokens(spec: ServingSpec, room: float) -> float:
    """All that fit, over the groups of a replica; no bound where nothing grows with a sequence."""
    per_token = spec.stage * kv_bytes_per_token(spec.model, spec.longest, spec.tensor, spec.kv_bits)
    return spec.data * tokens_that_fit(room, per_token) if per_token else inf


def _sequences(spec: ServingSpec, room: float, tokens: int) -> int:
    per_token = kv_bytes_per_token(spec.model, tokens, spec.tensor, spec.kv_bits)
    each = spec.stage * (per_token * in_blocks(tokens) + state_bytes(spec.model, spec.tensor))
    return spec.data * max(0, int(room // each)) if each else 0


def _batch(spec: ServingSpec, room: float) -> tuple[int, str]:
    """The most sequences at once, and what bounds them; 0 when none fits or the target is missed alone."""
    most, bound = _sequences(spec, room, spec.input_tokens + spec.output_tokens), "memory"
    if spec.batch is not None and spec.batch <= most:
        most, bound = spec.batch, "asked"
    if not most or spec.tpot_s is None or loaded_s(spec, most) <= spec.tpot_s:
        return most, bound
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if loaded_s(spec, middle) <= spec.tpot_s else (low, middle)
    return low, "tpot"


def _replicas(spec: ServingSpec, batch: int) -> Estimate | None:
    """The most that anything asks for; the interval is that of the throughput."""
    found = [replicas_by(spec, batch, factor) for factor in (1.0, 1 - _BUSY_ERROR, 1 + _BUSY_ERROR)]
    if not all(found):
        return None
    value, low, high = (max(one.values()) for one in found)
    return Estimate(value, low, high, f"max(KV, throughput, Erlang C at p{QUANTILE * 100:.0f})", _FITTED)


def _missed(spec: ServingSpec) -> tuple[str, ...]:
    times = {"ttft": (spec.ttft_s, prefill(spec).total_s), "tpot": (spec.tpot_s, loaded_s(spec, 1))}
    return tuple(name for name, (target, alone) in times.items() if target is not None and alone >= target)


def _over(room: Estimate, count: Callable[[float], float], formula: str) -> Estimate:
    return Estimate(count(room.value), count(room.low), count(room.high), formula, room.source)


def _spread(value: float, below: float, above: float, formula: str) -> Estimate:
    return Estimate(value, value * (1 - below), value * (1 + above), formula, _FITTED)


def _busy(value: float, formula: str) -> Estimate:
    return _spread(value, _BUSY_ERROR, _BUSY_ERROR, formula)
