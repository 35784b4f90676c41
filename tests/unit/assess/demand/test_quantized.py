"""Bits of a weight, and what quantisation leaves out."""

import pytest

from dcctl.assess.demand.config import architecture
from dcctl.errors import UsageError
from tests.unit.assess.demand.known import LLAMA, model


@pytest.mark.parametrize(
    ("told", "bits"),
    [
        ({"quant_method": "fp8"}, 8),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8 + 32 / 16384),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, 4 + 20 / 128),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, 8),
        ({"quant_method": "awq", "bits": 4, "group_size": 64}, 4 + 20 / 64),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, 4.5),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_use_double_quant": True}, 4.127),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, 8),
        ({"quant_method": "mxfp4"}, 4.25),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, 4.5),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 4, "group_size": 128}}},
            },
            4.125,
        ),
    ],
)
def test_scales_are_part_of_the_bits(told: dict[str, object], bits: float) -> None:
    one = architecture(LLAMA | {"quantization_config": told}, "c")
    assert one.weight_bits == pytest.approx(bits, abs=1e-3)
    assert one.kept_bits == 16


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"quant_method": "magic"}, "quant_method: is 'magic'; known are: awq"),
        ({}, None),
        ({"bits": 4}, "quant_method: is 'None'"),
        ({"quant_method": "gptq"}, "bits: is missing"),
        ({"quant_method": "gptq", "bits": 99}, "bits: is 99"),
        ({"quant_method": "fp8", "weight_block_size": [0, 128]}, "weight_block_size: must be"),
        ({"quant_method": "bitsandbytes"}, "load_in_4bit: is not true"),
        ({"quant_method": "compressed-tensors"}, "config_groups: tells no group"),
        ({"quant_method": "modelopt", "quant_algo": "W1"}, "quant_algo: is 'W1'"),
        ({"quant_method": "fp8", "ignored_layers": "lm_head"}, "ignored_layers: must be a list"),
    ],
)
def test_what_is_not_known_is_named(told: dict[str, object], message: str | None) -> None:
    config = LLAMA | {"quantization_config": told}
    if message is None:
        assert architecture(config, "c").weight_bits == 16
        return
    with pytest.raises(UsageError) as caught:
        architecture(config, "c")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("left_out", "attention", "mlp"),
    [
        (["lm_head"], [None, None], [None, None]),
        (["self_attn"], [16, 16], [None, None]),
        (["model.layers.0.self_attn.q_proj"], [16, None], [None, None]),
        (["model.layers.1.mlp.down_proj", "model.layers.1.mlp.up_proj"], [None, None], [None, 16]),
        (["re:.*self_attn.*", "re:.*lm_head"], [16, 16], [None, None]),
        (["model.layers.0.*"], [16, None], [16, None]),
    ],
)
def test_modules_that_are_left_out_keep_their_bits(
    left_out: list[str], attention: list[float | None], mlp: list[float | None]
) -> None:
    told = {"quant_method": "fp8", "modules_to_not_convert": left_out}
    one = architecture(LLAMA | {"quantization_config": told}, "c")
    flat = [layers for layers in one.layers for _ in range(layers.count)]
    assert [layers.attention.bits for layers in flat] == attention
    assert [layers.mlp.bits for layers in flat] == mlp


def test_mxfp4_is_for_experts_alone() -> None:
    one = model("gpt-oss 120B")
    assert {layers.attention.bits for layers in one.layers} == {16}
    assert {layers.mlp.bits for layers in one.layers} == {None}
