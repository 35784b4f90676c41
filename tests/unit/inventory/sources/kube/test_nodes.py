"""Nodes and the accelerators that their capacity and labels tell of."""

import pytest

from dcctl.inventory.model import Accelerator, Node, Taint
from dcctl.inventory.sources.kubernetes.nodes import Nodes, Place
from dcctl.inventory.sources.kubernetes.types import NodeMeta, NodeObject, NodeStatus
from tests.kubernetes_data import feed

MIB = 1 << 20


@pytest.fixture(scope="module")
def nodes() -> dict[str, Node]:
    sink = Nodes("kubernetes:test", Place())
    feed(sink, "nodes/nodes", NodeObject)
    assert sink.bad == []
    return sink.found


def boards(node: Node) -> list[Accelerator]:
    assert node.accelerators is not None
    assert [each.index for each in node.accelerators] == list(range(len(node.accelerators))) or node.name in (
        "mig-mixed",
        "two-vendors",
    )
    return list(node.accelerators)


def test_whole_boards_with_identity_and_place(nodes: dict[str, Node]) -> None:
    node = nodes["whole"]
    assert len(boards(node)) == 8
    assert boards(node)[7] == Accelerator(
        index=7, model="NVIDIA-H100-80GB-HBM3", memory_bytes=81559 * MIB, nvlink_domain="c0ffee.7"
    )
    assert (node.site, node.rack, node.pools) == ("eu-1a", "r12", ("train",))
    assert (node.provider_id, node.system_uuid, node.address) == ("gce://p/z/whole", "S-1", "10.0.0.7")
    assert node.accelerator_counts == {"kubernetes": 8, "allocatable": 7}
    assert node.capacity is not None
    assert node.allocatable is not None
    assert (node.capacity.cpu_milli, node.allocatable.cpu_milli) == (224_000, 223_500)
    assert (node.capacity.devices, node.allocatable.devices) == ({"nvidia.com/gpu": 8}, {"nvidia.com/gpu": 7})
    assert node.system is not None
    assert (node.system.driver, node.system.cuda, node.system.boot_id) == (
        "570.124.06",
        "12.8",
        "b-1",
    )
    assert (node.ready, node.schedulable, node.state) == (True, True, "Ready")


@pytest.mark.parametrize(
    ("capacity", "counts"),
    [
        ({"nvidia.com/gpu": "0"}, {"kubernetes": 0}),
        ({"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb": "0"}, {}),
        ({"cpu": "8"}, {}),
        ({"nvidia.com/gpu": "2"}, {"kubernetes": 2, "allocatable": 0}),
    ],
)
def test_a_node_that_declares_boards_and_has_none_says_so(
    capacity: dict[str, str], counts: dict[str, int]
) -> None:
    sink = Nodes("kubernetes:test", Place())
    left = {"nvidia.com/gpu": "0"}
    sink.add([NodeObject(NodeMeta(name="n"), status=NodeStatus(capacity=capacity, allocatable=left))])
    assert sink.found["n"].accelerator_counts == counts


@pytest.mark.parametrize(
    ("name", "resource"), [("time-sliced", "nvidia.com/gpu"), ("renamed", "nvidia.com/gpu.shared")]
)
def test_a_shared_board_is_one_board(nodes: dict[str, Node], name: str, resource: str) -> None:
    one, two = boards(nodes[name])
    assert (one.kind, one.replicas, one.model, one.resource) == ("shared", 4, "Tesla-T4", resource)
    assert two.memory_bytes == 15360 * MIB
    assert nodes[name].accelerator_counts == {}, "shares do not say how many boards there are"


def test_slices_with_names_of_their_own(nodes: dict[str, Node]) -> None:
    found = [(each.kind, each.profile, each.memory_bytes, each.model) for each in boards(nodes["mig-mixed"])]
    small = ("mig", "1g.10gb", 9728 * MIB, "NVIDIA-A100-SXM4-80GB")
    assert found == [small, small, small, ("mig", "3g.40gb", 40192 * MIB, "NVIDIA-A100-SXM4-80GB")]


def test_slices_under_the_name_of_the_board(nodes: dict[str, Node]) -> None:
    found = boards(nodes["mig-single"])
    assert {(each.kind, each.profile, each.model) for each in found} == {
        ("mig", "1g.10gb", "NVIDIA-H100-80GB-HBM3")
    }
    assert len(found) == 7


@pytest.mark.parametrize(
    ("name", "vendor", "count", "model", "memory"),
    [
        ("amd", "amd", 8, "AMD_Instinct_MI300X_OAM", 192 << 30),
        ("ascend", "huawei", 8, "910B3", None),
        ("neuron", "aws", 16, None, None),
    ],
)
def test_other_vendors_are_rows(
    nodes: dict[str, Node], name: str, vendor: str, count: int, model: str | None, memory: int | None
) -> None:
    found = boards(nodes[name])
    assert len(found) == count
    assert {(each.vendor, each.model, each.memory_bytes, each.kind) for each in found} == {
        (vendor, model, memory, "whole")
    }


def test_two_vendors_in_one_node(nodes: dict[str, Node]) -> None:
    assert [(each.vendor, each.index) for each in boards(nodes["two-vendors"])] == [
        ("habana", 0),
        ("habana", 1),
        ("nvidia", 0),
    ]


def test_a_cordoned_silent_node_with_problems(nodes: dict[str, Node]) -> None:
    node = nodes["plain"]
    assert (node.ready, node.schedulable) == (False, False)
    assert node.state == "Unknown,SchedulingDisabled,DiskPressure,NetworkingReady"
    assert node.taints[1] == Taint("dedicated", "NoExecute", "infra")
    assert node.accelerators == ()


def test_site_and_rack_labels_can_be_named(nodes: dict[str, Node]) -> None:
    sink = Nodes("kubernetes:test", Place("dc1", ("topology.kubernetes.io/region",)))
    feed(sink, "nodes/nodes", NodeObject)
    assert (sink.found["whole"].site, sink.found["whole"].rack) == ("dc1", "eu-1")


def test_a_node_with_an_unreadable_amount_is_kept_without_amounts() -> None:
    sink = Nodes("kubernetes:test", Place())
    item = NodeObject()
    item.metadata.name, item.status.capacity = "odd", {"cpu": "many"}
    sink.add([item])
    assert sink.found["odd"].capacity is None
    assert sink.found["odd"].accelerators is None
    assert sink.bad == [("odd", "'many' is not a quantity")]


@pytest.mark.parametrize("name", ["@all", "a\nb", "-w", "a,b", "x!gpu[1-9]", "$(id)", "*", ""])
def test_a_name_that_no_node_can_have_leaves_that_node_out_and_is_told(name: str) -> None:
    sink = Nodes("kubernetes:test", Place())
    sink.add([NodeObject(metadata=NodeMeta(name=each)) for each in (name, "good1")])
    assert list(sink.found) == ["good1"]
    assert [bad for bad, _ in sink.bad] == [name]
