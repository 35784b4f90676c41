"""What training a model takes: memory, operations, time, network, checkpoints, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from dcctl.assess.demand.durability import Durability, Habits, durability
from dcctl.assess.demand.memory import Memory, memory
from dcctl.assess.demand.operations import Forward, forward, hardware
from dcctl.assess.demand.predict import FORMULA, kind, limits, step
from dcctl.assess.demand.rates import LEAST_GOODPUT, model_operations, run_s, tokens_per_s, utilisation
from dcctl.assess.demand.traffic import Flow, flows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.assess.demand.estimate import Estimate
    from dcctl.assess.demand.training_spec import TrainingSpec


_HFU = "the same with full recomputation; that inside of FlashAttention is not counted"


class Other(Struct, frozen=True):
    """A layout that is slower."""

    spec: TrainingSpec
    memory_bytes: float
    step_s: float
    tokens_per_s_gpu: float
    slower: float
    """Relative: 0.1 takes a tenth longer for each token."""


ADAPTERS: Final = 2 / 3
"""Of the operations of a whole step, where only adapters are trained: no gradients of the weights."""


class TrainingNeeds(Struct, frozen=True):
    """What a run takes. Memory is of the most loaded accelerator."""

    spec: TrainingSpec
    memory: Memory
    per_token: Forward
    step_s: Estimate
    tokens_per_s: Estimate
    """Of all accelerators together."""
    mfu: Estimate
    """Model FLOPs over the peak of the number format, as PaLM counts them: attention in full."""
    hfu: Estimate
    """The same with what is computed again."""
    flows: tuple[Flow, ...]
    durability: Durability
    time_s: Estimate | None
    """For all tokens, failures and checkpoints taken off; None: nobody said how many."""
    operations: Estimate | None
    """Model FLOPs of all tokens."""
    cautions: tuple[str, ...]
    others: tuple[Other, ...] = ()
    """The next best ways to split the ranks, where the layout was searched."""

    @property
    def fits(self) -> bool | None:
        """Whether the memory suffices; None: at one end of the interval alone."""
        total, there = self.memory.total, self.spec.gpu.memory_bytes
        return None if total.low <= there < total.high else total.high <= there


def needs(spec: TrainingSpec, tokens: float | None = None, habits: Habits | None = None) -> TrainingNeeds:
    """Return what a possible layout takes."""
    per, taken = forward(spec.model, spec.sequence), step(spec)
    rate = tokens_per_s(spec.step_tokens, taken, FORMULA)
    lasting = durability(spec, habits or Habits())
    peak = (
        spec.gpu.peak_flops.get("fp8" if spec.precision != "bf16" else "bf16") or spec.gpu.peak_flops["bf16"]
    )
    trained = 1.0 if spec.fresh else ADAPTERS
    gpus, again = spec.layout.gpus, hardware(spec, per, in_kernel=True)
    return TrainingNeeds(
        spec=spec,
        memory=memory(spec),
        per_token=per,
        step_s=taken,
        tokens_per_s=rate,
        mfu=utilisation(rate, per.model() * trained, gpus, peak, "tokens/s x (6N + 12LHQT) / peak"),
        hfu=utilisation(rate, again, gpus, peak, _HFU),
        flows=flows(spec),
        durability=lasting,
        time_s=None if tokens is None else run_s(tokens, rate, lasting.goodput),
        operations=None if tokens is None else model_operations(per, tokens, trained),
        cautions=(*_cautions(spec), *_endless(lasting.goodput)),
    )


def _endless(goodput: Estimate) -> Sequence[str]:
    if goodput.value >= LEAST_GOODPUT:
        return ()
    return ("failures come faster than checkpoints are written: the run has no end",)


def _cautions(spec: TrainingSpec) -> Sequence[str]:
    found = [limits(spec)] if limits(spec) else []
    if kind(spec) in ("unseen", "experts"):
        found.append("no published run like it was fitted: the intervals of time are wider")
    if spec.passes < spec.layout.pipeline:
        found.append(f"{spec.passes} micro-batches leave some of {spec.layout.pipeline} stages empty")
    return found
