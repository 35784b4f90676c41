"""What an optimizer step spends its time on, and what bounds it first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.assess.demand.coefficients import COEFFICIENTS
from dcctl.assess.demand.predict import coefficient, step_seconds
from dcctl.assess.demand.steptime import step_parts

if TYPE_CHECKING:
    from dcctl.assess.demand.training_spec import TrainingSpec

_WORDS: Final = {
    "matmul": "matrix products",
    "head": "matrix products",
    "attention": "attention",
    "elementwise": "memory traffic between products",
    "logits": "memory traffic between products",
    "launch": "starting kernels",
    "tensor": "tensor parallelism over NVLink",
    "experts": "sending tokens to experts",
    "zero3": "gathering weights (ZeRO-3)",
    "gradients": "exchange of gradients",
    "optimizer": "optimizer",
}
BUBBLE: Final = "empty pipeline (bubble)"


def shares(spec: TrainingSpec) -> tuple[tuple[str, float], ...]:
    """Return (what, share of the step), the largest first; the shares add up to 1."""
    parts = step_parts(spec)
    whole = step_seconds(parts, COEFFICIENTS)
    found: dict[str, float] = {}
    idle = 0.0
    for name, seconds in {**parts.busy, **parts.wire}.items():
        taken = seconds * coefficient(name, COEFFICIENTS)
        if name.partition("/")[0] not in ("optimizer", "zero3", "gradients"):
            idle += taken * parts.bubble / (1 + parts.bubble)
            taken /= 1 + parts.bubble
        words = _WORDS[name.partition("/")[0]]
        found[words] = found.get(words, 0.0) + taken
    if idle:
        found[BUBBLE] = idle
    whole = max(whole, sum(found.values()))
    return tuple(sorted(((name, one / whole) for name, one in found.items()), key=lambda pair: -pair[1]))
