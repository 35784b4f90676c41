"""What a transformer is made of, as far as its needs depend on it: its configuration, not its weights."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["softmax", "latent", "linear", "none"]
"""How a layer mixes tokens: softmax attention with keys and values of its own (MHA, GQA, MQA); multi-head
latent attention (MLA); linear attention or a state-space model, whose state does not grow; not at all."""


class Attention(Struct, frozen=True):
    """How a layer mixes tokens."""

    kind: Kind = "softmax"
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    window: int | None = None
    """Tokens that it looks back at most; None: all."""
    bias: bool = False
    """Of queries, keys and values."""
    out_bias: bool = False
    """Of the output."""
    gated: bool = False
    """Whether a gate as wide as the queries weighs the output."""
    q_rank: int = 0
    """MLA: rank of the compressed query; 0: not compressed."""
    kv_rank: int = 0
    """MLA: rank of the compressed keys and values, d_c."""
    rope_dim: int = 0
    """MLA: width of the key that carries the position, d_rope; it is shared by all heads."""
    nope_dim: int = 0
    """MLA: width of the part of a head that does not."""
    value_dim: int = 0
    """MLA: width of a head's value."""
    index_heads: int = 0
    """Sparse attention: heads of the indexer, which scores all that is cached; 0: there is none."""
    index_dim: int = 0
    """Width of its heads, and of the one key that it caches for a token."""
    top: int | None = None
    """Tokens that it picks, which alone are attended to; None: all."""
    state_bytes: int = 0
    """Linear: what one sequence keeps in this layer, however long it is."""
    parameters: int | None = None
    """Where they do not follow from the above (linear); None: they do."""
    extra: int = 0
    """Parameters of small tensors beside: norms of queries and keys, sinks."""
    bits: float | None = None
    """Of the weights of its matrices; None: as the model's."""


class Mlp(Struct, frozen=True):
    """The feed-forward part of a layer."""

    width: int = 0
    gated: bool = True
    """Three matrices (SwiGLU, GeGLU), else two."""
    bias: bool = False
    experts: int = 0
    """0: one dense part of `width`; else so many of `expert_width`, of which `active` are used by a token."""
    active: int = 0
    expert_width: int = 0
    shared_width: int = 0
    """Of the experts that every token uses, together."""
    extra: int = 0
    """Parameters of small tensors beside: biases of the router, the gate of the shared experts."""
    bits: float | None = None
    """Of the weights of its matrices; None: as the model's. A router is never quantised."""


class Layers(Struct, frozen=True):
    """So many layers alike."""

    count: int
    attention: Attention
    mlp: Mlp
    norms: int = 2
    norm_bias: bool = False


class Architecture(Struct, frozen=True):
    """One model."""

    name: str
    hidden: int
    vocabulary: int
    layers: tuple[Layers, ...]
    """In any order; layers that are alike once."""
    tied: bool = False
    """Whether the head is the input embedding."""
    positions: int = 0
    """Learned position embeddings; 0: none."""
    outer_norms: int = 1
    """Norms outside of the layers: the last one, that of the embedding."""
    context: int | None = None
    """Tokens of the longest sequence it is made for."""
    weight_bits: float = 16
    """Of its published weights: 16, 8 (FP8, INT8), 4 (INT4, with scales a little more)."""
    kept_bits: float = 16
    """Of those weights that quantisation leaves out: embeddings, head, norms."""
    measured_bytes: int | None = None
    """Of all its weights as they lie on disk; None: not measured."""
    extra_parameters: int = 0
    """Elsewhere, such as multi-token prediction; they are stored and not used in inference."""
    tower: int = 0
    """Parameters of what sees: they take memory, and no token of text is computed with them."""
    source: str = ""
    """Where these numbers come from."""
    typed: tuple[str, ...] = ()
    """The words by which a command names it; empty: its name."""
    assumed: tuple[str, ...] = ()
    """What the configuration does not tell and was taken for granted, in words."""

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return sum(one.count for one in self.layers)
