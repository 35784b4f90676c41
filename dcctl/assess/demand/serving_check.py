"""What is asked of a served model, held against what is possible."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from dcctl.assess.demand.roofline import rate
from dcctl.errors import UsageError

if TYPE_CHECKING:
    from dcctl.assess.demand.serving import ServingSpec

_MOST: Final = 1_000_000_000
_COUNTS: Final = (
    "input_tokens", "output_tokens", "context", "tensor", "pipeline", "data", "expert", "batch", "lora_rank",
    "adapters",
)  # fmt: skip


def check(spec: ServingSpec) -> None:
    """Raise UsageError when a number is impossible, or the layout is for this model."""
    for name in _COUNTS:
        _between(name.replace("_", " "), getattr(spec, name), 1, _MOST)
    for name in ("weight_bits", "kv_bits"):
        _between(name.replace("_", " "), getattr(spec, name), 1, 64)
    _between("reserve bytes", spec.reserve_bytes, 0, inf)
    for name in ("rate", "ttft_s", "tpot_s"):
        value = getattr(spec, name)
        if value is not None and not 0 < value < inf:
            raise UsageError(f"{name.removesuffix('_s')} {value}", "must be above zero")
    if not 0 < spec.memory_share <= 1:
        raise UsageError(f"memory share {spec.memory_share}", "must be above 0 and at most 1")
    if not rate(spec.gpu, 16):
        raise UsageError(spec.gpu.name, "has no known speed in 16 bits")
    _check_context(spec)
    _check_heads(spec)
    _check_experts(spec)


def _between(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise UsageError(f"{name} {value:,}", f"must be from {least:,} to {most:,}")


def _check_context(spec: ServingSpec) -> None:
    model, asked = spec.model, max(spec.longest, spec.input_tokens + spec.output_tokens)
    if model.context is not None and asked > model.context:
        raise UsageError(
            f"{asked:,} tokens", f"are more than the {model.context:,} that {model.name} is made for"
        )


def _check_heads(spec: ServingSpec) -> None:
    model = spec.model
    if spec.pipeline > model.depth:
        raise UsageError(
            f"pipeline of {spec.pipeline}", f"has more stages than the {model.depth} layers of {model.name}"
        )
    for heads in sorted({layers.attention.heads for layers in model.layers}):
        if heads % spec.tensor:
            raise UsageError(
                f"tensor parallelism {spec.tensor}", f"does not divide the {heads} heads of {model.name}"
            )


def _check_experts(spec: ServingSpec) -> None:
    if spec.expert == 1:
        return
    what, ranks = f"expert parallelism {spec.expert}", spec.tensor * spec.data
    counts = sorted({layers.mlp.experts for layers in spec.model.layers} - {0})
    if not counts:
        raise UsageError(what, f"is for models with experts; {spec.model.name} has none")
    for count in counts:
        if count < spec.expert:
            raise UsageError(what, f"has more ranks than the {count} experts of {spec.model.name}")
    if ranks % spec.expert:
        raise UsageError(what, f"does not divide the {ranks} accelerators that hold a layer")
