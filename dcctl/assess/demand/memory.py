"""What the most loaded accelerator holds while a model is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from dcctl.assess.demand.estimate import Estimate
from dcctl.assess.demand.shards import adapters, expert_copies, shard, stages
from dcctl.assess.demand.training_spec import OPTIMIZER_BYTES

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Layers
    from dcctl.assess.demand.shards import Shard, Stage
    from dcctl.assess.demand.training_spec import TrainingSpec

GIB: Final = 1 << 30
WEIGHT_BYTES: Final = 2
"""In bf16: FP8 recipes keep bf16 weights too."""
FP8_COPY_BYTES: Final = 1
"""The FP8 copy of a weight; some recipes keep a transposed one as well, some none."""
ZERO: Final = "ZeRO, arXiv 1910.02054, section 5; Megatron-LM theoretical_memory_usage.py"
RECOMPUTATION: Final = "arXiv 2205.05198, table 2"
RESERVE: Final = Estimate(
    3.0 * GIB, 1.0 * GIB, 5.0 * GIB, "context, NCCL buffers, workspaces, fragmentation", "EleutherAI/cookbook"
)
_MASKS: Final = 0.8
"""Least share of the activations of table 2: without dropout there are no masks."""
_FRAGMENTS: Final = 1.25
"""Most: what the allocator cannot use."""


class Memory(Struct, frozen=True):
    """One accelerator's, in bytes."""

    weights: Estimate
    gradients: Estimate
    optimizer: Estimate
    activations: Estimate
    logits: Estimate
    reserve: Estimate = RESERVE

    @property
    def parts(self) -> tuple[tuple[str, Estimate], ...]:
        """Each with its name."""
        return (
            ("weights", self.weights),
            ("gradients", self.gradients),
            ("optimizer", self.optimizer),
            ("activations", self.activations),
            ("logits", self.logits),
            ("reserve", self.reserve),
        )

    @property
    def total(self) -> Estimate:
        """The sum; its ends are those of all parts at once, which is wider than 90 %."""
        found = [estimate for _, estimate in self.parts]
        return Estimate(
            sum(one.value for one in found),
            sum(one.low for one in found),
            sum(one.high for one in found),
            "weights + gradients + optimizer + activations + logits + reserve",
        )


def memory(spec: TrainingSpec) -> Memory:
    """Return what the most loaded rank of a possible layout holds."""
    return max(
        (_of(spec, stage) for stage in stages(spec.model, spec.layout)), key=lambda one: one.total.value
    )


def _of(spec: TrainingSpec, stage: Stage) -> Memory:
    held = shard(spec.model, spec.layout, stage)
    return Memory(
        weights=_weights(spec, held, stage),
        gradients=_split(spec, _trained(spec, held, stage), spec.gradient_bytes, 2, "gradients"),
        optimizer=_split(
            spec, _trained(spec, held, stage), OPTIMIZER_BYTES[spec.optimizer], 1, spec.optimizer
        ),
        activations=_activations(spec, stage),
        logits=_logits(spec, stage),
    )


def _trained(spec: TrainingSpec, held: Shard, stage: Stage) -> Shard:
    """All parameters, or the adapters alone."""
    if spec.lora_rank is None:
        return held
    part = stage.layers / spec.model.depth / spec.layout.tensor
    return type(held)(adapters(spec.model, spec.lora_rank) * part, 0.0)


def _weights(spec: TrainingSpec, held: Shard, stage: Stage) -> Estimate:
    each = WEIGHT_BYTES if spec.fresh else spec.model.weight_bits / 8
    base = _split(spec, held, each, 3, "weights")
    added = Estimate.exact(0.0 if spec.fresh else _trained(spec, held, stage).total * WEIGHT_BYTES)
    if spec.fresh and spec.precision != "bf16":
        copy = _divided(spec, held, 3) * FP8_COPY_BYTES
        added = Estimate(copy, 0.0, 2 * copy)
    if spec.layout.zero == 3:
        gathered = 2 * held.total / max(stage.layers, 1) * WEIGHT_BYTES  # the layer in use and the next
        added = Estimate(added.value + gathered, added.low + gathered / 2, added.high + gathered * 1.5)
    return Estimate(
        base.value + added.value, base.low + added.low, base.high + added.high, base.formula, base.source
    )


