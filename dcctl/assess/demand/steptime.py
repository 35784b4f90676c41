"""How long one optimizer step takes: what the hardware would need, each part times a fitted coefficient.

A coefficient of 1.25 says that the part takes 1.25 times as long as at the hardware's rate: for products
the highest rate that was measured (MAMF), for memory and links what the vendor states. `coefficients` has
the values, `dcctl assess check` fits them again without the case that they are scored on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.assess.demand.operations import forward
from dcctl.assess.demand.shards import Stage, expert_copies, shard, stages
from dcctl.assess.demand.traffic import (
    context_bytes,
    context_reach,
    expert_bytes,
    gathered_s,
    gradients_s,
    hops_s,
    link_bytes_per_s,
    tensor_bytes,
)

if TYPE_CHECKING:
    from dcctl.assess.demand.training_spec import TrainingSpec

LAUNCH_S = 1e-4
"""One layer of one micro-batch, forward and backward: the unit of the coefficient `launch`."""
LOGIT_BYTES = 4
"""One pass over the scores of the vocabulary, in fp32: the unit of the coefficient `logits`."""
STATE_TRAFFIC_BYTES = 30
"""Read and written per parameter in an optimizer step."""


class Parts(Struct, frozen=True):
    """Seconds of one step at the hardware's rates, by the name of their coefficient."""

    busy: dict[str, float]
    """One after the other."""
    wire: dict[str, float]
    """Beside all of it: the step takes at least this long."""
    bubble: float
    """Share by which an empty pipeline prolongs the step."""


def family(name: str) -> str:
    """Return the generation that shares a coefficient: A100, H100, B200, GB200, GB300; else the name."""
    upper = name.upper()
    for known, meant in _FAMILIES:
        if known in upper:
            return meant
    return name


_FAMILIES = (
    ("GB300", "GB300"),
    ("B300", "GB300"),
    ("GB200", "GB200"),
    ("B200", "B200"),
    ("H100", "H100"),
    ("H200", "H100"),
    ("H800", "H100"),
    ("GH200", "H100"),
    ("A100", "A100"),
    ("A800", "A100"),
)


def reached(spec: TrainingSpec, number_format: str) -> float:
    """Return the most operations per second of a format: measured, or in proportion to BF16."""
    gpu = spec.gpu
    peak = gpu.peak_flops.get("fp8" if number_format == "mxfp8" else number_format) or gpu.peak_flops["bf16"]
    return peak * gpu.reached_flops.get("bf16", USUAL_REACH * gpu.peak_flops["bf16"]) / gpu.peak_flops["bf16"]


USUAL_REACH = 0.78
"""Of the peak, where nobody measured: H100 and B200 reach 0.80 and 0.78 (stas00/ml-engineering)."""


def step_parts(spec: TrainingSpec) -> Parts:
    """Return the parts of a step on its slowest pipeline stage. The layout must be possible."""
    bubble = (spec.layout.pipeline - 1) / (spec.layout.virtual * spec.passes)
    slowest = max(stages(spec.model, spec.layout), key=lambda stage: sum(_work(spec, stage).values()))
    piped = _work(spec, slowest) | _beside(spec, slowest)
    busy = {name: seconds * (1 + bubble) for name, seconds in piped.items() if seconds}
    busy |= _once(spec, slowest)
    gathered = gathered_s(spec, shard(spec.model, spec.layout, slowest).total)
    beside = "zero3/wire" if spec.stack == "deepspeed-zero3" else ""
    if gathered and spec.stack == "fsdp":
        busy["zero3/hops"] = hops_s(spec, slowest.layers)
    if gathered and not beside:
        near = spec.stack == "megatron" and spec.layout.gpus <= spec.gpu.domain
        busy["zero3/megatron" if near else "zero3/fsdp"] = gathered  # beyond NVLink only PyTorch was measured
    return Parts(busy, {beside: gathered} if beside and gathered else {}, bubble)


