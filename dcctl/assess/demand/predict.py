"""Throughput that a run is to be expected to have: no measurement of it is needed."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from dcctl.assess.demand.coefficients import COEFFICIENTS
from dcctl.assess.demand.estimate import Estimate
from dcctl.assess.demand.memory import memory
from dcctl.assess.demand.steptime import family, step_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.assess.demand.layout import Layout
    from dcctl.assess.demand.steptime import Parts
    from dcctl.assess.demand.training_spec import Stack, TrainingSpec

FORMULA: Final = (
    "step = sum(coefficient x time at the hardware's rate) x (1 + (p-1)/(v m)) + exchange + optimizer"
)
SOURCE: Final = "fitted on published runs, each predicted from the others: dcctl assess check"
OVERLAP: Final = "zero3/overlap"
"""The power p of (work^p + wire^p)^(1/p): 1 is one after the other, infinity the longer of both."""
Kind: TypeAlias = Literal["seen", "full", "unseen", "experts"]
"""How much is known of runs like it; `full`: its state leaves little of the memory under ZeRO-3."""
SPREADS: Final[Mapping[Kind, float]] = {"seen": 0.35, "full": 1.04, "unseen": 0.43, "experts": 0.74}
"""90 % of the published runs of a kind are not further off, by so much faster or slower. They are those of
other publications than the coefficients were fitted on (other people's clusters and software), each table of
the same weight. With experts there are none yet: they are the releases of what was looked at."""
SEEN: Final = {
    ("megatron", "bf16"): ("H100",),
    ("megatron", "fp8"): ("H100", "B200", "GB200", "GB300"),
    ("megatron", "mxfp8"): ("B200", "GB200", "GB300"),
    ("megatron-2021", "bf16"): ("A100",),
    ("deepspeed-zero3", "bf16"): ("A100",),
    ("fsdp", "bf16"): ("A100", "H100"),
    ("fsdp", "fp8"): ("H100",),
}
"""Generations of accelerators of the runs that are fitted, by software and number format; a test compares."""
SPLITS: Final[Mapping[Stack, frozenset[str]]] = {
    "megatron": frozenset({"tensor", "pipeline", "context"}),
    "megatron-2021": frozenset({"tensor", "pipeline"}),
    "deepspeed-zero3": frozenset(),
    "fsdp": frozenset(),
}
"""In which ways, beside data-parallel, the models of those runs are split; a test compares."""
FULL: Final = 0.66
"""Share of the memory beyond which weights, gradients and optimizer leave so little that runs were up to a
third slower than the rest of their table."""


def step(spec: TrainingSpec, coefficients: Mapping[str, float] = COEFFICIENTS) -> Estimate:
    """Return the seconds of one optimizer step of a possible layout."""
    seconds = step_seconds(step_parts(spec), coefficients)
    rate = interval(spec, 1.0)
    return Estimate(seconds, seconds / rate.high, seconds / rate.low, FORMULA, SOURCE)


def step_seconds(parts: Parts, coefficients: Mapping[str, float]) -> float:
    """Return the time of these parts: work and wire hide behind each other, but not wholly."""
    busy = sum(seconds * coefficient(name, coefficients) for name, seconds in parts.busy.items())
    if not parts.wire:  # gradients hide behind work as far as that lasts
        return max(busy, parts.busy.get("gradients", 0.0))
    wire = sum(seconds * coefficient(name, coefficients) for name, seconds in parts.wire.items())
    power = coefficients.get(OVERLAP, 1.0)
    return float((busy**power + wire**power) ** (1 / power))


def coefficient(name: str, known: Mapping[str, float]) -> float:
    """Return the coefficient; where none was fitted, the mean of those of its kin: same start of the name."""
    if name in known:
        return known[name]
    words = name.split("/")
    while words:
        words.pop()
        kin = [value for other, value in known.items() if other.split("/")[: len(words)] == words]
        if kin and words:
            return mean(kin)
    return 1.0


def kind(spec: TrainingSpec) -> Kind:
    """Return how much is known of runs like it: the interval's width depends on nothing else."""
    if any(one.mlp.experts for one in spec.model.layers):
        return "experts"
    if limits(spec):
        return "full"
    strange = family(spec.gpu.name) not in SEEN.get((spec.stack, spec.precision), ())
    strange |= not splits(spec.layout) <= SPLITS[spec.stack]
    missing = any(name not in COEFFICIENTS for name in step_parts(spec).busy)
    return "unseen" if strange or missing or not spec.fresh else "seen"


def splits(layout: Layout) -> frozenset[str]:
    """Return in which ways a model is split, beside data-parallel."""
    sizes = {"tensor": layout.tensor, "pipeline": layout.pipeline, "context": layout.context}
    return frozenset(name for name, size in sizes.items() if size > 1)


def limits(spec: TrainingSpec) -> str:
    """Return why a prediction for it is too hopeful; empty: it is not."""
    held = memory(spec)
    state = held.weights.value + held.gradients.value + held.optimizer.value
    share = state / spec.gpu.memory_bytes
    if share <= FULL or spec.layout.zero < 3:
        return ""
    return f"state fills the memory: {share:.0%} of it; published runs like that were up to a third slower"


def interval(spec: TrainingSpec, rate: float, spreads: Mapping[Kind, float] = SPREADS) -> Estimate:
    """Return a throughput with what the predictions of published runs of its kind were off by."""
    spread = 1 + spreads[kind(spec)]
    return Estimate(rate, rate / spread, rate * spread, FORMULA, SOURCE)
