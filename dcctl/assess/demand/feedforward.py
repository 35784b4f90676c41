"""The feed-forward part of a layer from the configuration: dense, or experts, and which layers have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.assess.demand.architecture import Mlp
from dcctl.assess.demand.attentions import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.assess.demand.fields import Fields


def every(_fields: Fields, _layer: int) -> bool:
    """All layers have experts (Mixtral)."""
    return True


def after(fields: Fields, layer: int) -> bool:
    """The first layers are dense (DeepSeek, GLM)."""
    first = fields.whole("first_k_dense_replace", 0, least=0)
    return layer >= first and layer % fields.whole("moe_layer_freq", 1) == 0


def steps_of_qwen(fields: Fields, layer: int) -> bool:
    """Every n-th layer has experts, and some are told to be dense."""
    dense = fields.wholes("mlp_only_layers") or []
    return layer not in dense and (layer + 1) % fields.whole("decoder_sparse_step", 1) == 0


def steps_of_llama4(fields: Fields, layer: int) -> bool:
    """Layers that are told, else every n-th, have experts."""
    listed = fields.wholes("moe_layers")
    if listed is not None:
        return layer in listed
    return (layer + 1) % fields.whole("interleave_moe_layer_step", 1) == 0


def period_of_jamba(fields: Fields, layer: int) -> bool:
    """One layer of each period has experts."""
    period, offset = fields.whole("expert_layer_period", 2), fields.whole("expert_layer_offset", 1, least=0)
    return layer % period == offset


class Dense(Struct, frozen=True):
    """One feed-forward part that every token uses."""

    gated: bool = True
    bias: bool | str = False
    width: str = "intermediate_size"
    ratio: str = ""
    """The key of the width over the hidden size, where that is told instead."""

    def __call__(self, fields: Fields, _layer: int) -> Mlp:
        """Return the feed-forward part of a layer; plain ones are four times as wide by default."""
        hidden = fields.whole("hidden_size")
        if self.ratio:
            width = hidden * fields.whole(self.ratio, 4)
        else:
            width = fields.whole(self.width, None if self.gated else 4 * hidden)
        return Mlp(width=width, gated=self.gated, bias=told(fields, self.bias))


class Experts(Struct, frozen=True):
    """Many feed-forward parts, of which a router picks some for each token; the other layers are dense."""

    count: str
    dense: Dense
    width: str = "moe_intermediate_size"
    sparse: Callable[[Fields, int], bool] = every
    shared_count: str | int = 0
    """How many experts every token uses, of the same width: so many, or the key that tells."""
    shared_width: str = ""
    """The key of the width of what every token uses behind a gate (Qwen 2)."""
    bias: bool = False
    """Of the experts and the router."""
    correction: bool | str = False
    """Whether the router keeps a bias for balance: yes, or the `topk_method` that does."""

    def __call__(self, fields: Fields, layer: int) -> Mlp:
        """Return the feed-forward part of a layer; UsageError when there are fewer experts than are used."""
        count = fields.optional(self.count)
        if count is None and self.count in fields.values:
            return self.dense(fields, layer)  # null: DeepSeek spells a dense model so
        count = fields.whole(self.count, most=1_000_000)
        if count == 1 or not self.sparse(fields, layer):
            return self.dense(fields, layer)
        active = fields.whole("num_experts_per_tok")
        if active > count:
            fields.fail("num_experts_per_tok", f"is {active:,}; there are {count:,} experts")
        return Mlp(
            gated=True,
            bias=self.bias,
            experts=count,
            active=active,
            expert_width=fields.whole(self.width),
            shared_width=self._shared(fields),
            extra=self._extra(fields, count),
        )

    def _shared(self, fields: Fields) -> int:
        if self.shared_width:
            return fields.whole(self.shared_width)
        if isinstance(self.shared_count, int):
            shared = self.shared_count
        else:
            shared = fields.optional(self.shared_count, least=0) or 0
        return shared * fields.whole(self.width)

    def _extra(self, fields: Fields, count: int) -> int:
        gate = fields.whole("hidden_size") if self.shared_width else 0
        method = fields.raw("topk_method")
        corrected = method == self.correction if isinstance(self.correction, str) else self.correction
        return gate + count * (self.bias + corrected)
