"""Layouts that cannot be, each with its reason."""

from __future__ import annotations

from shlex import join
from typing import TYPE_CHECKING

from dcctl.assess.demand.memory import memory
from dcctl.assess.demand.shards import slots
from dcctl.errors import UsageError
from dcctl.units import memory as shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.training_spec import TrainingSpec


def hint(spec: TrainingSpec, gpus: int | None = None) -> str:
    """Return the command that finds a layout in place of the one that cannot be."""
    one = spec.layout
    count = gpus or one.tensor * one.pipeline * one.context * one.data
    words = (
        "dcctl",
        "assess",
        "demand",
        *(spec.model.typed or (spec.model.name,)),
        "--gpu",
        spec.gpu.name,
        "--gpus",
        str(count),
        "--search",
    )
    return join(words)


def lacking(gpu: Gpu, precision: str) -> str:
    """Return why an accelerator cannot train in a number format; empty: it can."""
    if ("bf16" if precision == "bf16" else "fp8") in gpu.peak_flops:
        return ""
    return f"{gpu.name} cannot multiply in {precision}; it can in {', '.join(sorted(gpu.peak_flops))}"


def refuse(spec: TrainingSpec, available: int | None = None) -> None:
    """UsageError with the first reason for which the run cannot be; `available`: accelerators there are."""
    for where, why in reasons(spec, available):
        raise UsageError(where, why, hint(spec))


def reasons(spec: TrainingSpec, available: int | None = None) -> Iterator[tuple[str, str]]:
    """Yield (option, why) of all that is wrong with the layout; memory is looked at when nothing else is."""
    found = False
    for reason in shape_reasons(spec, available):
        found = True
        yield reason
    if not found:
        yield from _memory(spec)


def refuse_split(spec: TrainingSpec, gpus: int | None) -> None:
    """UsageError where the model cannot be split so, on however many accelerators."""
    for where, why in (*_tensor(spec), *_stages(spec)):
        raise UsageError(where, why, hint(spec, gpus))


def shape_reasons(spec: TrainingSpec, available: int | None = None) -> Iterator[tuple[str, str]]:
    """Yield what does not divide, and ranks that are too many."""
    layout = spec.layout
    if available is not None and layout.gpus > available:
        product = f"{layout.tensor} x {layout.pipeline} x {layout.context} x {layout.data}"
        yield "--gpus", f"the layout takes {layout.gpus:,} accelerators ({product}); there are {available:,}"
    yield from _tensor(spec)
    yield from _stages(spec)
    yield from _schedule(spec)
    yield from _experts(spec)
    yield from _batch(spec)


def _tensor(spec: TrainingSpec) -> Iterator[tuple[str, str]]:
    tensor = spec.layout.tensor
    for layers in spec.model.layers:
        heads, keys = layers.attention.heads, layers.attention.kv_heads
        if heads % tensor:
            yield f"--tp {tensor}", f"does not divide {heads} attention heads"
            return
        if keys and keys % tensor and tensor % keys:
            yield f"--tp {tensor}", f"neither divides {keys} key and value heads nor is a multiple of them"
            return
        wide = layers.mlp.expert_width if layers.mlp.experts else layers.mlp.width
        if wide % tensor:
            yield f"--tp {tensor}", f"does not divide the feed-forward width {wide}"
            return


def _stages(spec: TrainingSpec) -> Iterator[tuple[str, str]]:
    layout, depth = spec.layout, spec.model.depth
    each = slots(spec.model, layout.pipeline)
    if layout.pipeline > depth or each is None:
        yield f"--pp {layout.pipeline}", f"does not divide {depth} layers, nor {depth} and the two embeddings"
    elif layout.virtual > 1 and (layout.pipeline == 1 or each % layout.virtual):
        yield (
            f"--vp {layout.virtual}",
            f"does not divide the {each} layers of each of {layout.pipeline} stages",
        )


def _schedule(spec: TrainingSpec) -> Iterator[tuple[str, str]]:
    layout = spec.layout
    if layout.virtual > 1 and spec.passes % layout.pipeline:
        why = f"needs micro-batches ({spec.passes}) in multiples of the {layout.pipeline} stages"
        yield f"--vp {layout.virtual}", why


def _experts(spec: TrainingSpec) -> Iterator[tuple[str, str]]:
    layout = spec.layout
    if layout.expert == 1:
        return
    counts = {one.mlp.experts for one in spec.model.layers if one.mlp.experts}
    if not counts:
        yield f"--ep {layout.expert}", f"{spec.model.name} has no experts"
    for count in counts:
        if count % layout.expert:
            yield f"--ep {layout.expert}", f"does not divide {count} experts"
    ranks = layout.tensor * layout.data * layout.context
    if ranks % layout.expert:
        yield f"--ep {layout.expert}", f"does not divide the {ranks} ranks of one pipeline stage"


def _batch(spec: TrainingSpec) -> Iterator[tuple[str, str]]:
    layout = spec.layout
    each = layout.micro_batch * layout.data
    if layout.batch % each:
        product = f"{layout.micro_batch} per pass x {layout.data} data-parallel"
        yield f"--batch {layout.batch}", f"is no multiple of {each} ({product})"
    share = layout.context * (layout.tensor if layout.sequence_parallel else 1)
    if spec.sequence % share:
        yield f"--seq {spec.sequence}", f"does not divide into {share} parts (context x tensor parallel)"


def _memory(spec: TrainingSpec) -> Iterator[tuple[str, str]]:
    held = memory(spec)
    least, most = held.total.low, spec.gpu.memory_bytes
    if least > most:
        largest = max(held.parts, key=lambda part: part[1].value)[0]
        why = (
            f"at least {shown(least)} on the most loaded accelerator, most of it {largest}; "
            f"{spec.gpu.name} has {shown(most)}"
        )
        yield "memory", why
