"""What a config.json tells, and what is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.assess.demand.config import architecture
from dcctl.assess.demand.families import ALIASES, FAMILIES
from dcctl.assess.demand.parameters import total
from dcctl.errors import UsageError
from tests.unit.assess.demand.known import LLAMA, model, models


def test_layers_alike_are_one() -> None:
    one = architecture(LLAMA, "config.json")
    assert [layers.count for layers in one.layers] == [2]
    assert one.depth == 2


def test_every_family_has_a_model_in_the_catalogue() -> None:
    used = {str(one.config["model_type"]) for one in models()}
    assert set(FAMILIES) == {ALIASES.get(kind, kind) for kind in used}


def test_unknown_families_are_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'lama' is not known; did you mean llama\? Known are: baichuan"):
        architecture(LLAMA | {"model_type": "lama"}, "config.json")


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"])
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(UsageError, match=f"config.json: {key}: is missing"):
        architecture({name: value for name, value in LLAMA.items() if name != key}, "config.json")


@pytest.mark.parametrize("value", [0, -1, 1e30, 10**30, "64", True, 64.0, [], {}])
@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "vocab_size", "intermediate_size"])
def test_impossible_values_are_refused(key: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"config.json: {key}: is .*; it must be a whole number from 1 to"):
        architecture(LLAMA | {key: value}, "config.json")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_attention_heads": 5}, "hidden_size: is 64, which num_attention_heads 5 does not divide"),
        ({"num_key_value_heads": 3}, "num_key_value_heads: is 3, which does not divide 4 heads"),
        ({"torch_dtype": "int3"}, "torch_dtype: is 'int3'; known are"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings: is 'yes'; it must be true or false"),
        ({"layer_types": ["full_attention"]}, "layer_types: has 1 entries, fewer than there are layers"),
        ({"layer_types": ["linear_attention"] * 2}, "layer_types: has 'linear_attention'; known are"),
        ({"text_config": 7}, "text_config: must be a table"),
        ({"model_type": None}, "model_type: is missing"),
    ],
)
def test_what_contradicts_itself_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        architecture(LLAMA | wrong, "config.json")
    assert message in str(caught.value)


def test_more_experts_than_there_are_is_refused() -> None:
    mixture = LLAMA | {"model_type": "mixtral", "num_local_experts": 2, "num_experts_per_tok": 3}
    with pytest.raises(UsageError, match="num_experts_per_tok: is 3; there are 2 experts"):
        architecture(mixture, "config.json")


def test_a_key_is_named_as_its_family_spells_it() -> None:
    with pytest.raises(UsageError, match="n_embd: is missing"):
        architecture(
            {"model_type": "gpt2", "n_layer": 2, "n_head": 2, "vocab_size": 9, "n_positions": 8}, "c"
        )


def test_designs_that_are_not_known_are_refused() -> None:
    narrow = {
        **LLAMA,
        "model_type": "opt",
        "ffn_dim": 128,
        "max_position_embeddings": 8,
        "word_embed_proj_dim": 32,
    }
    with pytest.raises(UsageError, match="word_embed_proj_dim: differs from hidden_size"):
        architecture(narrow, "c")


def test_a_number_format_that_is_not_told_is_said_to_be_assumed() -> None:
    silent = {key: value for key, value in LLAMA.items() if key != "torch_dtype"}
    assert architecture(silent, "c").assumed == ("torch_dtype is not told: 16 bits a weight",)
    assert architecture(LLAMA, "c").assumed == ()


def test_the_language_model_of_several_is_counted_and_said_so() -> None:
    nested = {
        "model_type": "mistral3",
        "torch_dtype": "bfloat16",
        "text_config": LLAMA | {"torch_dtype": None},
    }
    one = architecture(nested, "c")
    assert total(one) == total(architecture(LLAMA, "c"))
    assert one.assumed == ("only the language model is counted, not what sees or hears",)


@pytest.mark.parametrize(
    ("name", "windows"),
    [
        ("Gemma 2 27B", {4096: 23, None: 23}),
        ("Gemma 3 27B", {1024: 52, None: 10}),
        ("gpt-oss 120B", {128: 18, None: 18}),
        ("Mistral 7B", {4096: 32}),
        ("Llama 4 Scout", {8192: 36, None: 12}),
        ("Llama 3 8B", {None: 32}),
        ("Qwen2.5 7B", {None: 28}),
    ],
)
def test_windows_are_on_the_layers_that_have_them(name: str, windows: dict[int | None, int]) -> None:
    found: dict[int | None, int] = {}
    for layers in model(name).layers:
        found[layers.attention.window] = found.get(layers.attention.window, 0) + layers.count
    assert found == windows


def test_layer_types_prevail_over_the_rule_of_the_family() -> None:
    told = {"layer_types": ["full_attention", "sliding_attention"], "sliding_window": 32}
    one = architecture(LLAMA | told, "c")
    assert [layers.attention.window for layers in one.layers] == [None, 32]


def test_a_key_that_is_null_is_not_one_that_is_missing() -> None:
    family = LLAMA | {"model_type": "gemma2", "head_dim": 16}
    assert {layers.attention.window for layers in architecture(family, "c").layers} == {4096, None}
    assert {
        layers.attention.window for layers in architecture(family | {"sliding_window": None}, "c").layers
    } == {None}


def test_lists_without_end_are_refused() -> None:
    with pytest.raises(UsageError, match="layer_types: has 10,001 entries; at most 10,000 are read"):
        architecture(LLAMA | {"layer_types": ["full_attention"] * 10_001}, "c")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("Jamba v0.1", {"linear": 28, "softmax": 4}),
        ("Nemotron-H 8B", {"linear": 24, "none": 24, "softmax": 4}),
    ],
)
def test_hybrids_have_their_attention_layers_alone(name: str, kinds: dict[str, int]) -> None:
    found: dict[str, int] = {}
    for layers in model(name).layers:
        found[layers.attention.kind] = found.get(layers.attention.kind, 0) + layers.count
    assert found == kinds


@given(
    st.dictionaries(
        st.sampled_from(
            [*LLAMA, "layer_types", "quantization_config", "text_config", "num_key_value_heads", "x"]
        ),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.lists(st.integers(), max_size=3),
    ),
    st.sampled_from(sorted(FAMILIES)),
)
def test_whatever_it_says_it_is_read_or_refused(more: dict[str, object], kind: str) -> None:
    try:
        one = architecture({**LLAMA, "model_type": kind, **more}, "c")
    except UsageError:
        return
    assert total(one) > 0


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            {"architectures": ["MyMambaMoEForCausalLM"]},
            "architectures: is 'MyMambaMoEForCausalLM', which is no llama",
        ),
        ({"num_local_experts": 16}, "num_local_experts: is not understood of llama"),
        ({"moe_every": 2}, "moe_every: is not understood of llama"),
        ({"attention_type": "ring-linear"}, "attention_type: is not understood of llama"),
        ({"cross_attention_layers": [3, 8]}, "cross_attention_layers: is not understood of llama"),
    ],
)
def test_a_strange_structure_is_refused_by_name(told: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        architecture(LLAMA | told, "config.json")


@pytest.mark.parametrize(
    "told",
    [
        {"architectures": ["LlamaForCausalLM"], "attention_dropout": 0.1, "router_aux_loss_coef": 0.001},
        {"num_local_experts": 0, "cross_attention_layers": [], "layer_types": ["full_attention"] * 2},
    ],
)
def test_what_changes_no_tensor_is_passed_over(told: dict[str, object]) -> None:
    assert architecture(LLAMA | told, "config.json").layers == architecture(LLAMA, "config.json").layers
