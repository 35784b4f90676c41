"""Serving: against published weights and latencies, and what is refused."""

from itertools import pairwise
from math import inf

import pytest
from msgspec.structs import replace

from dcctl.assess.demand.inference import needs
from dcctl.assess.demand.latency import LAYER_DECODE_S, decode, prefill, requests_per_s
from dcctl.assess.demand.roofline import rate
from dcctl.assess.demand.serving import ServingSpec
from dcctl.assess.demand.serving_report import figures, remarks
from dcctl.errors import UsageError
from tests.unit.assess.demand.known import gpu, model


def spec(name: str = "Llama 3.1 70B", board: str = "H100", /, **more: object) -> ServingSpec:
    told: dict[str, object] = {"input_tokens": 1024, "output_tokens": 256, "tensor": 4} | more
    return ServingSpec(model(name), gpu(board), **told)  # type: ignore[arg-type]


def test_weights_of_one_accelerator_are_those_that_vllm_reports() -> None:
    """vllm#6746: Llama-3.1-405B-FP8 at TP 8 takes 57.752 GiB of each GPU."""
    found = needs(spec("Llama 3.1 405B FP8", tensor=8)).weights_bytes
    assert found.value / 2**30 == pytest.approx(57.752, rel=0.02)
    assert found.low == found.high == found.value


@pytest.mark.parametrize(("tensor", "prefill_ms", "decode_ms"), [(1, 63.17, 22.0), (2, 45.45, 13.5)])
def test_latencies_that_were_not_fitted_are_met(tensor: int, prefill_ms: float, decode_ms: float) -> None:
    """kipp.ly, transformer inference arithmetic: 13B, 512 tokens, FasterTransformer on A100 40 GB."""
    one = spec("OPT-13B", "A100 40GB", input_tokens=512, output_tokens=10, tensor=tensor)
    assert prefill(one).total_s * 1000 == pytest.approx(prefill_ms, rel=0.15)
    assert decode(one, 1).total_s * 1000 == pytest.approx(decode_ms, rel=0.07)
    found = needs(replace(one, batch=1))
    assert found.ttft_s.low * 1000 <= prefill_ms <= found.ttft_s.high * 1000
    assert found.tpot_s.low * 1000 <= decode_ms <= found.tpot_s.high * 1000


@pytest.mark.parametrize(
    ("name", "tensor", "tokens_per_s"),
    [
        ("Llama 2 7B", 1, 155.58),
        ("Llama 2 70B", 1, 19.13),
        ("Llama 3.1 8B", 1, 137.64),
        ("Llama 2 70B", 8, 80.44),
        ("Llama 3.1 405B", 8, 15.60),
    ],
)
def test_weights_that_are_unpacked_are_within_the_wider_interval(
    name: str, tensor: int, tokens_per_s: float
) -> None:
    """gpt-fast README: INT8 weights, bf16 products, batch 1 on A100; not among the rows that were fitted."""
    one = spec(name, "A100", input_tokens=5, output_tokens=200, tensor=tensor, weight_bits=8, batch=1)
    found = needs(replace(one, gpu=replace(one.gpu, memory_bytes=10**12))).tpot_s
    assert found.low <= 1 / tokens_per_s <= found.high


@pytest.mark.parametrize(("tensor", "tokens_per_s"), [(2, 96.67), (4, 155.35), (8, 227.82)])
def test_a_mixture_reads_the_experts_that_are_hit(tensor: int, tokens_per_s: float) -> None:
    """gpt-fast README: Mixtral 8x7B in bf16 at batch 1 on A100; not among the rows that were fitted."""
    one = spec("Mixtral 8x7B", "A100", input_tokens=5, output_tokens=200, tensor=tensor)
    assert 1 / decode(one, 1).total_s == pytest.approx(tokens_per_s, rel=0.1)


