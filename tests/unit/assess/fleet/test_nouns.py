"""Names of accelerators."""

from __future__ import annotations

import pytest

from dcctl.assess.fleet.nouns import counted, noun_of
from dcctl.inventory.occupancy.resources import accelerators_in


@pytest.mark.parametrize(
    ("resource", "noun"),
    [
        ("nvidia.com/gpu", "GPU"),
        ("nvidia.com/mig-1g.10gb", "GPU"),
        ("amd.com/gpu", "GPU"),
        ("huawei.com/Ascend910", "NPU"),
        ("google.com/tpu", "TPU"),
        ("gres/gpu:h100", "GPU"),
        ("example.com/thing", "accelerator"),
    ],
)
def test_what_a_board_is_called(resource: str, noun: str) -> None:
    assert noun_of(resource) == noun


def test_only_accelerators_count() -> None:
    assert accelerators_in({"nvidia.com/gpu": 2, "nvidia.com/mig-1g.10gb": 3, "rdma/hca": 8}) == 5


def test_kinds_are_counted_apart() -> None:
    assert (
        counted([("huawei.com/Ascend910", 16), ("nvidia.com/gpu", 1000), ("amd.com/gpu", 24)])
        == "1,024 GPUs, 16 NPUs"
    )
    assert counted([("nvidia.com/gpu", 1)]) == "1 GPU"
