"""Names of models and accelerators."""

import re

import pytest

from dcctl.assess.demand.lookup import gpu as find_gpu
from dcctl.assess.demand.lookup import model as find_model
from dcctl.errors import UsageError
from tests.unit.assess.demand.known import gpu, gpus, models


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("llama-3-70b", "Llama 3 70B"),
        ("LLAMA 3 70B", "Llama 3 70B"),
        ("llama3-70b", "Llama 3 70B"),
        ("meta-llama/Llama-3.1-70B-Instruct", "Llama 3.1 70B"),
        ("deepseek-ai/DeepSeek-R1", "DeepSeek-V3"),
        ("gpt2", "GPT-2"),
        ("qwen3-235b", "Qwen3 235B-A22B"),
        ("mixtral-8x7b", "Mixtral 8x7B"),
    ],
)
def test_models_are_found_by_any_of_their_names(asked: str, name: str) -> None:
    assert find_model(asked, models()).name == name


@pytest.mark.parametrize("asked", ["llama-3-71b", "llama", "Llama-3-70B-Uncensored", ""])
def test_a_model_is_never_taken_for_another(asked: str) -> None:
    with pytest.raises(UsageError, match="is not in the catalogue"):
        find_model(asked, models())


def test_the_nearest_names_are_told() -> None:
    with pytest.raises(UsageError, match=r"the nearest are: .*Llama 3.1 405B"):
        find_model("lama-3.1-405b", models())


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("h100", "H100 SXM5 80GB"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM5 80GB"),
        ("NVIDIA-H100-80GB-HBM3-SHARED", "H100 SXM5 80GB"),
        ("NVIDIA H100 PCIe", "H100 PCIe 80GB"),
        ("NVIDIA H100 NVL", "H100 NVL 94GB"),
        ("NVIDIA-A100-SXM4-80GB", "A100 SXM4 80GB"),
        ("NVIDIA-A100-SXM4-40GB", "A100 SXM4 40GB"),
        ("NVIDIA A100-PCIE-40GB", "A100 PCIe 40GB"),
        ("NVIDIA H20", "H20 96GB"),
        ("NVIDIA H200", "H200 SXM 141GB"),
        ("NVIDIA GB200", "GB200 186GB"),
        ("NVIDIA L4", "L4 24GB"),
        ("NVIDIA L40S", "L40S 48GB"),
        ("Tesla T4", "T4 16GB"),
        ("AMD Instinct MI300X", "MI300X 192GB"),
        ("Ascend 910B", "Ascend 910B 64GB"),
    ],
)
def test_accelerators_are_found_as_drivers_and_labels_tell_them(asked: str, name: str) -> None:
    assert gpu(asked).name == name


@pytest.mark.parametrize("asked", ["H10", "NVIDIA H1000", "L40", "MI300", ""])
def test_a_word_is_taken_whole(asked: str) -> None:
    with pytest.raises(UsageError, match="accelerator"):
        find_gpu(asked, gpus())


def test_no_name_stands_for_two() -> None:
    for named in ([{one.name, *one.names} for one in models()], [{one.name, *one.names} for one in gpus()]):
        keys = [
            key
            for names in named
            for key in {"".join(re.findall(r"[a-z0-9.]+", name.lower())) for name in names}
        ]
        assert sorted(set(keys)) == sorted(keys)


def test_every_row_tells_its_source_and_is_believable() -> None:
    assert all(one.source for one in models())
    assert all(one.source for one in gpus())
    for one in gpus():
        assert one.memory_bytes > 8 << 30
        assert 200e9 < one.bandwidth_bytes_per_s < 10e12
        assert one.peak_flops.get("bf16", 0) or one.peak_flops.get("fp16", 0)
        assert all(reached < one.peak_flops[form] for form, reached in one.reached_flops.items())
        assert 2 * one.nvlink_bytes_per_s <= 1.8e12


def test_a_power_that_nobody_states_is_unknown_not_nothing() -> None:
    assert all(one.power_mw is None or one.power_mw > 0 for one in gpus())
    assert gpu("TPU v5p").power_mw is None
