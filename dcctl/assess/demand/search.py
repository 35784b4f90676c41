"""The fastest layout on so many accelerators: every one that can be, the hopeless ones cut off early."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.assess.demand.layout import Layout
from dcctl.assess.demand.memory import memory
from dcctl.assess.demand.predict import step
from dcctl.assess.demand.refusals import shape_reasons
from dcctl.assess.demand.shards import slots
from dcctl.assess.demand.training_spec import stack_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.training_spec import TrainingSpec

MICRO_BATCHES = (1, 2, 3, 4, 6, 8)


class Found(NamedTuple):
    """A layout and how long a token takes with it."""

    spec: TrainingSpec
    token_s: float
    """Seconds of one accelerator."""


def search(spec: TrainingSpec, gpus: int, target_tokens: float | None = None) -> Found | None:
    """Return the fastest layout of `spec` on exactly so many accelerators whose memory suffices.

    What `spec` says of model, hardware, sequence and number format holds; with `target_tokens` the batch is
    chosen near so many tokens, else it is that of `spec.layout`. None: nothing fits. Among equals the
    layout with the smallest sizes is taken.
    """
    best: Found | None = None
    for one in candidates(spec, gpus, target_tokens):
        found = Found(one, step(one).value * gpus / one.step_tokens)
        if (best is None or (found.token_s, _order(one)) < (best.token_s, _order(best.spec))) and holds(one):
            best = found
    return best


def holds(spec: TrainingSpec) -> bool:
    """Whether the memory suffices, as far as is known."""
    return memory(spec).total.value <= spec.gpu.memory_bytes


def candidates(spec: TrainingSpec, gpus: int, target_tokens: float | None = None) -> Iterator[TrainingSpec]:
    """Yield every layout that is worth a look: tensor parallelism stays inside of one NVLink domain."""
    for tensor in _tensors(spec, gpus):
        for pipeline in _divisors(gpus // tensor, spec.model.depth + 2):
            if slots(spec.model, pipeline) is None:
                continue
            for context in _contexts(spec, gpus // (tensor * pipeline)):
                for expert in _experts(spec.model, gpus // pipeline):
                    base = Layout(
                        tensor, pipeline, gpus // (tensor * pipeline * context), context, expert,
                        batch=spec.layout.batch,
                    )  # fmt: skip
                    yield from _passes(spec, base, target_tokens)


def _passes(spec: TrainingSpec, base: Layout, target_tokens: float | None) -> Iterator[TrainingSpec]:
    """Micro-batches, chunks, recomputation and ZeRO of one way to split the ranks."""
    for micro in MICRO_BATCHES:
        for virtual in _virtuals(spec.model, base.pipeline):
            batch = _batch(spec, base, micro, virtual, target_tokens)
            sized = replace(base, micro_batch=micro, virtual=virtual, batch=batch)
            first = _with(spec, sized)
            if next(shape_reasons(first), None):
                continue
            yield from _kept(first)


def _kept(spec: TrainingSpec) -> Iterator[TrainingSpec]:
    """State and activations: what takes most memory takes least time, and the first that holds is enough."""
    zeros = (1, 2, 3) if spec.layout.pipeline == 1 else (1,)
    for zero in zeros:
        for recompute in ("selective", "full"):
            one = _with(spec, replace(spec.layout, zero=zero, recompute=recompute))
            if holds(one):
                yield one
                break


def _with(spec: TrainingSpec, layout: Layout) -> TrainingSpec:
    return replace(spec, layout=layout, stack=stack_of(layout))


def _batch(spec: TrainingSpec, base: Layout, micro: int, virtual: int, target_tokens: float | None) -> int:
    if target_tokens is None:
        return spec.layout.batch
    each = base.data * micro * (base.pipeline if virtual > 1 else 1)
    return each * max(1, round(target_tokens / spec.sequence / each))


def _tensors(spec: TrainingSpec, gpus: int) -> Iterable[int]:
    return [
        size for size in (1, 2, 4, 8, 16, 32, 64) if size <= min(spec.gpu.domain, gpus) and gpus % size == 0
    ]


def _contexts(spec: TrainingSpec, ranks: int) -> Iterable[int]:
    """Long sequences alone are worth splitting: below 8,192 tokens a rank is idle more than it computes."""
    most = max(1, spec.sequence // 4096)
    return [size for size in (1, 2, 4, 8, 16, 32) if size <= most and ranks % size == 0]


def _experts(model: Architecture, ranks: int) -> Iterable[int]:
    counts = [one.mlp.experts for one in model.layers if one.mlp.experts]
    if not counts:
        return [1]
    return [size for size in (1, 2, 4, 8, 16, 32, 64, 128) if counts[0] % size == 0 and ranks % size == 0]


def _virtuals(model: Architecture, pipeline: int) -> Iterable[int]:
    if pipeline == 1:
        return [1]
    return _divisors(slots(model, pipeline) or 1, 32)


def _divisors(number: int, most: int) -> list[int]:
    return [size for size in range(1, min(number, most) + 1) if number % size == 0]


def _order(spec: TrainingSpec) -> tuple[int, ...]:
    one = spec.layout
    return (one.tensor, one.pipeline, one.context, one.expert, one.virtual, one.micro_batch, one.zero)
