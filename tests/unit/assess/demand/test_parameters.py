"""Counts of parameters against those that were published."""

import pytest
from msgspec.structs import replace

from dcctl.assess.demand import parameters
from dcctl.assess.demand.config import architecture
from dcctl.assess.demand.lookup import Model
from dcctl.errors import UsageError
from tests.unit.assess.demand.known import LLAMA, model, models

PUBLISHED = [one for one in models() if one.parameters is not None]


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: one.name)
def test_every_published_total_is_met_to_the_last_parameter(one: Model) -> None:
    assert parameters.total(one.architecture()) == one.parameters


def test_the_totals_of_the_reference_are_among_them() -> None:
    told = {one.name: one.parameters for one in PUBLISHED}
    assert told["Llama 2 7B"] == 6_738_415_616
    assert told["Llama 3 70B"] == 70_553_706_496
    assert told["Llama 3.1 405B"] == 405_853_388_800
    assert told["Mixtral 8x7B"] == 46_702_792_704
    assert told["GPT-2"] == 124_439_808
    assert len(PUBLISHED) >= 40


@pytest.mark.parametrize(
    ("name", "billions", "digits"),
    [
        ("Mixtral 8x7B", 12.9, 1),  # arXiv 2401.04088
        ("Mixtral 8x22B", 39, 0),
        ("Qwen3 235B-A22B", 22, 0),
        ("Qwen3 30B-A3B", 3.3, 0),
        ("Jamba v0.1", 12, 0),  # arXiv 2403.19887
        ("DeepSeek-V2", 21, 0),  # arXiv 2405.04434
        ("Llama 4 Scout", 17, 0),
        ("Llama 4 Maverick", 17, 0),
        ("Kimi K2", 33, 0),
    ],
)
def test_active_parameters_are_those_of_the_cards(name: str, billions: float, digits: int) -> None:
    assert round(parameters.active(model(name)) / 1e9, digits) == pytest.approx(round(billions, digits))


@pytest.mark.parametrize(
    ("name", "billions"), [("DeepSeek-V3", 36.7), ("gpt-oss 120B", 5.1), ("gpt-oss 20B", 3.6)]
)
def test_cards_that_leave_out_the_input_embedding_are_met_without_it(name: str, billions: float) -> None:
    one = model(name)
    assert parameters.active(one) - parameters.embedding(one) == pytest.approx(billions * 1e9, rel=0.01)


def test_the_predictor_of_deepseek_is_stored_and_not_used() -> None:
    one = model("DeepSeek-V3")
    copies = 2 * one.vocabulary * one.hidden
    assert parameters.total(one) == pytest.approx(671e9, rel=1e-3)
    assert one.extra_parameters - copies == pytest.approx(11.5e9, rel=0.01)  # README_WEIGHTS.md


def test_the_formula_for_gpt_agrees_with_the_count() -> None:
    """12 L h^2 (1 + 13 / 12h + (V + s) / 12Lh), arXiv 2104.04473; it leaves out the last norm."""
    one = model("GPT-3 175B")
    depth, hidden = one.depth, one.hidden
    rest = 13 / (12 * hidden) + (one.vocabulary + one.positions) / (12 * depth * hidden)
    formula = 12 * depth * hidden**2 * (1 + rest)
    assert parameters.total(one) - 2 * hidden == pytest.approx(formula, rel=1e-12)


def test_parts_sum_to_layers_and_what_is_outside() -> None:
    one = model("Llama 3 8B")
    outside = 2 * one.vocabulary * one.hidden + one.hidden
    assert parameters.total(one) == outside + sum(
        layers.count * parameters.per_layer(one, layers) for layers in one.layers
    )


def test_a_tied_head_is_counted_once_and_computed() -> None:
    untied = architecture(LLAMA, "config.json")
    tied = replace(untied, tied=True)
    table = untied.vocabulary * untied.hidden
    assert parameters.total(untied) - parameters.total(tied) == table
    assert parameters.computed(untied) == parameters.computed(tied)
    assert parameters.computed(tied) == parameters.active(tied)


def test_heads_that_do_not_suffice_are_there_twice() -> None:
    keys = next(part for part in parameters.parts(model("Llama 3 8B")) if part.name == "keys and values")
    assert [keys.share(tensor) for tensor in (1, 4, 8, 16)] == [1, 1 / 4, 1 / 8, 1 / 8]
    norms = next(part for part in parameters.parts(model("Llama 3 8B")) if part.name == "norms")
    assert norms.share(8) == 1


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [
        ("DeepSeek-V3", 673.15),
        ("gpt-oss 120B", 65.2),  # 60.8 GiB, arXiv 2508.10925 table 1
        ("gpt-oss 20B", 13.75),  # 12.8 GiB, the same
    ],
)
def test_weights_have_each_their_own_bits(name: str, gigabytes: float) -> None:
    assert parameters.weight_bytes(model(name)) == pytest.approx(gigabytes * 1e9, rel=2e-3)


