"""What follows from a throughput: time, utilisation, operations. All of them arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.assess.demand.estimate import Estimate
from dcctl.assess.demand.operations import SOURCE

if TYPE_CHECKING:
    from dcctl.assess.demand.operations import Forward

LEAST_GOODPUT: Final = 0.05
"""Below it the formula of goodput, which holds for small losses, says nothing any more."""


def tokens_per_s(
    step_tokens: float, step_s: Estimate, formula: str = "tokens of a step / its time"
) -> Estimate:
    """Return the throughput of all accelerators."""
    ends = step_tokens / step_s.high, step_tokens / step_s.low
    return Estimate(step_tokens / step_s.value, *ends, formula, step_s.source)


def run_s(tokens: float, rate: Estimate, goodput: Estimate) -> Estimate | None:
    """Return the time that so many tokens take; None where failures take all but a twentieth of it."""
    if goodput.value < LEAST_GOODPUT:
        return None
    return Estimate(
        tokens / (rate.value * goodput.value),
        tokens / (rate.high * goodput.high),
        tokens / (rate.low * max(goodput.low, LEAST_GOODPUT)),
        "tokens / (tokens per second x goodput)",
        rate.source,
    )


def model_operations(per: Forward, tokens: float, trained: float = 1.0) -> Estimate:
    """Return the model FLOPs of so many tokens: nothing counts twice, attention in full."""
    formula = "tokens x (6N + 12LHQT), N without the input embedding"
    return Estimate.exact(tokens * per.model() * trained, formula, SOURCE)


def utilisation(rate: Estimate, per_token: float, gpus: int, peak_flops: float, formula: str) -> Estimate:
    """Return MFU, or HFU: operations per second over the peak of so many accelerators."""
    share = rate * (per_token / (gpus * peak_flops))
    return Estimate(share.value, share.low, share.high, formula, SOURCE)
