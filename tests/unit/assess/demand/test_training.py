"""Training: memory against ZeRO and Megatron, refusals, traffic, checkpoints, the bill."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from dcctl.assess.demand.bill import Bill, Prices, bill
from dcctl.assess.demand.bottleneck import shares
from dcctl.assess.demand.durability import Habits, durability, progress, young
from dcctl.assess.demand.estimate import Estimate
from dcctl.assess.demand.gang import Group, work_of
from dcctl.assess.demand.handmade import Plain, architecture, by_count
from dcctl.assess.demand.hardware import Gpu
from dcctl.assess.demand.layout import Layout
from dcctl.assess.demand.lookup import Model, gpu, model
from dcctl.assess.demand.memory import memory
from dcctl.assess.demand.operations import forward, hardware
from dcctl.assess.demand.parameters import total
from dcctl.assess.demand.predict import coefficient, kind, limits, step
from dcctl.assess.demand.refusals import reasons, refuse
from dcctl.assess.demand.shards import adapters, shard, slots, stages
from dcctl.assess.demand.steptime import step_parts
from dcctl.assess.demand.traffic import flows, gathered_bytes, gradient_bytes, hops_s
from dcctl.assess.demand.training import TrainingNeeds, needs
from dcctl.assess.demand.training_spec import TrainingSpec, stack_of
from dcctl.errors import UsageError
from dcctl.inventory.sources.catalogue import rows

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture

GPT = architecture(Plain(4096, 32, 32, 51200, positions=2048), "gpt")
BOARD = gpu("H100", rows("gpus", Gpu))


def named(name: str) -> Architecture:
    return model(name, rows("models", Model)).architecture()


def spec(one: Architecture = GPT, sequence: int = 2048, **sizes: Any) -> TrainingSpec:
    return TrainingSpec(one, BOARD, Layout(**sizes), sequence)


def test_zero_splits_what_its_stages_say() -> None:
    held = total(GPT)
    for zero, expected in ((0, 18 * held), (1, 6 * held + 12 * held / 8), (2, 2 * held + 16 * held / 8)):
        one = memory(spec(data=8, zero=zero, batch=8))
        assert one.weights.value + one.gradients.value + one.optimizer.value == pytest.approx(expected)
    third = memory(spec(data=8, zero=3, batch=8))
    assert third.gradients.value + third.optimizer.value == pytest.approx(16 * held / 8)
    assert third.weights.value > 2 * held / 8, "the layer in use is gathered"


def test_activations_are_those_of_table_2() -> None:
    s, h, a = 2048, 4096, 32
    old = replace(spec(recompute="none", batch=1), stack="megatron-2021")
    scores = 5 * a * s / h
    assert memory(old).activations.value == pytest.approx(s * h * (34 + scores) * 33), "with dropout"
    parallel = memory(spec(tensor=4, batch=1)).activations.value
    assert parallel == pytest.approx(32 * s * h / 4 * (32 + 2) + 8 * s * h)
    whole = memory(spec(tensor=4, batch=1, sequence_parallel=False, recompute="none")).activations.value
    assert whole == pytest.approx(s * h * (8 + 24 / 4) * 33)


def test_flash_attention_keeps_no_scores() -> None:
    long, half = (memory(spec(sequence=n, batch=1, recompute="none")).activations.value for n in (8192, 4096))
    assert long == pytest.approx(2 * half)


def test_full_recomputation_keeps_inputs_that_sequence_parallelism_splits_and_works_on_one_layer() -> None:
    s, h = 2048, 4096
    full = memory(spec(batch=1, recompute="full")).activations.value
    assert full == pytest.approx(2 * s * h * 32 + 2 * 32 * s * h)
    split = memory(spec(tensor=4, batch=1, recompute="full")).activations.value
    assert split == pytest.approx((2 * 32 + 2 * 32) * s * h / 4 + 8 * s * h)
    plain = memory(spec(tensor=4, batch=1, recompute="full", sequence_parallel=False)).activations.value
    assert plain == pytest.approx((2 * 32 + 2 * (8 + 24 / 4)) * s * h)


def test_fsdp_keeps_one_master_and_gathers_two_layers() -> None:
    one = memory(replace(spec(data=8, zero=3, batch=8), stack="fsdp"))
    held = total(GPT)
    assert one.gradients.value + one.optimizer.value == pytest.approx(16 * held / 8)
    layer = (held - 51200 * 4096) / 32
    assert one.weights.value == pytest.approx(2 * (2 * layer + 51200 * 4096), rel=0.01)
    kept = memory(replace(spec(data=8, zero=2, batch=8), stack="fsdp"))
    assert kept.weights.value == pytest.approx(2 * held)
    assert kept.gradients.value == one.gradients.value


def test_fsdp_sends_weights_and_gradients_as_often_as_it_is_told() -> None:
    one = replace(spec(data=8, zero=3, batch=32), stack="fsdp")
    once = 2 * 1000 * 7 / 8
    sent = {
        zero: gathered_bytes(replace(one, layout=replace(one.layout, zero=zero)), 1000) for zero in (2, 3)
    }
    assert sent == {2: 4 * 2 * once, 3: 4 * 3 * once}
    assert gathered_bytes(replace(one, whole_gradients=True), 1000) == (4 * 2 + 1) * once
    piped = replace(one, layout=replace(one.layout, data=4, pipeline=2))
    assert gathered_bytes(piped, 1000) == 2 * 2 * 1000 * 3 / 4
    assert gradient_bytes(replace(one, layout=replace(one.layout, zero=2)), 1000) == 0
    assert hops_s(one, 32) == pytest.approx(4 * 3 * 32 * 7e-6)


def test_fsdp_in_a_pipeline_is_possible_and_known_as_pytorch() -> None:
    one = Layout(tensor=8, pipeline=8, data=8, zero=3, batch=64)
    assert stack_of(one) == "fsdp"
    told = TrainingSpec(named("llama-3.1-405b"), BOARD, replace(one, recompute="full"), 8192, stack="fsdp")
    assert not list(reasons(told))


def test_gradients_are_whole_where_they_are_exchanged_once() -> None:
    one = replace(spec(data=8, zero=3, batch=16), stack="fsdp")
    assert memory(replace(one, whole_gradients=True)).gradients.value == 8 * memory(one).gradients.value
    piped = memory(replace(spec(data=4, pipeline=2, zero=3, batch=16), stack="fsdp"))
    assert piped.gradients.value == pytest.approx(2 * piped.weights.value), "fp32 beside the gathered bf16"


def test_fp8_keeps_the_inputs_of_products_in_a_byte() -> None:
    one = spec(batch=1)
    assert memory(replace(one, precision="fp8")).activations.value < memory(one).activations.value
    torch = replace(one, stack="fsdp")
    assert memory(replace(torch, precision="fp8")).activations == memory(torch).activations


def test_context_parallelism_divides_activations_and_logits() -> None:
    whole, half = (memory(spec(named("llama-3-8b"), 8192, context=n, batch=1)) for n in (1, 2))
    assert whole.activations.value == pytest.approx(2 * half.activations.value)
    assert whole.logits.value == 2 * half.logits.value


def test_interleaving_keeps_more_micro_batches() -> None:
    plain = memory(spec(pipeline=4, batch=8)).activations.value
    chunks = memory(spec(pipeline=4, virtual=2, batch=8)).activations.value
    worked = 32 * 2048 * 4096 * 2  # the layer at work, which is there once
    assert (chunks - worked) / (plain - worked) == pytest.approx(1 + 3 / 8)


def test_the_most_loaded_stage_has_the_embedding_or_the_head() -> None:
    one = named("llama-3-70b")
    first, between, last = stages(one, Layout(pipeline=8))
    held = [shard(one, Layout(pipeline=8), stage).total for stage in (first, between, last)]
    assert held[0] > held[1] < held[2]
    assert sum((held[0], held[1] * 6, held[2])) == pytest.approx(total(one), rel=1e-5)


def test_126_layers_and_two_embeddings_make_16_stages() -> None:
    one = named("llama-3.1-405b")
    assert slots(one, 16) == 8
    assert slots(one, 5) is None


@pytest.mark.parametrize(
    ("sizes", "where", "why"),
    [
        ({"tensor": 3}, "--tp 3", "does not divide 32 attention heads"),
        ({"pipeline": 5}, "--pp 5", "does not divide 32 layers"),
        ({"pipeline": 4, "virtual": 3, "batch": 8}, "--vp 3", "does not divide the 8 layers"),
        ({"pipeline": 4, "virtual": 2, "batch": 6}, "--vp 2", "in multiples of the 4 stages"),
        ({"data": 4, "expert": 2, "batch": 4}, "--ep 2", "has no experts"),
        ({"data": 4, "batch": 6}, "--batch 6", "no multiple of 4"),
        ({"tensor": 4, "context": 3}, "--seq 2048", "does not divide into 12 parts"),
        ({"data": 32, "batch": 32}, "--gpus", "takes 32 accelerators (1 x 1 x 1 x 32); there are 16"),
        ({}, "memory", "at least"),
    ],
)
def test_an_impossible_layout_is_refused_with_its_reason(sizes: dict[str, Any], where: str, why: str) -> None:
    one = spec(**{"batch": 1, **sizes})
    found = list(reasons(one, 16))
    assert found
    assert found[0][0] == where
    assert why in found[0][1]
    with pytest.raises(UsageError, match=r"memory|--"):
        refuse(one, 16)


def test_experts_must_divide() -> None:
    one = named("deepseek-v3")
    assert next(reasons(spec(one, 4096, data=24, expert=24, batch=24)))[1] == "does not divide 256 experts"


def test_operations_are_those_of_narayanan() -> None:
    s, h, layers, v = 2048, 4096, 32, 51200
    per = forward(GPT, s)
    known = 72 * layers * h * h * (1 + s / (6 * h) + v / (12 * layers * h))
    assert per.model() == pytest.approx(known, rel=1e-3)  # biases are counted here
    again = 96 * layers * h * h * (1 + s / (6 * h) + v / (16 * layers * h))
    assert hardware(spec(recompute="full"), per) == pytest.approx(again, rel=1e-3)


def test_flows_name_their_links() -> None:
    one = spec(tensor=8, pipeline=2, data=2, batch=8)
    found = {flow.kind: flow for flow in flows(one)}
    assert found["tensor"].link == "nvlink"
    assert found["pipeline"].link == "rail"
    assert found["gradients"].link == "rail"
    assert found["tensor"].bytes == pytest.approx(8 * 2048 * 4096 * 7 / 8 * 2 * 16 * 4)
    assert "weights" not in found
    unknown = replace(one, gpu=replace(BOARD, nic_bytes_per_s=0))
    assert {flow.kind: flow.seconds for flow in flows(unknown)}["pipeline"] is None


def test_checkpoints_follow_young_and_daly() -> None:
    one = durability(spec(data=8, batch=8), Habits(stall_s=20, kept=2))
    mtbf = 50_700 * 3600 / 8
    assert one.size_bytes.value == 14 * total(GPT)
    assert one.storage_bytes.value == 3 * one.size_bytes.value
    assert one.interval_s.value == pytest.approx(sqrt(2 * 20 * mtbf))
    assert young(20, mtbf) == one.interval_s.value
    assert one.goodput.low < one.goodput.value < one.goodput.high < 1
    assert progress(600, 600, 300) == 0.0


def test_lora_trains_adapters_alone() -> None:
    one = named("llama-3-8b")
    whole, part = memory(spec(one, batch=1)), memory(replace(spec(one, batch=1), lora_rank=16))
    assert adapters(one, 16) == 41_943_040  # as PEFT counts for rank 16 on all linear layers
    assert part.optimizer.value == 12 * adapters(one, 16)
    assert part.weights.value < whole.weights.value * 1.01
    assert (
        needs(replace(spec(one, batch=8, data=8), lora_rank=16)).step_s.value
        < step(spec(one, batch=8, data=8)).value
    )


def test_optimizers_differ_in_their_moments() -> None:
    held = {
        name: memory(replace(spec(batch=1), optimizer=name)).optimizer.value
        for name in ("adamw", "muon", "sgd")
    }
    assert held["adamw"] == 12 * total(GPT)
    assert held["muon"] == held["sgd"] == 8 * total(GPT)


def test_what_was_never_fitted_is_less_certain() -> None:
    usual = TrainingSpec(GPT, BOARD, Layout(tensor=2, data=4, batch=32), 2048)
    strange = replace(usual, gpu=gpu("L40S", rows("gpus", Gpu)))
    assert kind(usual) == "seen"
    assert kind(strange) == "unseen"
    wide, narrow = step(strange), step(usual)
    assert wide.high / wide.low > narrow.high / narrow.low
    assert (
        coefficient("matmul/fsdp/int8", {"matmul/fsdp/bf16": 1.0, "matmul/fsdp/fp8": 2.0, "head": 9.0}) == 1.5
    )
    assert coefficient("never", {"head": 9.0}) == 1.0


def test_state_that_fills_the_memory_is_a_caution() -> None:
    one = architecture(Plain(7168, 48, 56, 50368), "mpt-30b")
    tight = TrainingSpec(one, BOARD, Layout(data=8, batch=8, zero=3, recompute="full"), 2048, stack="fsdp")
    assert "state fills the memory: 7" in limits(tight)
    assert limits(tight) in needs(tight).cautions


def cost(found: TrainingNeeds, prices: Prices) -> Bill:
    return bill(Estimate.exact(found.spec.layout.gpus), found.spec.gpu, found.time_s, prices)


def test_a_bill_knows_what_it_was_told() -> None:
    found = needs(spec(data=8, zero=3, batch=64, recompute="full"), tokens=1e9)
    assert found.time_s is not None
    nothing = cost(found, Prices())
    assert nothing.money is None
    assert nothing.carbon_kg is None
    assert nothing.energy_mj is not None
    told = cost(found, Prices(gpu_hour=Estimate.exact(2.0), carbon_g_per_kwh=Estimate.exact(400.0)))
    assert told.money is not None
    assert told.carbon_kg is not None
    assert told.money.value == pytest.approx(found.time_s.value / 3600 * 8 * 2)
    assert told.carbon_kg.value == pytest.approx(nothing.energy_mj.value / 3.6e9 * 0.4)
    energy = cost(found, Prices(kwh=Estimate.exact(0.1))).money
    assert energy is not None
    assert energy.value == pytest.approx(nothing.energy_mj.value / 3.6e9 * 0.1)
    assert cost(needs(spec(data=8, zero=3, batch=64)), Prices(gpu_hour=Estimate.exact(2.0))).money is None


def test_the_parts_of_a_step_add_up() -> None:
    found = shares(spec(tensor=2, pipeline=4, data=4, batch=64))
    assert sum(share for _, share in found) == pytest.approx(1.0)
    assert found[0][0] == "matrix products"


def test_a_model_by_hand_has_its_parameters_and_says_what_was_assumed() -> None:
    one = by_count(70 * 10**9, 80, 8192, heads=None, kv_heads=8, vocabulary=128_000, told=False)
    assert total(one) == pytest.approx(70e9, rel=0.01)
    assert any("vocabulary" in word for word in one.assumed)
    with pytest.raises(UsageError, match="in attention and embeddings alone"):
        by_count(10**9, 80, 8192, heads=None, kv_heads=None, vocabulary=128_000, told=True)


def test_a_run_is_a_gang_of_whole_nodes() -> None:
    asked = work_of(Group("training", 4, 8), ("NVIDIA H100 80GB HBM3",), "nvidia.com/gpu")
    work = asked.workloads[0]
    assert (work.gang_min, len(work.members)) == (4, 4)
    assert work.members[0].requests is not None
    assert work.members[0].requests.devices == {"nvidia.com/gpu": 8}
    assert asked.templates[work.members[0].template or ""].models == ("NVIDIA H100 80GB HBM3",)


@pytest.mark.parametrize(
    ("name", "rank", "count"),
    [
        ("Llama 2 7B", 64, 159_907_840),
        ("Llama 2 7B", 16, 39_976_960),
        ("Llama 3 8B", 16, 41_943_040),
        ("Llama 3.1 70B", 16, 207_093_760),
        ("Mistral 7B", 16, 41_943_040),
        ("Qwen2.5 7B", 16, 40_370_176),
        ("Gemma 2 9B", 16, 54_018_048),
    ],
)
def test_adapters_have_as_many_parameters_as_peft_tells(name: str, rank: int, count: int) -> None:
    """All linear modules of the layers: what `print_trainable_parameters` says."""
    assert adapters(named(name), rank) == count


def test_adapters_of_latent_attention_stand_beside_each_of_its_matrices() -> None:
    """DeepSeek-V2 Lite, layer by layer: q, kv_a, kv_b, o and the dense or shared feed-forward part."""
    mixing = (2048 + 16 * 192) + (2048 + 576) + (512 + 16 * 256) + (16 * 128 + 2048)
    dense, shared = 3 * (2048 + 10944), 3 * (2048 + 2 * 1408)
    assert adapters(named("DeepSeek-V2 Lite"), 8) == 8 * (27 * mixing + dense + 26 * shared)


def test_a_ring_that_attention_does_not_hide_takes_time() -> None:
    """Many ranks for few tokens: the keys and values take longer over the network than attention."""
    few = spec(tensor=8, context=8, data=1, batch=8, sequence=8192)
    assert step_parts(few).busy["context"] > 0
    long = spec(tensor=8, context=2, data=1, batch=8, sequence=131_072)
    assert "context" not in step_parts(long).busy
