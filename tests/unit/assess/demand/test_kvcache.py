"""The cache against published figures."""

import pytest

from dcctl.assess.demand.kvcache import (
    BLOCK,
    in_blocks,
    kv_bytes,
    kv_bytes_per_token,
    state_bytes,
    tokens_that_fit,
)
from tests.unit.assess.demand.known import model


@pytest.mark.parametrize(
    ("name", "tokens", "tensor", "per_token"),
    [
        ("OPT-13B", 2048, 1, 800 * 1024),  # arXiv 2309.06180, section 3
        ("DeepSeek-V3", 4096, 1, 70_272),  # arXiv 2505.09343, table 1
        ("DeepSeek-V3", 4096, 8, 70_272),  # MLA is not split
        ("Llama 3.1 405B", 8192, 1, 516_096),  # arXiv 2505.09343, table 1
        ("Llama 3.1 405B", 8192, 8, 64_512),
        ("Llama 3.1 405B", 8192, 16, 64_512),  # 8 heads for 16 ranks
        ("Llama 2 70B", 4096, 1, 327_680),  # 1.25 GiB at 4k
    ],
)
def test_bytes_of_a_token_are_exact(name: str, tokens: int, tensor: int, per_token: int) -> None:
    assert kv_bytes_per_token(model(name), tokens, tensor, 16) == per_token


def test_an_fp8_cache_takes_half() -> None:
    one = model("Llama 3 8B")
    assert kv_bytes(one, 100, 1, 8) == kv_bytes(one, 100, 1, 16) / 2


def test_tokens_that_fit_are_those_that_vllm_reports() -> None:
    """vllm#21348: Qwen3-235B-FP8 at TP 4 has 8.11 GiB for the cache and reports 178,880 tokens."""
    per_token = kv_bytes_per_token(model("Qwen3 235B-A22B FP8"), 4096, 4, 16)
    tokens = tokens_that_fit(8.11 * 2**30, per_token)
    assert tokens == pytest.approx(178_880, rel=0.02)
    assert tokens % BLOCK == 0


@pytest.mark.parametrize("room", [-1.0, 0.0, 1.0])
def test_no_room_holds_no_token(room: float) -> None:
    assert tokens_that_fit(room, 100) == 0


def test_a_window_keeps_no_more_than_its_tokens() -> None:
    one = model("Gemma 2 9B")
    assert kv_bytes(one, 4096, 1, 16) == 42 * 2 * 8 * 256 * 2 * 4096
    assert kv_bytes(one, 8192, 1, 16) == (21 * 4096 + 21 * 8192) * 2 * 8 * 256 * 2


def test_hybrids_count_their_attention_layers_alone() -> None:
    one = model("Jamba v0.1")
    assert kv_bytes_per_token(one, 1000, 1, 16) == 4 * 2 * 8 * 128 * 2
    assert state_bytes(one, 1) == 28 * (8192 * 4 * 2 + 8192 * 16 * 4)
    assert kv_bytes(model("Mamba 2.8B"), 10**6, 1, 16) == 0


@pytest.mark.parametrize(("tokens", "blocked"), [(1, 16), (16, 16), (17, 32)])
def test_sequences_take_whole_blocks(tokens: int, blocked: int) -> None:
    assert in_blocks(tokens) == blocked