def _work(spec: TrainingSpec, stage: Stage) -> dict[str, float]:
    """Products."""
    layout, per = spec.layout, forward(spec.model, spec.sequence)
    tokens = spec.step_tokens / (layout.data * layout.context * layout.tensor)
    part = stage.layers / spec.model.depth
    times = (3.0 if spec.fresh else 2.0) + (layout.recompute == "full")
    kernel = family(spec.gpu.name) if spec.stack == "fsdp" else spec.stack
    return {
        _matmul(spec): tokens * times * per.layers * part / reached(spec, spec.precision),
        "head": tokens * 3 * per.head * stage.last / reached(spec, "bf16"),
        f"attention/{kernel}": tokens
        * (3 + (layout.recompute == "full"))
        * (per.attention / 2 if spec.stack in ("megatron-2021", "deepspeed-zero3") else per.causal)
        * part
        / reached(spec, "bf16"),
    }


def _matmul(spec: TrainingSpec) -> str:
    """FP8 recipes come nearer to the hardware from one generation to the next; BF16 does so everywhere."""
    stack = "megatron-2021" if spec.stack == "deepspeed-zero3" else spec.stack
    generation = f"/{family(spec.gpu.name)}" if spec.stack == "megatron" and spec.precision != "bf16" else ""
    return f"matmul/{stack}/{spec.precision}{generation}"


def _beside(spec: TrainingSpec, stage: Stage) -> dict[str, float]:
    """Memory traffic, launches and the messages of each micro-batch."""
    layout = spec.layout
    again = 1 + (layout.recompute == "full") / 3
    rows = spec.pass_tokens * stage.layers * spec.passes
    found = {
        "elementwise": rows * activation_width(spec) / layout.tensor * again / spec.gpu.bandwidth_bytes_per_s,
        "launch": stage.layers * spec.passes * LAUNCH_S,
    }
    if stage.last:
        logits = spec.pass_tokens * spec.passes * spec.model.vocabulary / layout.tensor * LOGIT_BYTES
        found["logits"] = logits / spec.gpu.bandwidth_bytes_per_s
    if layout.expert > 1:
        reach = layout.tensor * layout.expert
        found["experts"] = expert_bytes(spec, stage.layers) / link_bytes_per_s(spec.gpu, reach) * again
    if layout.tensor > 1:
        found["tensor"] = tensor_bytes(spec, stage.layers) / link_bytes_per_s(spec.gpu, layout.tensor) * again
    if layout.context > 1:
        found["context"] = _unhidden_s(spec, stage)
    return found


def _unhidden_s(spec: TrainingSpec, stage: Stage) -> float:
    """What a ring of context-parallel ranks sends for longer than attention computes beside it.

    No published run that was fitted does: it counts as long as it takes. What stages of a pipeline send is
    hidden wholly, by the runs, and is no part.
    """
    sent = context_bytes(spec, stage.layers) / link_bytes_per_s(spec.gpu, context_reach(spec))
    work = _work(spec, stage)
    return max(0.0, sent - sum(seconds for name, seconds in work.items() if name.startswith("attention")))


def activation_width(spec: TrainingSpec) -> float:
    """Return the bytes that a token leaves in a layer: 18 h + 4 f of arXiv 2205.05198, 6 f if gated."""
    model, mean = spec.model, 0.0
    for layers in model.layers:
        mlp = layers.mlp
        wide = mlp.active * mlp.expert_width + mlp.shared_width if mlp.experts else mlp.width
        mean += layers.count * (18 * model.hidden + (6 if mlp.gated else 4) * wide)
    return mean / model.depth


def _once(spec: TrainingSpec, stage: Stage) -> dict[str, float]:
    """The optimizer, and the gradients that are exchanged before it."""
    layout = spec.layout
    held = shard(spec.model, layout, stage)
    copies = layout.data * layout.context if layout.zero else 1
    state = held.dense / copies + held.experts / (expert_copies(layout) if layout.zero else 1)
    found = {"optimizer": state * STATE_TRAFFIC_BYTES / spec.gpu.bandwidth_bytes_per_s} if spec.fresh else {}
    exchanged = gradients_s(spec, held.total) if spec.fresh else 0.0
    if exchanged:
        found["gradients" if layout.zero else "gradients/whole"] = exchanged
    return found
