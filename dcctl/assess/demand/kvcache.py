"""What the cached keys and values of sequences take on one accelerator. All figures are exact.

A layer with heads of its own keeps `2 * ceil(kv_heads / TP) * head_dim` values a token: with fewer heads than
ranks they are there more than once. MLA keeps `d_c + d_rope`, whole on each rank (arXiv 2405.04434), and for
sparse attention the key of an indexer beside (DeepSeek-V3.2-Exp, inference/model.py). A window keeps no
more than its tokens; a state-space layer keeps a state that does not grow.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture, Attention

BLOCK: Final = 16
"""Tokens in one block of the cache (vLLM)."""


def kv_bytes(model: Architecture, tokens: int, tensor: int, bits: float) -> float:
    """Return what one sequence of so many tokens takes on each of `tensor` ranks, without its state."""
    return sum(layers.count * layer_bytes(layers.attention, tokens, tensor, bits) for layers in model.layers)


def layer_bytes(one: Attention, tokens: int, tensor: int, bits: float) -> float:
    """Return the same for one layer."""
    return _values(one, tensor) * _kept(one, tokens) * bits / 8 + _index_bytes(one) * tokens


def attended_bytes(one: Attention, tokens: int, tensor: int, bits: float) -> float:
    """Return what of it is read for the next token: of an indexer all keys, else those that it picks."""
    picked = min(one.top or tokens, _kept(one, tokens))
    return _values(one, tensor) * picked * bits / 8 + _index_bytes(one) * tokens


def kv_bytes_per_token(model: Architecture, tokens: int, tensor: int, bits: float) -> float:
    """Return the same for one token, on average over a sequence of that length."""
    return kv_bytes(model, tokens, tensor, bits) / tokens


def state_bytes(model: Architecture, tensor: int) -> float:
    """Return what one sequence takes on each rank however long it is: the states of linear layers."""
    return sum(layers.count * layers.attention.state_bytes / tensor for layers in model.layers)


def tokens_that_fit(room_bytes: float, per_token_bytes: float) -> int:
    """Return how many tokens fit into a room, in whole blocks; 0 where there is no room."""
    return max(0, int(room_bytes // (BLOCK * per_token_bytes))) * BLOCK


def in_blocks(tokens: int) -> int:
    """Return the tokens that a sequence takes in whole blocks."""
    return -(-tokens // BLOCK) * BLOCK


def _values(one: Attention, tensor: int) -> int:
    """Of one token in one layer, on one rank."""
    if one.kind == "latent":
        return one.kv_rank + one.rope_dim
    return 2 * ceil(one.kv_heads / tensor) * one.head_dim if one.kind == "softmax" else 0


def _index_bytes(one: Attention) -> int:
    """Of one token: the indexer's key in FP8, and a scale of 32 bits for each 128 of it."""
    return one.index_dim + 4 * ceil(one.index_dim / 128)


def _kept(one: Attention, tokens: int) -> int:
    return tokens if one.window is None else min(one.window, tokens)
