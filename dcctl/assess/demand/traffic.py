"""What is sent between accelerators in one optimizer step, and over which links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from dcctl.assess.demand.exchange import PCIE_BPS
from dcctl.assess.demand.shards import shard, stages

if TYPE_CHECKING:
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.training_spec import TrainingSpec

Link: TypeAlias = Literal["nvlink", "pcie", "rail", "spine"]
"""Inside one NVLink domain, or one node without it; between domains on one rail; between rails."""
ACTIVATION_BYTES = 2
HOP_S = 1e-6
"""From one rank of a ring to the next, without data: the unit of the coefficient `zero3/hops`."""


class Flow(Struct, frozen=True):
    """What one accelerator sends for one kind of parallelism in one step."""

    kind: str
    """`tensor`, `pipeline`, `context`, `gradients`, `weights`, `experts`."""
    link: Link
    bytes: float
    seconds: float | None
    """At the rate that the link is said to have; None: nobody knows that."""
    formula: str


def flows(spec: TrainingSpec) -> tuple[Flow, ...]:
    """Return what the most loaded stage sends, per accelerator and step; what is nothing is left out."""
    stage = max(stages(spec.model, spec.layout), key=lambda one: shard(spec.model, spec.layout, one).total)
    held = shard(spec.model, spec.layout, stage).total
    found = (
        _flow(
            spec, "tensor", tensor_bytes(spec, stage.layers), spec.layout.tensor, "8bsh(t-1)/t x 2 B x layers"
        ),
        _flow(spec, "pipeline", pipeline_bytes(spec), spec.gpu.domain + 1, "bsh x 2 B each way per boundary"),
        _flow(
            spec,
            "context",
            context_bytes(spec, stage.layers),
            context_reach(spec),
            "keys and values x (c-1)/c",
        ),
        _replicas(
            spec, "gradients", gradient_bytes(spec, held), gradients_s(spec, held), "2(d-1)/d x gradients"
        ),
        _replicas(
            spec, "weights", gathered_bytes(spec, held), gathered_s(spec, held), "2 B x weights x times sent"
        ),
        _flow(
            spec,
            "experts",
            expert_bytes(spec, stage.layers),
            _expert_reach(spec),
            "4kbsh(e-1)/e x 2 B x layers",
        ),
    )
    return tuple(flow for flow in found if flow.bytes)


def tensor_bytes(spec: TrainingSpec, layers: float) -> float:
    """Return `8bsh(t-1)/t` elements per layer and micro-batch (arXiv 2205.05198, section 4.2)."""
    tensor = spec.layout.tensor
    each = 8 * spec.pass_tokens * spec.model.hidden * (tensor - 1) / tensor * ACTIVATION_BYTES
    return each * layers * spec.passes


def pipeline_bytes(spec: TrainingSpec) -> float:
    """Return what crosses a boundary, forward and back, on each chunk of layers: split over the TP ranks."""
    layout = spec.layout
    if layout.pipeline == 1:
        return 0.0
    each = spec.pass_tokens * spec.model.hidden / layout.tensor * ACTIVATION_BYTES
    return 2 * each * layout.virtual * spec.passes


def context_bytes(spec: TrainingSpec, layers: float) -> float:
    """Return the keys and values that a ring passes on, and their gradients on the way back."""
    context = spec.layout.context
    wide = sum(one.count * 2 * one.attention.kv_heads * one.attention.head_dim for one in spec.model.layers)
    each = spec.pass_tokens * wide / spec.model.depth / spec.layout.tensor * ACTIVATION_BYTES
    return 2 * each * (context - 1) * layers * spec.passes


def expert_bytes(spec: TrainingSpec, layers: float) -> float:
    """Return `4kbsh(e-1)/e`: tokens to their experts and back, in both passes."""
    expert = spec.layout.expert
    used = sum(one.count * one.mlp.active for one in spec.model.layers if one.mlp.experts) / spec.model.depth
    each = 4 * used * spec.pass_tokens * spec.model.hidden / spec.layout.tensor * ACTIVATION_BYTES
    return each * (expert - 1) / expert * layers * spec.passes


def gradient_bytes(spec: TrainingSpec, held: float) -> float:
    """Return what replicas exchange once in a step: all-reduce, or reduce-scatter and all-gather of weights.

    ZeRO-2 scatters its gradients in each micro-batch: there the weights alone are gathered once. FSDP gathers
    them in each micro-batch, too, and has nothing left to exchange then.
    """
    layout = spec.layout
    ranks = layout.data * layout.context
    each = {0: 2 * spec.gradient_bytes, 1: 6, 2: ACTIVATION_BYTES, 3: 0}[layout.zero]
    if layout.zero == 2 and spec.stack == "fsdp":
        each = 0
    return (ranks - 1) / ranks * held * each


def gathered_bytes(spec: TrainingSpec, held: float) -> float:
    """Return what is sent beside that: weights that are gathered, and gradients that are scattered."""
    layout = spec.layout
    ranks = layout.data * layout.context
    return _times_sent(spec) * ACTIVATION_BYTES * held * (ranks - 1) / ranks


def _times_sent(spec: TrainingSpec) -> int:
    """How often as many bytes as there are weights go to the other ranks in a step.

    ZeRO-3 gathers weights in both passes of a micro-batch, FSDP without resharding after the forward pass
    (ZeRO-2) in one, and in a pipeline once in a step; gradients are scattered each time, or once.
    """
    zero, passes = spec.layout.zero, spec.passes
    if spec.stack != "fsdp":
        return {2: 1, 3: 3}.get(zero, 0) * passes
    if zero < 2:
        return 0
    if spec.layout.pipeline > 1:
        return 2
    return passes * (zero - 1) + (1 if spec.whole_gradients else passes)


def hops_s(spec: TrainingSpec, layers: float) -> float:
    """Return the time of the hops of all rings: each layer's weights pass through every replica."""
    return _times_sent(spec) * layers * (spec.layout.data * spec.layout.context - 1) * HOP_S