@pytest.mark.parametrize(
    ("name", "board", "tensor", "batch", "before", "after", "published"),
    [
        ("Llama 2 7B", "H100", 1, 768, 128, 128, 19_694),
        ("Llama 2 7B", "H100", 1, 112, 128, 2048, 6818),
        ("Llama 2 7B", "H100", 1, 80, 2048, 128, 2244),
        ("Llama 2 7B", "H100", 1, 48, 2048, 2048, 2740),
        ("Llama 2 70B", "H100", 2, 1024, 128, 128, 2657),
        ("Llama 2 70B", "H100", 4, 480, 128, 2048, 1486),
        ("Llama 2 70B", "H100", 2, 96, 2048, 128, 306),
        ("Llama 2 70B", "H100", 2, 64, 2048, 2048, 547),
        ("Falcon 180B", "H100", 4, 1024, 128, 128, 987),
        ("Falcon 180B", "H100", 8, 1024, 128, 2048, 724),
        ("Falcon 180B", "H100", 4, 64, 2048, 128, 112),
        ("Falcon 180B", "H100", 4, 64, 2048, 2048, 264),
        ("Llama 2 7B", "A100", 1, 384, 128, 128, 5586),
        ("Llama 2 7B", "A100", 1, 60, 128, 2048, 1928),
        ("Llama 2 7B", "A100", 1, 52, 2048, 128, 591),
        ("Llama 2 7B", "A100", 2, 64, 2048, 2048, 782),
        ("Llama 2 70B", "A100", 4, 1280, 128, 128, 670),
        ("Llama 2 70B", "A100", 4, 240, 128, 2048, 525),
        ("Llama 2 70B", "A100", 4, 120, 2048, 128, 79),
        ("Falcon 180B", "A100", 8, 1024, 128, 128, 232),
        ("Falcon 180B", "A100", 8, 128, 128, 2048, 180),
        ("Llama 2 7B", "L40S", 1, 64, 128, 128, 3240),
        ("Llama 2 7B", "L40S", 1, 64, 128, 2048, 1622),
        ("Llama 2 7B", "L40S", 1, 32, 2048, 128, 581),
        ("Llama 2 7B", "L40S", 1, 16, 2048, 2048, 531),
    ],
)
def test_throughput_is_within_its_interval(
    name: str, board: str, tensor: int, batch: int, before: int, after: int, published: float
) -> None:
    """TensorRT-LLM 0.6.1 (L40S: 0.5), performance.md: tokens per second and GPU; no row that was fitted.

    Its attention kernels read a key for each query head that shares it; those of XQA, since 0.8, once.
    """
    one = spec(
        name,
        board,
        input_tokens=before,
        output_tokens=after,
        tensor=tensor,
        weight_bits=None if board == "A100" else 8,
        kv_bits=16 if board == "A100" else 8,
        grouped_reads=False,
    )
    assert requests_per_s(one, batch) * after / tensor == pytest.approx(published, rel=0.35)


@pytest.mark.parametrize(("tensor", "times"), [(1, 2.4), (8, 1.9)])
def test_reading_a_shared_key_once_is_worth_what_was_measured(tensor: int, times: float) -> None:
    """TensorRT-LLM, XQA-kernel.md: Llama 70B in FP8 on H200, 128 tokens in and 2,048 out."""
    told: dict[str, object] = {"input_tokens": 128, "output_tokens": 2048, "weight_bits": 8, "kv_bits": 8}
    one = spec("Llama 2 70B", "H200", tensor=tensor, **told)
    batch = min(1024, needs(one).batch)
    old = replace(one, grouped_reads=False)
    assert requests_per_s(one, batch) / requests_per_s(old, batch) == pytest.approx(times, rel=0.15)


def test_accelerators_before_ampere_read_a_shared_key_for_each_head() -> None:
    told = {"tensor": 8, "input_tokens": 2048}
    volta, ampere = spec("Llama 2 70B", "V100", **told), spec("Llama 2 70B", "A100", **told)
    assert decode(volta, 64) == decode(replace(volta, grouped_reads=False), 64)
    assert decode(ampere, 64) == decode(replace(ampere, grouped_reads=True), 64)
    assert decode(replace(ampere, grouped_reads=False), 64).total_s > decode(ampere, 64).total_s


@pytest.mark.parametrize(
    ("board", "ranks", "batch", "context", "published"),
    [("H800", 144, 88, 4989, 14_800), ("H800", 144, 92, 5120, 14_700), ("H100", 72, 256, 2000, 22_282)],
)
def test_experts_on_many_nodes_are_within_their_interval(
    board: str, ranks: int, batch: int, context: int, published: float
) -> None:
    """Output tokens per second and node of DeepSeek-V3 where prefill is elsewhere; no row that was fitted.

    DeepSeek (open-infra-index, day 6; sequences on a GPU by Little's law: 1,850 tokens a second at 21 each),
    RTP-LLM (13,200 at once on 144), SGLang (lmsys.org, 2025-05-05).
    """
    one = spec(
        "DeepSeek-V3", board, tensor=1, data=ranks, expert=ranks, input_tokens=context, output_tokens=1
    )
    found = needs(replace(one, batch=batch * ranks)).tpot_s
    assert found.low <= 8 * batch / published <= found.high
    assert 8 * batch / found.value == pytest.approx(published, rel=0.3)


def test_halves_take_turns_where_that_is_faster() -> None:
    """lmsys.org: two halves gain 25 % at 256 sequences a GPU, and lose at 32."""
    one = spec("DeepSeek-V3", "H100", tensor=1, data=72, expert=72, input_tokens=2000, output_tokens=1)
    alone = 2 * LAYER_DECODE_S * one.model.depth
    assert decode(one, 256 * 72).layers_s == pytest.approx(alone)
    assert decode(one, 16 * 72).layers_s == pytest.approx(alone / 2)