def _split(spec: TrainingSpec, held: Shard, each: float, stage: int, name: str) -> Estimate:
    """State of so many bytes per parameter, which ZeRO splits from that stage on."""
    ways = spec.layout.data * spec.layout.context if spec.layout.zero >= stage else 1
    over = f" / {ways} (ZeRO-{spec.layout.zero})" if ways > 1 else ""
    return Estimate.exact(
        _divided(spec, held, stage) * each,
        f"{each:g} B x {held.total / 1e9:.4g}e9 parameters{over}: {name}",
        ZERO,
    )


def _divided(spec: TrainingSpec, held: Shard, stage: int) -> float:
    if spec.layout.zero < stage:
        return held.total
    return held.dense / (spec.layout.data * spec.layout.context) + held.experts / expert_copies(spec.layout)


def _activations(spec: TrainingSpec, stage: Stage) -> Estimate:
    layout = spec.layout
    kept, formula = _per_token(spec)
    flying = _in_flight(spec, stage) * stage.layers
    value = kept * flying * spec.pass_tokens
    if layout.recompute == "full":  # and the layer that is computed again
        value += _split_bytes(spec) * spec.pass_tokens
    return Estimate(
        value,
        value * (1.0 if layout.recompute == "full" else _MASKS),
        value * _FRAGMENTS,
        f"{formula} x {flying:g} layers in flight",
        RECOMPUTATION,
    )


def _per_token(spec: TrainingSpec) -> tuple[float, str]:
    """(bytes per token and layer, formula)."""
    layout, hidden = spec.layout, spec.model.hidden
    if layout.recompute == "full":
        return 2.0 * hidden, "2sbh"
    if layout.recompute == "selective":
        return _split_bytes(spec), "sbh(10/t or 10 + split/t), attention again"
    scores = sum(5.0 * one.attention.heads * one.count for one in spec.model.layers) / spec.model.depth
    return _split_bytes(spec) + scores * spec.sequence / layout.tensor, "sbh(10 + 24/t + 5as/ht)"


def _split_bytes(spec: TrainingSpec) -> float:
    """Inputs of norms and products (whole, unless sequence parallelism splits them), and what TP splits."""
    layout = spec.layout
    whole = 10.0 * spec.model.hidden / (layout.tensor if layout.sequence_parallel else 1)
    inner = sum(_inner(one, spec.model.hidden) * one.count for one in spec.model.layers) / spec.model.depth
    return whole + inner / layout.tensor


def _inner(layers: Layers, hidden: int) -> float:
    """Queries, keys, values, their mix, and the feed-forward part: 24h for GPT."""
    attention, mlp = layers.attention, layers.mlp
    mixed = 2.0 * (2 * attention.heads + 2 * attention.kv_heads) * (attention.head_dim or attention.value_dim)
    each = 6 if mlp.gated else 4
    if not mlp.experts:
        return mixed + each * mlp.width
    tokens = 4.0 * mlp.active * hidden  # copies that go to the experts, and what comes back
    return mixed + each * (mlp.active * mlp.expert_width + mlp.shared_width) + tokens


def _in_flight(spec: TrainingSpec, stage: Stage) -> float:
    """Micro-batches whose activations the stage keeps, as a multiple of its layers (1F1B)."""
    layout = spec.layout
    if layout.pipeline == 1:
        return 1.0
    if not stage.first:
        return 1.0 if stage.last else min(layout.pipeline - 1, spec.passes)
    whole = min(layout.pipeline, spec.passes)
    return whole * (1 + (layout.pipeline - 1) / (layout.pipeline * layout.virtual) * (layout.virtual > 1))


def _logits(spec: TrainingSpec, stage: Stage) -> Estimate:
    value = 4.0 * spec.pass_tokens * spec.model.vocabulary / spec.layout.tensor * stage.last
    return Estimate(value, value, value * 2.5, "4sbV/t (fp32); bf16 scores and their gradient beside at most")
