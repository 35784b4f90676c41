"""What the most loaded accelerator holds while a model is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from dcctl.assess.demand.activations import activations, logits
from dcctl.assess.demand.estimate import Estimate
from dcctl.assess.demand.shards import adapters, expert_copies, shard, stages
from dcctl.assess.demand.training_spec import OPTIMIZER_BYTES

if TYPE_CHECKING:
    from dcctl.assess.demand.shards import Shard, Stage
    from dcctl.assess.demand.training_spec import TrainingSpec

GIB: Final = 1 << 30
WEIGHT_BYTES: Final = 2
"""In bf16: FP8 recipes keep bf16 weights too."""
FP8_COPY_BYTES: Final = 1
"""The FP8 copy of a weight; some recipes keep a transposed one as well, some none."""
_NEVER: Final = 4
"""A stage that ZeRO does not have."""
ZERO: Final = "ZeRO, arXiv 1910.02054, section 5; Megatron-LM theoretical_memory_usage.py"
RESERVE: Final = Estimate(
    3.0 * GIB, 1.0 * GIB, 5.0 * GIB, "context, NCCL buffers, workspaces, fragmentation", "EleutherAI/cookbook"
)
SPREAD: Final = 0.43
"""90 % of the peaks that other projects measured are not further off, by so much more or less."""
PEAKS: Final = "as far as measured peaks were off: dcctl assess check"


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
        """The sum, and how far sums were off the peaks that were measured."""
        value = sum(estimate.value for _, estimate in self.parts)
        return interval(value)


def interval(value: float, spread: float = SPREAD) -> Estimate:
    """Return a peak with what such sums were off by."""
    formula = "weights + gradients + optimizer + activations + logits + reserve"
    return Estimate(value, value / (1 + spread), value * (1 + spread), formula, PEAKS)


def memory(spec: TrainingSpec) -> Memory:
    """Return what the most loaded rank of a possible layout holds at its peak."""
    return max(
        (_of(spec, stage) for stage in stages(spec.model, spec.layout)), key=lambda one: one.total.value
    )


def _of(spec: TrainingSpec, stage: Stage) -> Memory:
    held = shard(spec.model, spec.layout, stage)
    trained = _trained(spec, held, stage)
    return Memory(
        weights=_weights(spec, held, stage),
        gradients=state(spec, trained, "gradients"),
        optimizer=state(spec, trained, "optimizer"),
        activations=activations(spec, stage),
        logits=logits(spec, stage),
    )


def state(spec: TrainingSpec, held: Shard, part: Literal["weights", "gradients", "optimizer"]) -> Estimate:
    """Return what of the parameters of a rank is kept all the time, as ZeRO splits it."""
    if part == "weights":
        each = WEIGHT_BYTES if spec.fresh else spec.model.weight_bits / 8
        return _split(spec, held, 0.0 if _from_master(spec) else each, 3, part)
    if part == "gradients":
        return _split(spec, held, spec.gradient_bytes, _NEVER if _unsynced(spec) else 2, part)
    return _split(spec, held, OPTIMIZER_BYTES[spec.optimizer], 1, spec.optimizer)


def _unsynced(spec: TrainingSpec) -> bool:
    """Whether PyTorch keeps whole gradients between micro-batches: always in a pipeline, else where told."""
    piped = spec.layout.pipeline > 1 and spec.stack == "fsdp"
    return piped or (spec.whole_gradients and spec.passes > 1)


def _trained(spec: TrainingSpec, held: Shard, stage: Stage) -> Shard:
    """All parameters, or the adapters alone."""
    if spec.lora_rank is None:
        return held
    part = stage.layers / spec.model.depth / spec.layout.tensor
    return type(held)(adapters(spec.model, spec.lora_rank) * part, 0.0)


def _weights(spec: TrainingSpec, held: Shard, stage: Stage) -> Estimate:
    """Those that the products read, and those of their format beside them."""
    base = state(spec, held, "weights")
    added = _gathered(spec, held, stage)
    if not spec.fresh:
        added += Estimate.exact(_trained(spec, held, stage).total * WEIGHT_BYTES)
    elif spec.precision != "bf16" and spec.stack != "fsdp":  # FSDP casts the layer that it gathers
        copy = _divided(spec, held, 3) * FP8_COPY_BYTES
        added += Estimate(copy, 0.0, 2 * copy)
    whole = base + added
    return Estimate(whole.value, whole.low, whole.high, base.formula, base.source)


def _from_master(spec: TrainingSpec) -> bool:
    """Whether the fp32 master, cast to bf16 where it is gathered, is all that is kept of the weights."""
    return spec.stack == "fsdp" and spec.fresh and spec.optimizer != "adamw-bf16"


def _gathered(spec: TrainingSpec, held: Shard, stage: Stage) -> Estimate:
    """Weights that are whole for a while: under ZeRO-3 of two layers, of ZeRO-2 and in a pipeline of all.

    The embedding and the head are gathered with a layer each.
    """
    zero, ranks = spec.layout.zero, spec.layout.data * spec.layout.context
    if ranks == 1 and not _from_master(spec):
        return Estimate.exact(0.0)
    if spec.stack == "fsdp" and (zero < 3 or spec.layout.pipeline > 1):
        return Estimate.exact(held.total * WEIGHT_BYTES)
    if zero < 3:
        return Estimate.exact(0.0)
    tables = spec.model.vocabulary * spec.model.hidden / spec.layout.tensor
    outer = tables * (stage.first + (stage.last and not (spec.model.tied and stage.first)))
    layer = max(held.total - outer, 0.0) / max(stage.layers, 1)
    two = (2 * layer + outer) * WEIGHT_BYTES
    return Estimate(two, two / 2, two * 2)


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