def test_places_that_are_left_hold_copies_of_experts() -> None:
    """DeepSeek: on 144 ranks each has 2 of 256 experts and 32 copies."""
    held = [
        needs(spec("DeepSeek-V3", "H800", tensor=1, data=ranks, expert=ranks)).weights_bytes.value
        for ranks in (128, 144)
    ]
    assert held[0] == held[1]


@pytest.mark.parametrize(("tokens", "milliseconds"), [(128, 14), (2048, 73)])
def test_the_first_token_on_hardware_that_was_not_fitted_is_within_its_interval(
    tokens: int, milliseconds: float
) -> None:
    """TensorRT-LLM 0.5, performance.md: LLaMA 7B in FP8 on L40S, batch 1."""
    told: dict[str, object] = {"input_tokens": tokens, "output_tokens": 1, "tensor": 1, "weight_bits": 8}
    found = needs(spec("Llama 2 7B", "L40S", **told)).ttft_s
    assert found.low * 1000 <= milliseconds <= found.high * 1000


def test_what_fits_is_memory_less_weights_and_runtime() -> None:
    found = needs(spec(reserve_bytes=0))
    room = gpu("H100").memory_bytes * 0.9 - found.weights_bytes.value
    assert found.kv_room_bytes.value == pytest.approx(room)
    assert found.kv_tokens.value == int(room // (16 * found.kv_bytes_per_token.value)) * 16
    assert found.concurrency.value == found.kv_tokens.value // 1280
    assert found.fits


def test_a_model_that_does_not_fit_says_so() -> None:
    one = spec(tensor=1, rate=1)
    found = needs(one)
    assert not found.fits
    assert (found.batch, found.bound, found.replicas) == (0, "weights", None)
    assert remarks(one, found)[0].startswith(
        "one sequence of 1,280 tokens does not fit beside the weights on 1 x H100"
    )


def test_the_target_per_token_bounds_the_batch() -> None:
    free, tight = needs(spec()), needs(spec(tpot_s=0.04))
    assert (free.bound, tight.bound) == ("memory", "tpot")
    assert tight.batch < free.batch
    assert tight.loaded_tpot_s.value <= 0.04
    assert needs(spec(tpot_s=0.04, batch=tight.batch)).bound == "asked"


def test_targets_that_nothing_meets_are_named() -> None:
    one = spec(rate=5, ttft_s=0.001, tpot_s=0.001)
    found = needs(one)
    assert found.missed == ("ttft", "tpot")
    assert found.replicas is None
    assert len(remarks(one, found)) == 2


def test_more_requests_need_no_fewer_replicas() -> None:
    counts = [needs(spec(rate=rate_, ttft_s=0.5, tpot_s=0.05)).replicas for rate_ in (1, 10, 50, 200)]
    values = [one.value for one in counts if one is not None]
    assert len(values) == 4
    assert all(low <= high for low, high in pairwise(values))
    assert values[-1] > 10


def test_replicas_are_the_most_that_anything_asks_for() -> None:
    found = needs(spec(rate=50, ttft_s=0.5, tpot_s=0.05))
    assert found.replicas is not None
    assert set(found.replicas_by) == {"kv", "throughput", "waiting"}
    assert found.replicas.value == max(found.replicas_by.values())
    assert found.replicas.low <= found.replicas.value <= found.replicas.high


def test_more_ranks_are_faster_and_hold_less_each() -> None:
    found = [needs(spec("Llama 3 8B", tensor=tensor, batch=8)) for tensor in (1, 2, 4, 8)]
    assert all(one.tpot_s.value > two.tpot_s.value for one, two in pairwise(found))
    assert all(one.ttft_s.value > two.ttft_s.value for one, two in pairwise(found))
    assert all(one.weights_bytes.value > two.weights_bytes.value for one, two in pairwise(found))


def test_experts_are_spread_over_the_groups_that_share_them() -> None:
    together = needs(spec("DeepSeek-V3", "H200", tensor=8))
    spread = needs(spec("DeepSeek-V3", "H200", tensor=1, data=32, expert=32))
    assert spread.weights_bytes.value < together.weights_bytes.value
    assert spread.kv_bytes_per_token == together.kv_bytes_per_token
    assert spread.concurrency.value > 4 * together.concurrency.value


def test_stages_hold_their_layers_and_work_on_their_part_of_the_batch() -> None:
    whole, staged = needs(spec(tensor=8, batch=64)), needs(spec(tensor=4, pipeline=2, batch=64))
    assert staged.weights_bytes.value == pytest.approx(whole.weights_bytes.value, rel=0.02)
    assert staged.kv_bytes_per_token.value == pytest.approx(whole.kv_bytes_per_token.value)
    assert staged.tpot_s.value > whole.tpot_s.value
    assert staged.ttft_s.value > whole.ttft_s.value


def test_a_state_space_model_has_no_bound_on_tokens() -> None:
    one = spec("Mamba 2.8B", tensor=1)
    found = needs(one)
    assert found.kv_tokens.value == inf
    assert 0 < found.concurrency.value < inf
    assert next(line for line in figures(one, found) if line.key == "kv_tokens").estimate is None


def test_measured_files_are_split_as_the_tensors_are() -> None:
    one = spec()
    measured = replace(one, model=replace(one.model, measured_bytes=2 * 70_553_706_496 + 10**9))
    assert needs(measured).weights_bytes.value > needs(one).weights_bytes.value


def test_accelerators_without_bf16_work_in_fp16() -> None:
    assert rate(gpu("T4"), 16) > 0
    assert rate(gpu("T4"), 16) < gpu("T4").peak_flops["fp16"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tensor": 3}, "tensor parallelism 3: does not divide the 64 heads of Llama 3.1 70B"),
        ({"tensor": 0}, "tensor 0: must be from 1"),
        ({"expert": 4}, "expert parallelism 4: is for models with experts"),
        ({"input_tokens": 0}, "input tokens 0: must be from 1"),
        ({"output_tokens": -5}, "output tokens -5: must be from 1"),
        (
            {"input_tokens": 200_000},
            "200,256 tokens: are more than the 131,072 that Llama 3.1 70B is made for",
        ),
        ({"rate": 0.0}, "rate 0.0: must be above zero"),
        ({"rate": float("nan")}, "rate nan: must be above zero"),
        ({"rate": inf}, "rate inf: must be above zero"),
        ({"rate": 1e9}, "requests in work at once: too many"),
        ({"tpot_s": -1.0}, "tpot -1.0: must be above zero"),
        ({"pipeline": 81}, "pipeline of 81: has more stages than the 80 layers of Llama 3.1 70B"),
        ({"weight_bits": 0.0}, "weight bits 0.0: must be from 1 to 64"),
        ({"kv_bits": 1e9}, "kv bits 1,000,000,000.0: must be from 1 to 64"),
        ({"reserve_bytes": -1}, "reserve bytes -1: must be from 0"),
        ({"memory_share": 1.5}, "memory share 1.5: must be above 0 and at most 1"),
    ],
)
def test_impossible_requests_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        needs(spec(**wrong))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"tensor": 8, "expert": 16},
            "expert parallelism 16: does not divide the 8 accelerators that hold a layer",
        ),
        (
            {"tensor": 1, "data": 288, "expert": 288},
            "expert parallelism 288: has more ranks than the 256 experts",
        ),
    ],
)
def test_experts_that_cannot_be_spread_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        needs(spec("DeepSeek-V3", "H200", **wrong))
    assert message in str(caught.value)


