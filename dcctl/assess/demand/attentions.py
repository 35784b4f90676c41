"""Attention of a layer from the configuration: heads, or MLA; and how far back it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from dcctl.assess.demand.architecture import Attention
from dcctl.assess.demand.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Callable


def never(_fields: Fields, _layer: int) -> bool:
    """Every layer sees everything."""
    return False


def every(_fields: Fields, _layer: int) -> bool:
    """Every layer looks back as far as the window, if there is one (Mistral, Phi-3)."""
    return True


def alternating(fields: Fields, layer: int) -> bool:
    """Every n-th layer sees everything: every second in Gemma 2 and gpt-oss, every sixth in Gemma 3."""
    return bool((layer + 1) % fields.whole("sliding_window_pattern", 2))


def from_layer(fields: Fields, layer: int) -> bool:
    """Layers from `max_window_layers` on, where `use_sliding_window` says so (Qwen)."""
    if not fields.flag("use_sliding_window", default=False):
        return False
    return layer >= fields.whole("max_window_layers", least=0)


def three_of_four(fields: Fields, layer: int) -> bool:
    """Layers with rotary positions see a chunk, those without see everything (Llama 4)."""
    told = fields.wholes("no_rope_layers")
    if told:
        return layer < len(told) and bool(told[layer])
    return bool((layer + 1) % fields.whole("no_rope_layer_interval", 4))


class Heads(Struct, frozen=True):
    """Multi-head attention with keys and values for all heads, for groups, or for one."""

    bias: bool | str = False
    """Of queries, keys and values: whether, or the key that tells."""
    out_bias: bool | str = False
    windowed: Callable[[Fields, int], bool] = never
    window: str = "sliding_window"
    head_norm: bool | str = False
    """Whether queries and keys of a head are normed: one vector for all heads of each."""
    wide_norm: bool | str = False
    """Whether they are normed with a vector for each head."""
    gated: bool = False
    sinks: bool = False
    """Whether each head has a learned logit that takes what attention is left over."""
    keys: Literal["llama", "falcon", "mpt"] = "llama"
    """How the number of key-value heads is told."""

    def __call__(self, fields: Fields, layer: int) -> Attention:
        """Return the attention of a layer; UsageError where heads do not divide."""
        heads = fields.whole("num_attention_heads", most=1_000_000)
        kv_heads = self._kv_heads(fields, heads)
        if heads % kv_heads:
            fields.fail("num_key_value_heads", f"is {kv_heads:,}, which does not divide {heads:,} heads")
        head_dim = fields.optional("head_dim") or fields.ratio("hidden_size", "num_attention_heads")
        norms = 2 * told(fields, self.head_norm) + (heads + kv_heads) * told(fields, self.wide_norm)
        extra = head_dim * norms + heads * self.sinks
        return Attention(
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            window=_window(fields, layer, self),
            bias=told(fields, self.bias),
            out_bias=told(fields, self.out_bias),
            gated=self.gated,
            extra=extra,
        )

    def _kv_heads(self, fields: Fields, heads: int) -> int:
        if self.keys == "mpt":
            return Fields(fields.table("attn_config"), f"{fields.where}: attn_config").whole(
                "kv_n_heads", heads
            )
        if self.keys == "falcon" and not fields.flag("new_decoder_architecture", default=False):
            return 1 if fields.flag("multi_query", default=True) else heads
        return fields.whole("num_key_value_heads", heads)


class Latent(Struct, frozen=True):
    """Multi-head latent attention (arXiv 2405.04434)."""

    sparse: bool = False
    """Whether an indexer picks the tokens that are attended to (DeepSeek-V3.2-Exp, inference/model.py)."""

    def __call__(self, fields: Fields, _layer: int) -> Attention:
        """Return the attention of a layer."""
        bias = fields.flag("attention_bias", default=False)
        return Attention(
            kind="latent",
            heads=fields.whole("num_attention_heads", most=1_000_000),
            q_rank=fields.optional("q_lora_rank") or 0,
            kv_rank=fields.whole("kv_lora_rank"),
            rope_dim=fields.whole("qk_rope_head_dim"),
            nope_dim=fields.whole("qk_nope_head_dim"),
            value_dim=fields.whole("v_head_dim"),
            index_heads=fields.whole("index_n_heads") if self.sparse else 0,
            index_dim=fields.whole("index_head_dim") if self.sparse else 0,
            top=fields.whole("index_topk") if self.sparse else None,
            bias=bias,
            out_bias=bias,
        )


def told(fields: Fields, what: bool | str) -> bool:
    """Return what is known beforehand, or the flag of that name."""
    return fields.flag(what, default=False) if isinstance(what, str) else what


def _window(fields: Fields, layer: int, heads: Heads) -> int | None:
    """`layer_types` tells by layer; without it the rule of the family holds."""
    kinds = fields.texts("layer_types")
    if kinds is None:
        return fields.optional(heads.window) if heads.windowed(fields, layer) else None
    if layer >= len(kinds):
        fields.fail("layer_types", f"has {len(kinds):,} entries, fewer than there are layers")
    windows = {"sliding_attention": "sliding_window", "chunked_attention": "attention_chunk_size"}
    if kinds[layer] == "full_attention":
        return None
    if kinds[layer] not in windows:
        known = ", ".join(["full_attention", *windows])
        fields.fail("layer_types", f"has {kinds[layer][:40]!r}; known are: {known}")
    return fields.whole(windows[kinds[layer]])
