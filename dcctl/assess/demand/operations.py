"""Floating-point operations of training, per token: two for each multiplication with an addition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.assess.demand.parameters import layer_parts

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture, Attention, Layers
    from dcctl.assess.demand.training_spec import TrainingSpec

SOURCE = "arXiv 2104.04473, section 5.1; arXiv 2204.02311, appendix B"


class Forward(Struct, frozen=True):
    """Operations of the forward pass for one token. The backward pass takes twice as many."""

    layers: float
    """Products with weights, in all layers; of experts those that a token uses."""
    head: float
    attention: float
    """Scores and mixing in all layers, each token over the whole sequence: the full convention."""
    causal: float
    """The same where a token looks back only: what FlashAttention computes."""

    def model(self, causal: bool = False) -> float:
        """Model FLOPs of training for one token: three times the forward pass, nothing twice."""
        return 3 * (self.layers + self.head + (self.causal if causal else self.attention))


def forward(model: Architecture, sequence: int) -> Forward:
    """Return what one token of a sequence of that length takes."""
    return Forward(
        layers=sum(2.0 * _multiplied(layers, model) * layers.count for layers in model.layers),
        head=2.0 * model.vocabulary * model.hidden,
        attention=sum(_mixed(one.attention, sequence, causal=False) * one.count for one in model.layers),
        causal=sum(_mixed(one.attention, sequence, causal=True) * one.count for one in model.layers),
    )


def hardware(spec: TrainingSpec, per: Forward, *, in_kernel: bool = False) -> float:
    """Return the operations that are carried out for one token of training: recomputation is counted.

    Full recomputation repeats the forward pass of all layers; selective counts attention twice, as equation 8
    of arXiv 2205.05198 does. `in_kernel`: FlashAttention does the latter by itself, and it is not counted.
    """
    twice = 0.0 if in_kernel else 3 * per.attention
    again = {"none": 0.0, "selective": twice, "full": per.layers + per.attention}
    done = per.model() + again[spec.layout.recompute]
    return done if spec.fresh else done - per.layers  # frozen weights need no gradient of their own


def _multiplied(layers: Layers, model: Architecture) -> int:
    return sum(
        part.active for part in layer_parts(model, layers) if part.name not in ("norms", "small tensors")
    )


def _mixed(one: Attention, sequence: int, *, causal: bool) -> float:
    """Scores and mixing for one token: 2 x heads x (width of a key + width of a value) x tokens."""
    if one.kind == "latent":
        width = one.nope_dim + one.rope_dim + one.value_dim
    elif one.kind == "softmax":
        width = 2 * one.head_dim
    else:
        return 0.0
    indexed = one.index_heads * one.index_dim * sequence / (1 + causal)
    reach = min(one.window or sequence, one.top or sequence)
    return 2.0 * (one.heads * width * _seen(reach, sequence, causal=causal) + indexed)


def _seen(reach: int, sequence: int, *, causal: bool) -> float:
    """Tokens that one sees on average, of the `reach` before it."""
    seen = min(reach, sequence)
    if not causal:
        return seen
    return seen / 2 if seen == sequence else seen - seen**2 / (2 * sequence)