def test_adapters_take_room_from_the_cache() -> None:
    none, some = needs(spec(reserve_bytes=0)), needs(spec(reserve_bytes=0, lora_rank=16, adapters=10))
    assert none.adapters_bytes is None
    assert some.adapters_bytes is not None
    assert some.adapters_bytes.value == 10 * 207_093_760 * 2 / 4
    assert none.kv_room_bytes.value - some.kv_room_bytes.value == pytest.approx(some.adapters_bytes.value)


def test_sparse_attention_reads_what_its_indexer_picks() -> None:
    """DeepSeek-V3.2 beside V3: 132 bytes more of a token in each layer, less to read of a long context."""
    plain, sparse = (
        spec(name, "H800", tensor=1, data=128, expert=128, input_tokens=65_536)
        for name in ("DeepSeek-V3", "DeepSeek-V3.2")
    )
    more = needs(sparse).kv_bytes_per_token.value - needs(plain).kv_bytes_per_token.value
    assert more == 61 * 132
    assert decode(sparse, 128 * 8).total_s < decode(plain, 128 * 8).total_s
    short = [replace(one, input_tokens=1024) for one in (plain, sparse)]
    assert decode(short[1], 128 * 8).total_s > decode(short[0], 128 * 8).total_s


def test_every_figure_has_its_formula() -> None:
    one = spec(rate=20, ttft_s=0.5, tpot_s=0.05)
    lines = figures(one, needs(one))
    assert len({line.key for line in lines}) == len(lines)
    assert all(line.estimate is not None and line.estimate.formula for line in lines)
    assert all(
        line.estimate.low <= line.estimate.value <= line.estimate.high for line in lines if line.estimate
    )
