"""Counts of parameters against those that were published."""

import pytest
from msgspec.structs import replace

from dcctl.assess.demand import parameters
from dcctl.assess.demand.config import architecture
from dcctl.assess.demand.lookup import Model
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
    assert "the files take 16,000" in parameters.measured(one, 16_000).assumed[0]
