"""A model from a few numbers, as papers tell them."""

from __future__ import annotations

from msgspec import Struct

from dcctl.assess.demand.architecture import Architecture, Attention, Layers, Mlp


class Plain(Struct, frozen=True):
    """A transformer whose layers are all alike."""

    hidden: int
    layers: int
    heads: int
    vocabulary: int
    kv_heads: int = 0
    """0: as many as heads."""
    head_dim: int = 0
    """0: hidden / heads."""
    width: int = 0
    """Of the feed-forward part; 0: 4 x hidden."""
    gated: bool = False
    tied: bool = True
    positions: int = 0
    """Learned position embeddings."""
    bias: bool = True
    """Of all matrices and norms, as in GPT; False: as in Llama."""
    experts: int = 0
    active: int = 0
    expert_width: int = 0
    shared_width: int = 0


def architecture(one: Plain, name: str, source: str = "") -> Architecture:
    """Return the model of these numbers."""
    attention = Attention(
        heads=one.heads,
        kv_heads=one.kv_heads or one.heads,
        head_dim=one.head_dim or one.hidden // one.heads,
        bias=one.bias,
        out_bias=one.bias,
    )
    mlp = Mlp(
        width=0 if one.experts else one.width or 4 * one.hidden,
        gated=one.gated,
        bias=one.bias,
        experts=one.experts,
        active=one.active,
        expert_width=one.expert_width,
        shared_width=one.shared_width,
    )
    return Architecture(
        name=name,
        hidden=one.hidden,
        vocabulary=one.vocabulary,
        layers=(Layers(one.layers, attention, mlp, norm_bias=one.bias),),
        tied=one.tied,
        positions=one.positions,
        source=source,
    )
