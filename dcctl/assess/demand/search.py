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

MICRO_BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""That are tried where the batch is free; else those that divide it, up to the last."""
CONTEXT_TOKENS = 4096
"""Of a sequence each rank keeps at least so many: with fewer it is idle more than it computes."""


class Found(NamedTuple):
    """A layout and how long a token takes with it."""

    spec: TrainingSpec
    token_s: float
    """Seconds of one accelerator."""

    @property
    def rank(self) -> tuple[float, tuple[int, ...]]:
        """The fastest first; among equals the one with the smallest sizes."""
        return self.token_s, _order(self.spec)


def search(spec: TrainingSpec, gpus: int, target_tokens: float | None = None) -> Found | None:
    """Return the fastest layout of `spec` on exactly so many accelerators; None: nothing fits."""
    return next(iter(ranked(spec, gpus, target_tokens)), None)


def ranked(spec: TrainingSpec, gpus: int, target_tokens: float | None = None) -> tuple[Found, ...]:
    """Return the fastest layout of each way to split the ranks (TP, PP, CP, EP), the fastest first.

    All are on exactly so many accelerators and their memory suffices. What `spec` says of model, hardware,
    sequence and number format holds; with `target_tokens` the batch is chosen near so many tokens, else it is
    that of `spec.layout`.
    """
    best: dict[tuple[int, ...], Found] = {}
    for one in candidates(spec, gpus, target_tokens):
        found = Found(one, step(one).value * gpus / one.step_tokens)
        split = one.layout.tensor, one.layout.pipeline, one.layout.context, one.layout.expert
        if split not in best or found.rank < best[split].rank:
            best[split] = found
    return tuple(sorted(best.values(), key=lambda found: found.rank))


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
    """Micro-batches, chunks, recomputation and ZeRO of one way to split the ranks.

    Where a micro-batch does not fit, a larger one does not either.
    """
    for micro in _micros(base, target_tokens):
        tried = held = False
        for virtual in _virtuals(spec.model, base.pipeline):
            batch = _batch(spec, base, micro, virtual, target_tokens)
            first = _with(spec, replace(base, micro_batch=micro, virtual=virtual, batch=batch))
            if next(shape_reasons(first), None):
                continue
            tried = True
            for one in _kept(first):
                held = True
                yield one
        if tried and not held:
            return


def _micros(base: Layout, target_tokens: float | None) -> Iterable[int]:
    return MICRO_BATCHES if target_tokens else _divisors(base.batch // base.data, MICRO_BATCHES[-1])


def _kept(spec: TrainingSpec) -> Iterator[TrainingSpec]:
    """State and activations: what takes most memory takes least time, and the first that holds is enough.

    FSDP in a pipeline is left out: no run of it was fitted, and those that were published were slower.
    """
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
    """Long sequences alone are worth splitting."""
    most = max(1, spec.sequence // CONTEXT_TOKENS)
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
