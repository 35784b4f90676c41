"""How many parameters a model has, tensor by tensor, from its configuration. All counts are exact."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture, Attention, Layers, Mlp


FAR: Final = 0.02
"""Files and configuration that differ by more are not of one model."""


class Part(Struct, frozen=True):
    """Tensors that are split and quantised alike."""

    name: str
    """`embedding`, `positions`, `head`, `norms`, `attention`, `keys and values`, `latent`, `state space`,
    `mlp`, `router`, `experts`, `shared experts`, `small tensors`, `tower`."""
    parameters: int
    active: int
    """Of them, those that one token is computed with."""
    bits: float
    ways: int | None = None
    """Into so many pieces tensor parallelism can split them at most; 1: each rank has all; None: into any."""

    def share(self, tensor: int) -> float:
        """Return what one of `tensor` ranks holds, from 0 to 1: heads that do not suffice are there twice."""
        return 1 / tensor if self.ways is None else ceil(self.ways / tensor) / self.ways

    @property
    def weight_bytes(self) -> float:
        """As stored."""
        return self.parameters * self.bits / 8


def parts(architecture: Architecture) -> tuple[Part, ...]:
    """Return every tensor of the model, those alike together, without `extra_parameters`."""
    one = architecture
    kept, table = one.kept_bits, one.vocabulary * one.hidden
    biased = any(layers.norm_bias for layers in one.layers)
    outside = [
        _whole("embedding", table, kept, ways=None),
        _whole("positions", one.positions * one.hidden, kept),
        _whole("head", 0 if one.tied else table, kept, ways=None),
        _whole("norms", one.outer_norms * one.hidden * (1 + biased), kept),
        Part("tower", one.tower, 0, kept, ways=1),
    ]
    inside = [
        replace(part, parameters=part.parameters * layers.count, active=part.active * layers.count)
        for layers in one.layers
        for part in layer_parts(one, layers)
    ]
    return tuple(part for part in outside + inside if part.parameters)


def layer_parts(architecture: Architecture, layers: Layers) -> tuple[Part, ...]:
    """Return the tensors of one layer of a kind."""
    hidden, kept = architecture.hidden, architecture.kept_bits
    attention, mlp = layers.attention, layers.mlp
    found = [
        _whole("norms", layers.norms * hidden * (1 + layers.norm_bias), kept),
        _whole("small tensors", attention.extra + mlp.extra, kept),
        *_attention(attention, hidden, attention.bits or architecture.weight_bits),
        *_mlp(mlp, hidden, mlp.bits or architecture.weight_bits, kept),
    ]
    return tuple(part for part in found if part.parameters)


def total(architecture: Architecture) -> int:
    """Return all parameters that inference uses."""
    return sum(part.parameters for part in parts(architecture))


def active(architecture: Architecture) -> int:
    """Return those that one token uses, both embeddings among them, as model cards count."""
    return sum(part.active for part in parts(architecture))


def embedding(architecture: Architecture) -> int:
    """Return those of the input embedding, learned positions among them."""
    return (architecture.vocabulary + architecture.positions) * architecture.hidden


def computed(architecture: Architecture) -> int:
    """Return those that a token is multiplied with: active, without an input embedding that is no head too.

    A forward pass takes two operations for each, and those of attention over the context beside.
    """
    unused = architecture.positions * architecture.hidden
    if not architecture.tied:
        unused += architecture.vocabulary * architecture.hidden
    return active(architecture) - unused


def per_layer(architecture: Architecture, layers: Layers) -> int:
    """Return those of one layer of a kind."""
    return sum(part.parameters for part in layer_parts(architecture, layers))


def weight_bytes(architecture: Architecture) -> int:
    """Return what the weights take, each tensor in its own number format, without `extra_parameters`."""
    return ceil(sum(part.weight_bytes for part in parts(architecture)))


def measured(architecture: Architecture, files_bytes: int) -> Architecture:
    """Return the model with what its files take; a difference is told among what is assumed.

    Files that hold less than the configuration asks for may be a part of a download: then that counts.
    """
    one = architecture
    expected = weight_bytes(one) + one.extra_parameters * one.weight_bits / 8
    told = one.assumed
    if abs(files_bytes / expected - 1) > FAR:
        told += (
            f"the files take {files_bytes:,} bytes, the configuration tells {expected:,.0f}: the more counts",
        )
    counts = round(expected) if files_bytes < (1 - FAR) * expected else files_bytes
    return replace(one, measured_bytes=counts, assumed=told)


def _whole(name: str, parameters: int, bits: float, ways: int | None = 1) -> Part:
    return Part(name, parameters, parameters, bits, ways)


def _attention(one: Attention, hidden: int, bits: float) -> tuple[Part, ...]:
    if one.parameters is not None:
        return (_whole("state space", one.parameters, bits, ways=None),)
    if one.kind == "latent":
        return _latent(one, hidden, bits)
    queries, keys = one.heads * one.head_dim, one.kv_heads * one.head_dim
    biases = queries * one.bias + hidden * one.out_bias * (one.heads > 0)
    return (
        _whole("attention", (2 + one.gated) * hidden * queries + biases, bits, one.heads or 1),
        _whole("keys and values", 2 * keys * (hidden + one.bias), bits, one.kv_heads or 1),
    )


def _latent(one: Attention, hidden: int, bits: float) -> tuple[Part, ...]:
    """MLA (arXiv 2405.04434, section 2.1): what is compressed is whole on each rank, the heads are split."""
    head = one.nope_dim + one.rope_dim
    down = hidden * (one.kv_rank + one.rope_dim) + hidden * one.q_rank
    norms = one.kv_rank + one.q_rank
    up = one.heads * (one.q_rank or hidden) * head + one.heads * one.kv_rank * (one.nope_dim + one.value_dim)
    biases = (one.q_rank + one.kv_rank + one.rope_dim) * one.bias + hidden * one.out_bias
    index = one.index_heads * (one.q_rank * one.index_dim + hidden) + hidden * one.index_dim
    return (
        _whole("latent", down + biases + index, bits),
        _whole("small tensors", norms + 2 * one.index_dim, bits),
        _whole("attention", up + one.heads * one.value_dim * hidden, bits, one.heads),
    )


def _mlp(one: Mlp, hidden: int, bits: float, kept: float) -> tuple[Part, ...]:
    if not one.experts:
        return (_whole("mlp", _matrices(one, hidden, one.width), bits, ways=None),)
    expert = _matrices(one, hidden, one.expert_width)
    return (
        _whole("router", hidden * one.experts, kept),
        Part("experts", one.experts * expert, one.active * expert, bits),
        _whole("shared experts", _matrices(one, hidden, one.shared_width), bits, ways=None),
    )


def _matrices(one: Mlp, hidden: int, width: int) -> int:
    """SwiGLU and its kin have three matrices, a plain feed-forward layer two."""
    biases = (width * (1 + one.gated) + hidden) * one.bias * (width > 0)
    return hidden * width * (2 + one.gated) + biases
