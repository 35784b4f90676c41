"""State-space models and hybrids: layers whose state does not grow with the sequence.

Layouts of tensors: Mamba arXiv 2312.00752, Mamba-2 arXiv 2405.21060, as transformers has them. The state
is kept in 16 bits for the convolution and 32 for the recurrence.
"""

from __future__ import annotations

from typing import Final

from dcctl.assess.demand.architecture import Attention, Mlp
from dcctl.assess.demand.attentions import Heads
from dcctl.assess.demand.feedforward import Dense
from dcctl.assess.demand.fields import Fields

MAMBA: Final[dict[str, int | bool]] = {
    "state_size": 16,
    "conv_kernel": 4,
    "expand": 2,
    "use_bias": False,
    "use_conv_bias": True,
}
MAMBA2: Final[dict[str, int | bool]] = MAMBA | {
    "state_size": 128,
    "n_groups": 8,
    "num_heads": 128,
    "head_dim": 64,
}
JAMBA: Final[dict[str, int | bool]] = {
    "attn_layer_period": 8,
    "attn_layer_offset": 4,
    "mamba_d_state": 16,
    "mamba_d_conv": 4,
    "mamba_expand": 2,
    "mamba_conv_bias": True,
    "mamba_proj_bias": False,
}
QWEN3_NEXT: Final[dict[str, int | bool]] = {"full_attention_interval": 4, "linear_conv_kernel_dim": 4}
NEMOTRON: Final[dict[str, int | bool]] = {"use_bias": False, "use_conv_bias": True}
NEMOTRON_SPELLING: Final[dict[str, tuple[str, ...]]] = {"head_dim": ("head_dim", "attention_head_dim")}


def nothing(_fields: Fields, _layer: int) -> Mlp:
    """No feed-forward part."""
    return Mlp()


def mamba(fields: Fields, _layer: int) -> Attention:
    """Return a layer of Mamba."""
    hidden = fields.whole("hidden_size")
    inner = fields.optional("intermediate_size") or fields.whole("expand") * hidden
    return _selective(
        hidden,
        inner,
        states=fields.whole("state_size"),
        kernel=fields.whole("conv_kernel"),
        rank=_rank(fields, "time_step_rank", hidden),
        biases=fields.flag("use_bias", default=False) * (2 * inner + hidden)
        + fields.flag("use_conv_bias", default=True) * inner,
    )


def jamba(fields: Fields, layer: int) -> Attention:
    """Return a layer of Jamba: attention once in a period, else Mamba with three norms inside."""
    offset = fields.whole("attn_layer_offset", least=0)
    if layer % fields.whole("attn_layer_period") == offset:
        return Heads()(fields, layer)
    hidden, states = fields.whole("hidden_size"), fields.whole("mamba_d_state")
    inner = fields.whole("mamba_expand") * hidden
    rank = _rank(fields, "mamba_dt_rank", hidden)
    return _selective(
        hidden,
        inner,
        states=states,
        kernel=fields.whole("mamba_d_conv"),
        rank=rank,
        biases=fields.flag("mamba_proj_bias", default=False) * (2 * inner + hidden)
        + fields.flag("mamba_conv_bias", default=True) * inner
        + rank
        + 2 * states,
    )


def qwen3_next(fields: Fields, layer: int) -> Attention:
    """Return a layer of Qwen3-Next: gated attention each fourth time, else the gated delta rule.

    arXiv 2412.06464.
    """
    kinds = fields.texts("layer_types")
    full = (layer + 1) % fields.whole("full_attention_interval") == 0
    if kinds is not None and layer < len(kinds):
        full = kinds[layer] == "full_attention"
    if full:
        plain = Fields({**fields.values, "layer_types": None}, fields.where)
        return Heads(bias="attention_bias", out_bias="attention_bias", head_norm=True, gated=True)(
            plain, layer
        )
    hidden, kernel = fields.whole("hidden_size"), fields.whole("linear_conv_kernel_dim")
    heads, width = fields.whole("linear_num_value_heads"), fields.whole("linear_value_head_dim")
    key_width = fields.whole("linear_key_head_dim")
    keys, values = fields.whole("linear_num_key_heads") * key_width, heads * width
    entering = 2 * keys + 2 * values + 2 * heads
    mixed = 2 * keys + values
    return Attention(
        kind="linear",
        parameters=hidden * (entering + values) + mixed * kernel + 2 * heads + width,
        state_bytes=mixed * kernel * 2 + heads * key_width * width * 4,
    )


def mamba2(fields: Fields, _layer: int) -> Attention:
    """Return a layer of Mamba-2."""
    return _dual(
        fields,
        inner=fields.whole("expand") * fields.whole("hidden_size"),
        heads=fields.whole("num_heads"),
        states=fields.whole("state_size"),
    )


def nemotron(fields: Fields, layer: int) -> Attention:
    """Return what a layer of Nemotron-H mixes tokens with: `M` Mamba-2, `*` attention, `-` nothing."""
    kind = _kind(fields, layer)
    if kind == "*":
        return Heads(bias="attention_bias", out_bias="attention_bias")(fields, layer)
    if kind == "-":
        return Attention(kind="none")
    heads = fields.whole("mamba_num_heads")
    return _dual(
        fields,
        inner=heads * fields.whole("mamba_head_dim"),
        heads=heads,
        states=fields.whole("ssm_state_size"),
    )


def nemotron_mlp(fields: Fields, layer: int) -> Mlp:
    """Return the feed-forward part of a layer of Nemotron-H, which has nothing else."""
    return Dense(gated=False, bias="mlp_bias")(fields, layer) if _kind(fields, layer) == "-" else Mlp()


def _kind(fields: Fields, layer: int) -> str:
    pattern = fields.raw("hybrid_override_pattern")
    if not isinstance(pattern, str) or layer >= len(pattern):
        fields.fail("hybrid_override_pattern", "is not a text with a sign for each layer")
    if pattern[layer] not in "M*-":
        fields.fail("hybrid_override_pattern", f"has {pattern[layer]!r}; known are: M, *, -")
    return pattern[layer]


def _rank(fields: Fields, name: str, hidden: int) -> int:
    """`auto`, or nothing, is a sixteenth of the hidden size."""
    return -(-hidden // 16) if fields.raw(name) in {None, "auto"} else fields.whole(name)


def _selective(hidden: int, inner: int, *, states: int, kernel: int, rank: int, biases: int) -> Attention:
    """Mamba: projections in and out, a convolution, and what makes its steps depend on the input."""
    projections = 3 * hidden * inner
    steps = inner * (rank + 2 * states) + rank * inner + inner
    recurrence = inner * states + inner
    return Attention(
        kind="linear",
        parameters=projections + inner * kernel + steps + recurrence + biases,
        state_bytes=inner * kernel * 2 + inner * states * 4,
    )


def _dual(fields: Fields, *, inner: int, heads: int, states: int) -> Attention:
    """Mamba-2: heads share one scalar recurrence each; groups of heads share what goes in and out of it."""
    hidden, kernel = fields.whole("hidden_size"), fields.whole("conv_kernel", 4)
    mixed = inner + 2 * fields.whole("n_groups", 1) * states
    entering = inner + mixed + heads
    biases = fields.flag("use_bias", default=False) * (entering + hidden)
    biases += fields.flag("use_conv_bias", default=True) * mixed
    return Attention(
        kind="linear",
        parameters=hidden * entering + mixed * kernel + 3 * heads + inner + inner * hidden + biases,
        state_bytes=mixed * kernel * 2 + inner * states * 4,
    )
