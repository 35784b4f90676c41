"""A model from a few numbers, as papers tell them."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from dcctl.assess.demand.architecture import Architecture, Attention, Layers, Mlp
from dcctl.assess.demand.parameters import total
from dcctl.errors import UsageError


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


def by_count(
    parameters: int,
    layers: int,
    hidden: int,
    *,
    heads: int | None,
    kv_heads: int | None,
    vocabulary: int,
    told: bool,
) -> Architecture:
    """Return a model of Llama's form with so many parameters: the width of its feed-forward part follows.

    UsageError when attention and embeddings alone have more. `told`: the vocabulary was given, not assumed.
    """
    mine = heads or max(1, hidden // 128)
    one = Plain(
        hidden,
        layers,
        mine,
        vocabulary,
        kv_heads=kv_heads or mine,
        width=1,
        gated=True,
        tied=False,
        bias=False,
    )
    least = total(architecture(one, "by hand"))
    width = 1 + (parameters - least) // (3 * hidden * layers)
    if width < 1 or hidden % mine:
        why = (
            f"{least:,} are in attention and embeddings alone"
            if width < 1
            else f"{mine} heads do not divide it"
        )
        raise UsageError(f"--params {parameters:,}" if width < 1 else f"--hidden {hidden}", why)
    width = max(256, round(width / 256) * 256)
    assumed = _assumed(width, None if heads else mine, None if told else vocabulary)
    return replace(
        architecture(replace(one, width=width), f"{parameters / 1e9:.4g}B by hand"), assumed=assumed
    )


def _assumed(width: int, heads: int | None, vocabulary: int | None) -> tuple[str, ...]:
    found = [f"a feed-forward width of {width:,}, which makes the count", "SwiGLU, two embeddings"]
    found += [f"{heads} heads"] if heads else []
    found += [f"a vocabulary of {vocabulary:,}"] if vocabulary else []
    return tuple(found)
