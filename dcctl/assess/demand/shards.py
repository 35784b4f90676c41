"""Which part of a model the most loaded rank holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.assess.demand.parameters import embedding, layer_parts, parts

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture, Attention, Layers
    from dcctl.assess.demand.layout import Layout


class Stage(Struct, frozen=True):
    """One pipeline stage."""

    layers: float
    """How many it has."""
    first: bool = False
    """It has the input embedding."""
    last: bool = False
    """It has the head."""


class Shard(Struct, frozen=True):
    """Parameters of one rank, before ZeRO splits them."""

    dense: float
    """Those that every data-parallel rank has a copy of."""
    experts: float
    """Those that expert parallelism splits."""

    @property
    def total(self) -> float:
        """Both."""
        return self.dense + self.experts


def slots(model: Architecture, pipeline: int) -> int | None:
    """Return the places for layers on each stage; None: they do not divide.

    Where the layers alone do not, Megatron counts the embedding and the head (and a head for
    multi-token prediction) as a layer each (`--account-for-embedding-in-pipeline-split`).
    """
    depth = model.depth
    for more in (0, 2, 3) if model.extra_parameters else (0, 2):
        if (depth + more) % pipeline == 0:
            return (depth + more) // pipeline
    return None


def stages(model: Architecture, layout: Layout) -> tuple[Stage, ...]:
    """Return the stages that can be the most loaded: the first, one between, the last."""
    depth, pipeline = model.depth, layout.pipeline
    if pipeline == 1:
        return (Stage(depth, first=True, last=True),)
    if depth % pipeline == 0:
        each = depth // pipeline
        return Stage(each, first=True), Stage(each), Stage(each, last=True)
    each = slots(model, pipeline) or -(-depth // pipeline)
    return Stage(each - 1, first=True), Stage(each), Stage(each - 1, last=True)


def shard(model: Architecture, layout: Layout, stage: Stage) -> Shard:
    """Return what one rank of the stage holds."""
    part = stage.layers / model.depth
    dense = sum(_dense(layers, model, layout.tensor) for layers in model.layers) * part
    experts = sum(_experts(layers, model) for layers in model.layers) * part
    table = model.vocabulary * model.hidden
    dense += (embedding(model) / layout.tensor + model.tower) * stage.first
    dense += table / layout.tensor * (stage.last and not (model.tied and stage.first))
    biased = any(layers.norm_bias for layers in model.layers)
    dense += model.outer_norms * model.hidden * (1 + biased) * stage.last
    return Shard(dense, experts / expert_ways(layout))


def expert_ways(layout: Layout) -> int:
    """Return into how many pieces the experts are split: over TP ranks too, where enough are left."""
    ranks = layout.data * layout.context
    return layout.expert * (layout.tensor if layout.expert <= ranks else 1)


def expert_copies(layout: Layout) -> float:
    """Return how many ranks hold the same experts."""
    return max(1.0, layout.tensor * layout.data * layout.context / expert_ways(layout))


def _dense(layers: Layers, model: Architecture, tensor: int) -> float:
    found = layer_parts(model, layers)
    return layers.count * sum(one.parameters * one.share(tensor) for one in found if one.name != "experts")


def _experts(layers: Layers, model: Architecture) -> int:
    found = layer_parts(model, layers)
    return layers.count * sum(one.parameters for one in found if one.name == "experts")


def adapters(model: Architecture, rank: int) -> int:
    """Return the parameters of low-rank adapters beside each matrix of attention and of the dense MLP.

    A matrix of m x n gets rank x (m + n) (arXiv 2106.09685). Routed experts get none, as is usual.
    """
    return sum(layers.count * rank * _sides(layers, model.hidden) for layers in model.layers)


def _sides(layers: Layers, hidden: int) -> int:
    """Sum of both sides of all matrices of a layer."""
    mlp = layers.mlp
    width = mlp.shared_width if mlp.experts else mlp.width
    return _mixing(layers.attention, hidden) + (2 + mlp.gated) * (hidden + width) * (width > 0)


def _mixing(one: Attention, hidden: int) -> int:
    if one.kind == "latent":
        queries, values = one.heads * (one.nope_dim + one.rope_dim), one.heads * one.value_dim
        asked = (hidden + one.q_rank + one.q_rank + queries) if one.q_rank else hidden + queries
        kept = hidden + one.kv_rank + one.rope_dim + one.kv_rank + one.heads * one.nope_dim + values
        return asked + kept + values + hidden
    queries, keys = one.heads * one.head_dim, one.kv_heads * one.head_dim
    return 2 * (hidden + queries) + queries * one.gated + 2 * (hidden + keys) if one.heads else 0


def stored(model: Architecture) -> int:
    """Return the parameters of a checkpoint."""
    return sum(part.parameters for part in parts(model)) + model.extra_parameters