def gradients_s(spec: TrainingSpec, held: float) -> float:
    """Return the time of `gradient_bytes` at the rate of the links between replicas."""
    return gradient_bytes(spec, held) / replica_rate(spec)


def gathered_s(spec: TrainingSpec, held: float) -> float:
    """Return the time of `gathered_bytes` at the rate of the links between replicas."""
    return gathered_bytes(spec, held) / replica_rate(spec)


def replica_rate(spec: TrainingSpec) -> float:
    """Return bytes per second into one replica group: NVLink, or those NICs of a domain that it has."""
    gpu, layout = spec.gpu, spec.layout
    near = link_bytes_per_s(gpu, 1)
    if layout.gpus <= gpu.domain or not gpu.nic_bytes_per_s:
        return near
    return min(near, gpu.nic_bytes_per_s * max(1.0, gpu.domain / layout.tensor))


def link_bytes_per_s(gpu: Gpu, reach: int) -> float:
    """Return bytes per second between so many neighbours: NVLink, PCIe where there is none, or the network.

    A network of unknown rate is taken to be as fast as what is inside of the node.
    """
    inside = float(gpu.nvlink_bytes_per_s or PCIE_BPS)
    return inside if reach <= gpu.domain or not gpu.nic_bytes_per_s else float(gpu.nic_bytes_per_s)


def _flow(spec: TrainingSpec, kind: str, count: float, reach: int, formula: str) -> Flow:
    near = reach <= spec.gpu.domain
    known = near or spec.gpu.nic_bytes_per_s
    link: Link = _inside(spec.gpu) if near else "rail"
    return Flow(kind, link, count, count / link_bytes_per_s(spec.gpu, reach) if known else None, formula)


def _inside(gpu: Gpu) -> Link:
    return "nvlink" if gpu.nvlink_bytes_per_s else "pcie"


def _replicas(spec: TrainingSpec, kind: str, count: float, seconds: float, formula: str) -> Flow:
    inside = spec.layout.gpus <= spec.gpu.domain
    across = spec.layout.gpus > spec.gpu.domain * 32
    return Flow(kind, _inside(spec.gpu) if inside else "spine" if across else "rail", count, seconds, formula)


def context_reach(spec: TrainingSpec) -> int:
    """Return over how many neighbouring accelerators a ring of context-parallel ranks lies."""
    return spec.layout.tensor * spec.layout.context


def _expert_reach(spec: TrainingSpec) -> int:
    return spec.layout.tensor * spec.layout.expert
