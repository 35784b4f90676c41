"""The families of models whose configuration is understood, and how each differs from Llama.

Layouts of tensors are those of the modelling code of transformers; what is not in a row is as in Llama.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct, field

from dcctl.assess.demand import hybrids
from dcctl.assess.demand.attentions import Heads, Latent, alternating, every, from_layer, three_of_four
from dcctl.assess.demand.feedforward import (
    Dense,
    Experts,
    after,
    period_of_jamba,
    steps_of_llama4,
    steps_of_qwen,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.assess.demand.architecture import Attention, Mlp
    from dcctl.assess.demand.fields import Fields

Spelling: TypeAlias = "dict[str, tuple[str, ...]]"


def _none(_fields: Fields) -> int:
    return 0


def _learned(more: int) -> Callable[[Fields], int]:
    """Learned positions; OPT keeps two rows more than it uses."""
    return lambda fields: fields.whole("max_position_embeddings") + more


def _two(_fields: Fields, _layer: int) -> int:
    return 2


class Family(Struct, frozen=True):
    """How models of one `model_type` are made and how their configuration spells it."""

    attention: Callable[[Fields, int], Attention] = Heads(bias="attention_bias", out_bias="attention_bias")
    """Of a layer by its number."""
    mlp: Callable[[Fields, int], Mlp] = Dense(bias="mlp_bias")
    norms: Callable[[Fields, int], int] = _two
    norm_bias: bool = False
    outer_norms: int = 1
    tied: bool = False
    """What transformers takes where `tie_word_embeddings` is missing."""
    positions: Callable[[Fields], int] = _none
    spelled: Spelling = field(default_factory=dict)
    defaults: dict[str, int | bool] = field(default_factory=dict)
    refused: dict[str, tuple[object, ...]] = field(default_factory=dict)
    """Keys whose other values change the tensors in a way that is not known here."""


_GPT2: Final[Spelling] = {
    "hidden_size": ("n_embd",),
    "num_hidden_layers": ("n_layer",),
    "num_attention_heads": ("n_head",),
    "intermediate_size": ("n_inner",),
    "max_position_embeddings": ("n_positions", "n_ctx"),
}
_BLOOM: Final[Spelling] = {
    "hidden_size": ("hidden_size", "n_embed"),
    "num_hidden_layers": ("n_layer", "num_hidden_layers"),
    "num_attention_heads": ("n_head", "num_attention_heads"),
    "max_position_embeddings": ("seq_length",),
}
_FALCON: Final[Spelling] = {
    "num_hidden_layers": ("num_hidden_layers", "n_layer"),
    "num_attention_heads": ("num_attention_heads", "n_head"),
    "num_key_value_heads": ("num_kv_heads", "n_head_kv"),
    "intermediate_size": ("ffn_hidden_size",),
}
_MPT: Final[Spelling] = {
    "hidden_size": ("d_model",),
    "num_hidden_layers": ("n_layers",),
    "num_attention_heads": ("n_heads",),
    "max_position_embeddings": ("max_seq_len",),
}


def _norms_of_falcon(fields: Fields, _layer: int) -> int:
    """One norm where attention and feed-forward run side by side, two in later designs."""
    newer = fields.flag("new_decoder_architecture", default=False)
    if newer:
        return fields.whole("num_ln_in_parallel_attn", 2)
    return 1 if fields.flag("parallel_attn", default=True) else 2


def _four(_fields: Fields, _layer: int) -> int:
    return 4


def _one(_fields: Fields, _layer: int) -> int:
    return 1


_QWEN_MOE: Final = Experts("num_experts", sparse=steps_of_qwen, dense=Dense())
_DEEPSEEK: Final = Experts(
    "n_routed_experts", sparse=after, dense=Dense(), shared_count="n_shared_experts", correction="noaux_tc"
)
_GPT_OSS_BIAS: Final = {"attention_bias": True}
_PLAIN: Final = Dense(gated=False, bias=True)
_BIASED: Final = Heads(bias=True, out_bias=True)
_GEMMA3: Final = {
    "vocab_size": 262_208,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "sliding_window": 4096,
    "max_position_embeddings": 131_072,
}

FAMILIES: Final[dict[str, Family]] = {
    "llama": Family(),
    "llama4_text": Family(
        attention=Heads(
            bias="attention_bias",
            out_bias="attention_bias",
            windowed=three_of_four,
            window="attention_chunk_size",
        ),
        mlp=Experts(
            "num_local_experts",
            width="intermediate_size",
            sparse=steps_of_llama4,
            dense=Dense(width="intermediate_size_mlp"),
            shared_count=1,
        ),
        defaults={"attention_chunk_size": 8192},
    ),
    "mistral": Family(attention=Heads(windowed=every), mlp=Dense()),
    "mixtral": Family(
        attention=Heads(windowed=every),
        mlp=Experts("num_local_experts", width="intermediate_size", dense=Dense()),
    ),
    "qwen2": Family(attention=Heads(bias=True, windowed=from_layer), mlp=Dense()),
    "qwen2_moe": Family(
        attention=Heads(bias="qkv_bias", windowed=from_layer),
        mlp=Experts(
            "num_experts", sparse=steps_of_qwen, dense=Dense(), shared_width="shared_expert_intermediate_size"
        ),
        defaults={"qkv_bias": True},
    ),
    "qwen3": Family(
        attention=Heads(
            bias="attention_bias", out_bias="attention_bias", windowed=from_layer, head_norm=True
        ),
        mlp=Dense(),
        defaults={"head_dim": 128},
    ),
    "qwen3_moe": Family(
        attention=Heads(
            bias="attention_bias", out_bias="attention_bias", windowed=from_layer, head_norm=True
        ),
        mlp=_QWEN_MOE,
    ),
    "gpt2": Family(
        attention=_BIASED,
        mlp=_PLAIN,
        norm_bias=True,
        tied=True,
        positions=_learned(0),
        spelled=_GPT2,
        refused={"add_cross_attention": (None, False)},
    ),
    "gpt_neox": Family(
        attention=Heads(bias="attention_bias", out_bias="attention_bias"),
        mlp=_PLAIN,
        norm_bias=True,
        defaults={"attention_bias": True},
    ),
    "opt": Family(
        attention=Heads(bias="enable_bias", out_bias="enable_bias"),
        mlp=Dense(gated=False, bias="enable_bias"),
        norm_bias=True,
        tied=True,
        positions=_learned(2),
        spelled={"intermediate_size": ("ffn_dim",)},
        defaults={"enable_bias": True},
        refused={
            "do_layer_norm_before": (None, True),
            "_remove_final_layer_norm": (None, False),
            "layer_norm_elementwise_affine": (None, True),
        },
    ),
    "bloom": Family(attention=_BIASED, mlp=_PLAIN, norm_bias=True, outer_norms=2, tied=True, spelled=_BLOOM),
    "falcon": Family(
        attention=Heads(bias="bias", out_bias="bias", keys="falcon"),
        mlp=Dense(gated=False, bias="bias"),
        norms=_norms_of_falcon,
        norm_bias=True,
        tied=True,
        spelled=_FALCON,
    ),
    "mpt": Family(
        attention=Heads(keys="mpt"),
        mlp=Dense(gated=False, ratio="expansion_ratio"),
        tied=True,
        spelled=_MPT,
        refused={"no_bias": (None, True), "norm_type": (None, "low_precision_layernorm", "layernorm")},
    ),
    "phi3": Family(attention=Heads(windowed=every), mlp=Dense()),
    "gemma": Family(
        attention=Heads(bias="attention_bias", out_bias="attention_bias"),
        mlp=Dense(),
        tied=True,
        defaults={"head_dim": 256},
    ),
    "gemma2": Family(
        attention=Heads(bias="attention_bias", out_bias="attention_bias", windowed=alternating),
        mlp=Dense(),
        norms=_four,
        tied=True,
        defaults={"head_dim": 256, "sliding_window": 4096},
    ),
    "gemma3_text": Family(
        attention=Heads(
            bias="attention_bias", out_bias="attention_bias", windowed=alternating, head_norm=True
        ),
        mlp=Dense(),
        norms=_four,
        tied=True,
        defaults=_GEMMA3 | {"sliding_window_pattern": 6},
    ),
    "deepseek_v2": Family(attention=Latent(), mlp=_DEEPSEEK),
    "deepseek_v3": Family(attention=Latent(), mlp=_DEEPSEEK),
    "deepseek_v32": Family(attention=Latent(sparse=True), mlp=_DEEPSEEK),
    "gpt_oss": Family(
        attention=Heads(bias="attention_bias", out_bias="attention_bias", windowed=alternating, sinks=True),
        mlp=Experts("num_local_experts", width="intermediate_size", bias=True, dense=Dense()),
        defaults=_GPT_OSS_BIAS | {"head_dim": 64},
    ),
    "glm4_moe": Family(
        attention=Heads(bias="attention_bias", head_norm="use_qk_norm"),
        mlp=Experts(
            "n_routed_experts",
            sparse=after,
            dense=Dense(),
            shared_count="n_shared_experts",
            correction=True,
        ),
    ),
    "granite": Family(),
    "baichuan": Family(attention=Heads(), mlp=Dense()),
    "internlm2": Family(attention=Heads(bias="bias", out_bias="bias"), mlp=Dense()),
    "stablelm": Family(
        attention=Heads(bias="use_qkv_bias"),
        mlp=Dense(),
        norm_bias=True,
        refused={"qk_layernorm": (None, False), "use_parallel_residual": (None, False)},
    ),
    "starcoder2": Family(
        attention=Heads(bias="use_bias", out_bias="use_bias", windowed=every),
        mlp=Dense(gated=False, bias="use_bias"),
        norm_bias=True,
        tied=True,
        defaults={"use_bias": True},
    ),
    "olmo2": Family(
        attention=Heads(bias="attention_bias", out_bias="attention_bias", wide_norm=True), mlp=Dense()
    ),
    "cohere": Family(
        attention=Heads(bias="attention_bias", out_bias="attention_bias", wide_norm="use_qk_norm"),
        mlp=Dense(),
        norms=_one,
        tied=True,
    ),
    "qwen3_next": Family(
        attention=hybrids.qwen3_next,
        mlp=Experts(
            "num_experts", sparse=steps_of_qwen, dense=Dense(), shared_width="shared_expert_intermediate_size"
        ),
        defaults=hybrids.QWEN3_NEXT,
    ),
    "jamba": Family(
        attention=hybrids.jamba,
        mlp=Experts("num_experts", width="intermediate_size", sparse=period_of_jamba, dense=Dense()),
        defaults=hybrids.JAMBA,
    ),
    "mamba": Family(
        attention=hybrids.mamba, mlp=hybrids.nothing, norms=_one, tied=True, defaults=hybrids.MAMBA
    ),
    "mamba2": Family(attention=hybrids.mamba2, mlp=hybrids.nothing, norms=_one, defaults=hybrids.MAMBA2),
    "nemotron_h": Family(
        attention=hybrids.nemotron,
        mlp=hybrids.nemotron_mlp,
        norms=_one,
        spelled=hybrids.NEMOTRON_SPELLING,
        defaults=hybrids.NEMOTRON,
    ),
}
"""By `model_type`."""

ALIASES: Final = {
    "kimi_k2": "deepseek_v3",
    "gemma3": "gemma3_text",
    "llama4": "llama4_text",
    "qwen2_vl": "qwen2",
    "qwen2_vl_text": "qwen2",
    "qwen2_5_vl": "qwen2",
    "qwen2_5_vl_text": "qwen2",
}
"""Types that are made alike."""
