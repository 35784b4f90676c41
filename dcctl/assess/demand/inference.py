"""What serving a model takes: memory of one accelerator, sequences at once, latency, replicas for targets."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from dcctl.assess.demand.estimate import Estimate
from dcctl.assess.demand.kvcache import in_blocks, kv_bytes_per_token, state_bytes, tokens_that_fit
from dcctl.assess.demand.latency import decode, loaded_s, prefill, rate, requests_per_s, stored_bytes
from dcctl.assess.demand.parameters import parts, weight_bytes
from dcctl.assess.demand.replicas import replicas_by
from dcctl.assess.demand.serving import QUANTILE, ServingNeeds, ServingSpec
from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

RESERVE: Final = Estimate(
    2 * 2**30,
    2**30,
    5 * 2**30,
    "activations, graphs, runtime and communication buffers",
    "range of EleutherAI/cookbook; the middle is a usual figure of vLLM",
)
_FITTED: Final = "fitted to gpt-fast and TensorRT-LLM 0.5, see dcctl.assess.demand.latency"
_DECODE_ERROR: Final = 0.15
_PREFILL_ERROR: Final = {16: 0.2, 8: 0.3}
_BUSY_ERROR: Final = 0.35
"""Schedulers differ more than kernels: of 11 rows of TensorRT-LLM 0.6 with Llama 2, 9 are within it."""


def needs(spec: ServingSpec) -> ServingNeeds:
    """Return what it takes; UsageError when the layout is impossible for the model."""
    check(spec)
    weights, per_token = _weights(spec), _per_token(spec)
    reserve = RESERVE if spec.reserve_bytes is None else Estimate.exact(spec.reserve_bytes, "as told")
    room = _room(spec, weights, reserve)
    held = _sequences(spec, room.value, spec.longest)
    batch, bound = _batch(spec, room.value)
    return ServingNeeds(
        weights_bytes=weights,
        kv_bytes_per_token=per_token,
        reserve_bytes=reserve,
        kv_room_bytes=room,
        kv_tokens=_over(room, lambda one: _tokens(spec, one), "floor(room / (16 kv)) x 16, all groups"),
        concurrency=_over(room, lambda one: _sequences(spec, one, spec.longest), "blocks of 16 tokens"),
        batch=batch,
        bound=bound if held or batch else "weights",
        ttft_s=_spread(
            prefill(spec).total_s, _prefill_error(spec), "(2 N s + attention) / (n X) + layers + network"
        ),
        tpot_s=_spread(
            decode(spec, max(batch, 1)).total_s, _DECODE_ERROR, "max(bytes / BW, 2 N B / X) + layers"
        ),
        loaded_tpot_s=_busy(loaded_s(spec, max(batch, 1)), "B t_prefill / out + TPOT"),
        tokens_per_s=_busy(
            requests_per_s(spec, batch) * spec.output_tokens, "B out / (B t_prefill + out TPOT)"
        ),
        requests_per_s=_busy(requests_per_s(spec, batch), "B / (B t_prefill + out TPOT)"),
        replicas=_replicas(spec, batch),
        replicas_by=replicas_by(spec, batch),
        missed=_missed(spec),
    )


def check(spec: ServingSpec) -> None:
    """Raise UsageError when numbers are impossible, or the layout is for this model."""
    for name in ("input_tokens", "output_tokens", "tensor", "data", "expert", "kv_bits", "batch"):
        value = getattr(spec, name)
        if value is not None and not 1 <= value <= 1_000_000_000:
            raise UsageError(f"{name.replace('_', ' ')} {value:,}", "must be from 1 to 1,000,000,000")
    for name in ("rate", "ttft_s", "tpot_s"):
        value = getattr(spec, name)
        if value is not None and not 0 < value < inf:
            raise UsageError(f"{name.removesuffix('_s')} {value}", "must be above zero")
    if not 0 < spec.memory_share <= 1:
        raise UsageError(f"memory share {spec.memory_share}", "must be above 0 and at most 1")
    _check_layout(spec)
    if not rate(spec.gpu, 16):
        raise UsageError(spec.gpu.name, "has no known speed in 16 bits")


def _check_layout(spec: ServingSpec) -> None:
    for layers in spec.model.layers:
        heads, experts = layers.attention.heads, layers.mlp.experts
        if heads and heads % spec.tensor:
            raise UsageError(
                f"tensor parallelism {spec.tensor}", f"does not divide the {heads} heads of {spec.model.name}"
            )
        if spec.expert > 1 and experts and experts % spec.expert:
            raise UsageError(f"expert parallelism {spec.expert}", f"does not divide the {experts} experts")
    if spec.expert > 1 and not any(layers.mlp.experts for layers in spec.model.layers):
        raise UsageError(
            f"expert parallelism {spec.expert}", f"is for models with experts; {spec.model.name} has none"
        )
    if spec.gpus % spec.expert:
        raise UsageError(
            f"expert parallelism {spec.expert}", f"does not divide the {spec.gpus} accelerators of a replica"
        )
    longest = spec.model.context
    if longest is not None and spec.longest > longest:
        raise UsageError(
            f"{spec.longest:,} tokens", f"are more than the {longest:,} that {spec.model.name} is made for"
        )


def _weights(spec: ServingSpec) -> Estimate:
    """Each tensor in its own number format; where the files were measured, their sum, split in proportion."""
    value = sum(stored_bytes(part, spec) for part in parts(spec.model))
    formula = "sum over tensors of parameters x bits / 8 / ranks that split it"
    if spec.model.measured_bytes is not None and spec.weight_bits is None:
        extra = spec.model.extra_parameters * spec.model.weight_bits / 8
        value *= spec.model.measured_bytes / (weight_bytes(spec.model) + extra)
        formula = "bytes of the files x share of one accelerator"
    return Estimate.exact(value, formula, spec.model.source)


def _per_token(spec: ServingSpec) -> Estimate:
    value = kv_bytes_per_token(spec.model, spec.longest, spec.tensor, spec.kv_bits)
    return Estimate.exact(
        value,
        "sum over layers of 2 ceil(kv heads / TP) head dim bytes min(1, w / s); MLA: (d_c + d_rope) bytes",
        "arXiv 2309.06180; arXiv 2405.04434",
    )


def _room(spec: ServingSpec, weights: Estimate, reserve: Estimate) -> Estimate:
    budget = spec.gpu.memory_bytes * spec.memory_share - weights.value
    return Estimate(
        budget - reserve.value,
        budget - reserve.high,
        budget - reserve.low,
        "memory x share - weights - reserve",
        reserve.source,
    )


def _tokens(spec: ServingSpec, room: float) -> float:
    """All that fit, over the groups of a replica; no bound where nothing grows with a sequence."""
    per_token = kv_bytes_per_token(spec.model, spec.longest, spec.tensor, spec.kv_bits)
    return spec.data * tokens_that_fit(room, per_token) if per_token else inf


def _sequences(spec: ServingSpec, room: float, tokens: int) -> int:
    per_token = kv_bytes_per_token(spec.model, tokens, spec.tensor, spec.kv_bits)
    each = per_token * in_blocks(tokens) + state_bytes(spec.model, spec.tensor)
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
    factors = (1.0, 1 - _BUSY_ERROR, 1 + _BUSY_ERROR)
    found = [max(replicas_by(spec, batch, factor).values(), default=None) for factor in factors]
    value, low, high = found
    if value is None or low is None or high is None:
        return None
    return Estimate(value, low, high, f"max(KV, throughput, Erlang C at p{QUANTILE * 100:.0f})", _FITTED)


def _missed(spec: ServingSpec) -> tuple[str, ...]:
    times = {"ttft": (spec.ttft_s, prefill(spec).total_s), "tpot": (spec.tpot_s, loaded_s(spec, 1))}
    return tuple(name for name, (target, alone) in times.items() if target is not None and alone >= target)


def _over(room: Estimate, count: Callable[[float], float], formula: str) -> Estimate:
    return Estimate(count(room.value), count(room.low), count(room.high), formula, room.source)


def _prefill_error(spec: ServingSpec) -> float:
    return _PREFILL_ERROR[8 if 8 <= (spec.weight_bits or spec.model.weight_bits) < 9 else 16]


def _spread(value: float, error: float, formula: str) -> Estimate:
    return Estimate(value, value * (1 - error), value * (1 + error), formula, _FITTED)


def _busy(value: float, formula: str) -> Estimate:
    return _spread(value, _BUSY_ERROR, formula)
