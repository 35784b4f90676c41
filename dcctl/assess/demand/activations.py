"""What a rank keeps from the forward pass, what it works on in the backward one, and the scores of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.assess.demand.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.assess.demand.architecture import Layers
    from dcctl.assess.demand.shards import Stage
    from dcctl.assess.demand.training_spec import Stack, TrainingSpec

RECOMPUTATION: Final = "arXiv 2205.05198, table 2; FlashAttention keeps no scores"
_HALF: Final = 2
"""Bytes of a number of 16 bits."""
_LEAST: Final = 0.8
"""Share of the activations that a compiler, which fuses and recomputes, still keeps."""
_FRAGMENTS: Final = 1.25
"""Most: what the allocator cannot use."""
_LOGIT_BYTES: Final[dict[Stack, tuple[float, float, float]]] = {
    "fsdp": (12, 6, 16),
    "megatron": (8, 6, 12),
    "megatron-2021": (8, 6, 12),
    "deepspeed-zero3": (8, 6, 12),
}
"""Per token and word, usual, least (a loss that is fused or in chunks) and most: the scores in bf16 (2), in
fp32 (4), their gradient in bf16 (2). PyTorch's cross-entropy keeps the probabilities in fp32 beside them (4),
without a compiler twice; Megatron's works in place."""


def activations(spec: TrainingSpec, stage: Stage) -> Estimate:
    """Return the bytes of all layers of a stage: what is kept, and once the layer that is being computed.

    The latter is its activations where they are computed again, their gradients, and under sequence
    parallelism the two inputs that are gathered whole for its products.
    """
    kept, formula = _kept(spec)
    flying = in_flight(spec, stage) * stage.layers
    worked = saved(spec) * (1 if spec.layout.recompute == "none" else 2) + scores(spec) + _gathered(spec)
    value = (kept * flying + worked) * spec.pass_tokens
    return Estimate(
        value,
        value * _LEAST,
        value * _FRAGMENTS,
        f"{formula} x {flying:g} layers in flight + the layer at work",
        RECOMPUTATION,
    )


def logits(spec: TrainingSpec, stage: Stage) -> Estimate:
    """Return the bytes of the scores of all words, in the formats in which they are there at once."""
    scores = spec.pass_tokens * spec.model.vocabulary / spec.layout.tensor * stage.last
    usual, least, most = _LOGIT_BYTES[spec.stack]
    return Estimate(
        scores * usual,
        scores * least,
        scores * most,
        f"{usual:g} B x sbV/t: in bf16, in fp32, their gradient",
    )


def in_flight(spec: TrainingSpec, stage: Stage) -> float:
    """Return the micro-batches whose activations the stage keeps, as a multiple of its layers (1F1B)."""
    layout = spec.layout
    if layout.pipeline == 1:
        return 1.0
    if not stage.first:
        return 1.0 if stage.last else min(layout.pipeline - 1, spec.passes)
    whole = min(layout.pipeline, spec.passes)
    return whole * (1 + (layout.pipeline - 1) / (layout.pipeline * layout.virtual) * (layout.virtual > 1))


def along(spec: TrainingSpec) -> int:
    """Return into how many parts sequence parallelism splits what TP leaves whole: not before 2022."""
    split = spec.layout.sequence_parallel and spec.stack != "megatron-2021"
    return spec.layout.tensor if split else 1


def saved(spec: TrainingSpec) -> float:
    """Return the bytes of a token and layer with nothing computed again: inputs of norms and products.

    Transformer Engine keeps the inputs of products in FP8 where it multiplies so; PyTorch does not. Models of
    2021 had dropout, whose masks are kept as well.
    """
    eighths = spec.precision != "bf16" and spec.stack == "megatron"
    masks = 2.0 if spec.stack == "megatron-2021" else 0.0
    whole = (6.0 if eighths else 8.0 + masks) * spec.model.hidden / along(spec)
    less = _mean(spec, lambda one, _: _wide(one)) if eighths else 0.0
    return whole + (_mean(spec, _inner) - less) / spec.layout.tensor


def _kept(spec: TrainingSpec) -> tuple[float, str]:
    """(bytes per token and layer, formula)."""
    layout, hidden = spec.layout, spec.model.hidden
    if layout.recompute == "full":
        return 2.0 * hidden / along(spec), "2sbh/t" if along(spec) > 1 else "2sbh"
    if layout.recompute == "selective" and spec.stack == "fsdp":
        half = _mean(spec, _products) / layout.tensor / 2
        return half + 2.0 * hidden / along(spec), "2sbh, output of attention, every second product"
    if layout.recompute == "selective":
        return saved(spec), "sbh(8 + inner/t), attention again"
    return saved(spec) + scores(spec), "sbh(8 + inner/t + 5as/ht)" if scores(spec) else "sbh(8 + inner/t)"


def scores(spec: TrainingSpec) -> float:
    """Each token with each other: FlashAttention, which came in 2022, never has them all at once."""
    if spec.stack not in ("megatron-2021", "deepspeed-zero3"):
        return 0.0
    return _mean(spec, lambda one, _: 5.0 * one.attention.heads) * spec.sequence / spec.layout.tensor


def _gathered(spec: TrainingSpec) -> float:
    """Inputs of both parts of a layer, whole on each rank; and their gradients."""
    return 8.0 * spec.model.hidden * (along(spec) > 1)


def _mean(spec: TrainingSpec, of: Callable[[Layers, int], float]) -> float:
    """Over all layers."""
    layers = spec.model.layers
    return sum(of(one, spec.model.hidden) * one.count for one in layers) / spec.model.depth


def _inner(layers: Layers, hidden: int) -> float:
    """Queries, keys, values, their mix, and the feed-forward part: 24h for GPT."""
    each = 6 if layers.mlp.gated else 4
    return 2 * _mixed(layers) + each * _wide(layers) + 2 * _HALF * layers.mlp.active * hidden


def _products(layers: Layers, hidden: int) -> float:
    """Outputs of the products, and twice the output of attention, which is kept whole."""
    attention = layers.attention
    mixed = attention.heads * (attention.head_dim or attention.value_dim)
    columns = _mixed(layers) - mixed + 2 * hidden + (1 + layers.mlp.gated) * _wide(layers)
    return _HALF * (columns + 2 * mixed)


def _mixed(layers: Layers) -> float:
    """Width of queries, keys, values and output of attention."""
    one = layers.attention
    return 2.0 * (one.heads + one.kv_heads) * (one.head_dim or one.value_dim)


def _wide(layers: Layers) -> float:
    """Width of what a token uses of the feed-forward part."""
    mlp = layers.mlp
    return mlp.active * mlp.expert_width + mlp.shared_width if mlp.experts else mlp.width