def test_an_empty_layer_has_no_parts() -> None:
    one = model("Nemotron-H 8B")
    only_norm = [layers for layers in one.layers if layers.attention.kind == "none"]
    assert all(
        "attention" not in {part.name for part in parameters.layer_parts(one, each)} for each in only_norm
    )


def test_files_that_are_not_of_the_model_are_told() -> None:
    one = model("Llama 3 8B")
    exact = parameters.weight_bytes(one)
    assert parameters.measured(one, exact).assumed == ()
    assert parameters.measured(one, exact).measured_bytes == exact
    part = parameters.measured(one, 16_000)
    assert "the files take 16,000" in part.assumed[0]
    assert part.measured_bytes == pytest.approx(exact, rel=0.01), "half a download is not a small model"


def test_an_indexer_has_its_matrices_in_each_layer() -> None:
    """DeepSeek-V3.2-Exp, inference/model.py: wq_b, wk, k_norm, weights_proj."""
    each = 1536 * 64 * 128 + 7168 * 128 + 2 * 128 + 7168 * 64
    plain, sparse = (parameters.total(model(name)) for name in ("DeepSeek-V3", "DeepSeek-V3.2"))
    assert sparse - plain == 61 * each


QWEN_VL = {
    "model_type": "qwen2_5_vl", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
    "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064, "torch_dtype": "bfloat16",
    "max_window_layers": 28,
}  # fmt: skip
SEEN: dict[str, tuple[dict[str, object], dict[str, object], int]] = {
    "Qwen2.5-VL 7B": (
        QWEN_VL,
        {
            "model_type": "qwen2_5_vl", "depth": 32, "hidden_size": 1280, "intermediate_size": 3420,
            "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": 3584,
        },
        8_292_166_656,
    ),
    "Qwen2-VL 7B": (
        QWEN_VL | {"model_type": "qwen2_vl"},
        {
            "depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "hidden_size": 3584, "patch_size": 14,
            "spatial_merge_size": 2, "temporal_patch_size": 2,
        },
        8_291_375_616,
    ),
    "Llama 4 Scout": (
        {},
        {
            "model_type": "llama4_vision_model", "hidden_size": 1408, "image_size": 336, "patch_size": 14,
            "intermediate_size": 5632, "num_hidden_layers": 34, "projector_input_dim": 4096,
            "projector_output_dim": 4096, "vision_output_dim": 4096,
        },
        108_641_793_536,
    ),
    "Gemma 3 27B": (
        {},
        {
            "model_type": "siglip_vision_model", "hidden_size": 1152, "image_size": 896, "patch_size": 14,
            "intermediate_size": 4304, "num_hidden_layers": 27,
        },
        27_432_406_640,
    ),
}  # fmt: skip
"""(what the configuration tells of the language model, of the tower, all parameters at huggingface.co)."""


def seeing(name: str) -> dict[str, object]:
    text, vision, _ = SEEN[name]
    named = next((one.config for one in models() if one.name == name), {})
    whole = text or {"model_type": str(named["model_type"]).removesuffix("_text"), "text_config": named}
    return whole | {"vision_config": vision}


@pytest.mark.parametrize("name", SEEN)
def test_what_sees_is_counted_where_the_configuration_tells_it(name: str) -> None:
    found = architecture(seeing(name), "config.json")
    assert parameters.total(found) == SEEN[name][2]
    assert parameters.active(found) == parameters.active(replace(found, tower=0))
    assert any(f"{found.tower:,} parameters" in text for text in found.assumed)


def test_what_sees_or_hears_and_is_not_known_is_named() -> None:
    more = {
        "vision_config": {"model_type": "eagle"},
        "audio_config": {"layers": 3},
        "quantization_config": {},
    }
    found = architecture(LLAMA | more, "config.json")
    assert parameters.total(found) == parameters.total(architecture(LLAMA, "config.json"))
    told = "; ".join(found.assumed)
    assert "the vision tower 'eagle' is not counted; known are: llama4_vision_model" in told
    assert "audio_config is not counted" in told
    assert "quantization_config" not in told


def test_a_tower_that_is_not_complete_is_refused() -> None:
    wrong = seeing("Gemma 3 27B")
    vision = wrong["vision_config"]
    assert isinstance(vision, dict)
    cut = vision | {"image_size": None}
    with pytest.raises(UsageError, match=r"config\.json: vision_config: image_size: is missing"):
        architecture(wrong | {"vision_config": cut}, "config.json")
