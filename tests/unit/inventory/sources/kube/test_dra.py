"""Devices of dynamic resource allocation: generations, forms of the API, slices cut on demand, holders."""

import pytest

from dcctl.inventory.model import Node, Resources
from dcctl.inventory.sources.kubernetes.dra import (
    Attribute,
    ClaimObject,
    Claims,
    Device,
    PoolRef,
    SliceObject,
    Slices,
    SliceSpec,
    parse_device,
)
from dcctl.inventory.sources.kubernetes.fleet import placed, with_devices
from dcctl.inventory.vendors import device
from tests.kubernetes_data import feed

GPU = "gpu.nvidia.com"


@pytest.fixture
def slices() -> Slices:
    sink = Slices()
    feed(sink, "dra/slices", SliceObject)
    return sink


@pytest.fixture
def claims() -> Claims:
    sink = Claims()
    feed(sink, "dra/claims", ClaimObject)
    return sink


def test_each_device_keeps_its_name_in_the_cluster(slices: Slices) -> None:
    for key, one in slices.published().items():
        told = one.accelerator.dra
        assert told is not None
        assert (told.driver, told.pool, told.device) == key


def nodes(**devices: dict[str, int]) -> dict[str, Node]:
    names = ("n1", "n2", "n3")
    amounts = {name: Resources(cpu_milli=1, devices=devices.get(name, {})) for name in names}
    return {
        name: Node(name, capacity=amounts[name], allocatable=amounts[name], accelerators=()) for name in names
    }


def test_only_the_newest_generation_counts_in_the_order_of_the_boards(slices: Slices) -> None:
    found = [each.accelerator for key, each in slices.published().items() if key[1] == "n1"]
    assert [(each.id, each.model, each.memory_bytes) for each in found] == [
        ("GPU-n1-2", "NVIDIA H100 80GB HBM3", 81559 << 20),
        ("GPU-n1-10", "NVIDIA H100 80GB HBM3", 81559 << 20),
    ]


def test_the_older_form_of_the_api_reads_alike(slices: Slices) -> None:
    found = slices.published()[GPU, "n3", "gpu-0"].accelerator
    assert (found.id, found.memory_bytes) == ("GPU-n3-0", 80 << 30)


def test_a_pool_with_missing_slices_is_named(slices: Slices) -> None:
    assert slices.incomplete() == ["gpu.nvidia.com/n3"]


def test_a_shared_claim_is_counted_for_the_first_pod_by_name(slices: Slices, claims: Claims) -> None:
    held = claims.holdings(slices.published())
    assert (held["uid-a"].ids, held["uid-a"].counts) == (["GPU-n1-2"], {GPU: 1})
    assert (held["uid-b"].ids, held["uid-b"].counts) == (["GPU-n1-2"], {})
    assert held["uid-c"].counts == {"gpu.nvidia.com/mig-1g.10gb": 1}
    assert "uid-m" not in held, "access for administrators holds nothing"


def test_nodes_get_their_devices_and_count_them(slices: Slices, claims: Claims) -> None:
    known = nodes()
    found = {
        node.name: node for node in with_devices(known, placed(slices.published(), known), claims.allocated())
    }
    assert found["n1"].capacity == Resources(cpu_milli=1, devices={GPU: 2})
    assert found["n1"].accelerator_counts == {"dra": 2}
    assert [each.id for each in found["n2"].accelerators or ()] == ["MIG-n2-0-1", "GPU-n2-1"], (
        "a board that is cut cannot be given whole; a slice that nobody holds does not exist yet"
    )
    assert found["n2"].allocatable == Resources(
        cpu_milli=1, devices={GPU: 1, "gpu.nvidia.com/mig-1g.10gb": 1}
    )


def test_devices_that_the_node_counts_too_keep_the_name_of_its_capacity(
    slices: Slices, claims: Claims
) -> None:
    known = nodes(n1={"nvidia.com/gpu": 2})
    devices = placed(slices.published(), known)
    found = with_devices(known, devices, claims.allocated())[0]
    assert found.capacity == known["n1"].capacity
    assert {each.resource for each in found.accelerators or ()} == {"nvidia.com/gpu"}
    assert claims.holdings(devices)["uid-a"].counts == {"nvidia.com/gpu": 1}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("gpu.nvidia.com", ("nvidia", "whole")),
        ("gpu.nvidia.com/mig-1g.10gb", ("nvidia", "mig")),
        ("gpu.amd.com", ("amd", "whole")),
        ("gpu.intel.com", ("intel", "whole")),
        ("gpu.intel.com/millicores", None),
    ],
)
def test_what_only_claims_hand_out_is_known_by_its_driver(
    resource: str, expected: tuple[str, str] | None
) -> None:
    known = device(resource)
    assert (known and (known.vendor, known.kind)) == expected


def test_a_name_of_thousands_of_digits_is_a_name() -> None:
    sink = Slices()
    names = ["gpu-" + "9" * 5000, "gpu-2"]
    where = PoolRef("n1", 1, 1)
    sink.add([SliceObject(SliceSpec(GPU, where, "n1", devices=[Device(name) for name in names]))])
    assert [key[2] for key in sink.published()] == names[::-1]


def test_a_number_below_zero_is_no_index() -> None:
    minus = Device("gpu-0", attributes={"index": Attribute(int_=-1)})
    found = parse_device(GPU, minus, 3)
    assert found is not None
    assert found.index == 3
