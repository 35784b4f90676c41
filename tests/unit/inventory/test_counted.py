"""How many boards stand behind what a scheduler counts."""

import pytest

from dcctl.inventory.counted import counted, disputed
from dcctl.inventory.model import Node, Resources
from dcctl.inventory.occupancy.boards import boards_of, not_believed
from dcctl.inventory.sources.kubernetes.accelerators import Boards
from dcctl.inventory.vendors import device, per_board

GPU = "nvidia.com/gpu"


@pytest.mark.parametrize(
    "more",
    [{}, {"nvidia.com/gpu.replicas": "1", "nvidia.com/gpu.sharing-strategy": "none"}],
    ids=["alone", "with feature discovery"],
)
def test_the_label_tells_the_boards_that_somebody_shares_silently(more: dict[str, str]) -> None:
    (row,) = counted({GPU: 80}, {"nvidia.com/gpu.count": "8", **more})
    assert (row.kind, row.devices, row.replicas) == ("shared", 8, 10)


@pytest.mark.parametrize("label", ["8", "10", "0", "x", ""])
def test_a_label_of_as_many_or_more_changes_nothing(label: str) -> None:
    (row,) = counted({GPU: 8}, {"nvidia.com/gpu.count": label})
    assert (row.kind, row.devices, row.replicas) == ("whole", 8, None)


def test_a_label_that_does_not_divide_the_count_leaves_both_in_doubt() -> None:
    devices, labels = {GPU: 12}, {"nvidia.com/gpu.count": "8"}
    assert counted(devices, labels) == []
    assert disputed(devices, labels) == {GPU: 12}
    assert Boards().of_node(devices, labels) is None, "unknown, not none"
    node = Node("n", labels=labels, capacity=Resources(devices=devices))
    assert boards_of(node) is None
    assert not_believed(node) == ["12 nvidia.com/gpu"]


def test_slices_of_mig_are_not_disputed() -> None:
    labels = {"nvidia.com/gpu.count": "8", "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb"}
    (row,) = counted({GPU: 20}, labels)
    assert (row.kind, row.devices, row.per_board) == ("mig", 20, 7)


@pytest.mark.parametrize(
    ("resource", "vendor", "most"),
    [
        ("huawei.com/Ascend310P-1c", "huawei", 8),
        ("huawei.com/Ascend310P-2c", "huawei", 4),
        ("huawei.com/Ascend310P-4c.3cpu", "huawei", 2),
        ("huawei.com/Ascend910-4c", "huawei", 8),
        ("huawei.com/Ascend910-16c", "huawei", 2),
        ("amd.com/cpx_nps4", "amd", 8),
        ("amd.com/dpx_nps1", "amd", 2),
        ("nvidia.com/mig-3g.40gb", "nvidia", 2),
        ("nvidia.com/mig-7g.80gb", "nvidia", 1),
        ("gpu.nvidia.com/mig-1g.10gb", "nvidia", 7),
        ("cambricon.com/mlu370.mim-2m.8gb", "cambricon", None),
        ("aws.amazon.com/neuroncore", "aws", None),
    ],
)
def test_a_slice_is_a_part_of_a_board(resource: str, vendor: str, most: int | None) -> None:
    (row,) = counted({resource: 28}, {})
    assert (row.known.vendor, row.kind, row.devices, row.per_board) == (vendor, "mig", 28, most)
    assert per_board(resource) == most


@pytest.mark.parametrize(
    "resource", [GPU, "huawei.com/Ascend310P", "huawei.com/Ascend910B4-1", "amd.com/spx_nps1"]
)
def test_whole_boards_are_no_slices(resource: str) -> None:
    known = device(resource)
    assert known is not None
    assert (known.kind, per_board(resource)) == ("whole", None)
