"""First limit, what running work waits for, and faults."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.assess.fleet.bottleneck import first_limit, running_limit
from dcctl.assess.fleet.capacity import total
from dcctl.assess.fleet.faults import find_faults
from dcctl.inventory.model import Accelerator, Ecc, Nic, Node, NodeUse, NvLink, Pcie, Process, Resources
from dcctl.inventory.occupancy.health import slowed_by
from tests.unit.assess.fleet.build import GIB, asks, boards, judged, node, size, work


def test_what_strands_comes_first() -> None:
    hog = work("hog", asks(cpus=36, gib=1, gpus=0))
    assert (
        first_limit(total("", judged(node(), work("h", asks(cpus=40, gib=40, gpus=4)), hog)))
        == "CPU on nodes"
    )


def test_when_nothing_is_stranded_the_accelerators_run_out_first() -> None:
    states = judged(node(), work("a", asks(cpus=40, gib=399, gpus=4)))
    assert first_limit(total("", states)) == "accelerators"


@pytest.mark.parametrize(
    ("wants", "limit"), [(asks(cpus=40, gib=401, gpus=0), "memory"), (asks(cpus=41, gib=400, gpus=0), "CPU")]
)
def test_without_accelerators_it_is_what_is_gone_most(wants: Resources, limit: str) -> None:
    plain = node(accelerators=(), capacity=size(gpus=0), allocatable=size(gpus=0))
    assert first_limit(total("", judged(plain, work("a", wants)))) == limit


def test_under_a_cgroup_limit_use_counts() -> None:
    limited = Resources(4000, 100 * GIB)
    here = Node("x", sources=("local",), allocatable=limited, use=NodeUse(1000, 90 * GIB), accelerators=())
    assert first_limit(total("", judged(here))) == "memory"


def test_nothing_known_limits_nothing() -> None:
    assert first_limit(total("", judged(Node("x")))) == ""


def _running(**reading: object) -> str:
    read = tuple(replace(board, **reading) for board in boards(8, busy=900))
    return running_limit(total("", judged(node(accelerators=read), work("a", asks(gpus=8)))))


@pytest.mark.parametrize(
    ("reading", "word"),
    [
        ({}, ""),
        ({"throttle": ()}, ""),
        ({"throttle": ("gpu_idle",)}, ""),
        ({"throttle": ("sw_power_cap",)}, "power cap"),
        ({"throttle": ("hw_thermal_slowdown",)}, "cooling"),
        ({"throttle": ("SwThermalSlowdown",)}, "cooling"),
        ({"throttle": ("hw_power_brake_slowdown",)}, "power supply"),
        ({"memory_bytes": 80 * GIB, "memory_used_bytes": 72 * GIB}, "GPU memory"),
        ({"memory_bytes": 80 * GIB, "memory_used_bytes": 71 * GIB}, ""),
        ({"memory_busy_milli": 600}, "GPU memory bandwidth"),
        ({"memory_busy_milli": 599}, ""),
    ],
)
def test_what_running_work_waits_for(reading: dict[str, object], word: str) -> None:
    assert _running(**reading) == word


def test_pressure_is_a_limit_of_running_work() -> None:
    pressed = node(use=NodeUse(io_pressure_milli=100, cpu_pressure_milli=99))
    assert running_limit(total("", judged(pressed, work("a", asks(gpus=8))))) == "I/O"


def test_one_slow_board_of_many_is_no_limit_of_the_pool() -> None:
    hot = {"throttle": ("hw_thermal_slowdown",)}
    nodes = tuple(node(f"n{i}", accelerators=boards(8, busy=900)) for i in range(3))
    first = tuple(replace(b, **(hot if b.index == 0 else {})) for b in boards(8, busy=900))
    jobs = [work(f"w{i}", asks(gpus=8), where=f"n{i}") for i in range(3)]
    assert running_limit(total("", judged((replace(nodes[0], accelerators=first), *nodes[1:]), *jobs))) == ""
    assert running_limit(total("", judged(replace(nodes[0], accelerators=first), jobs[0]))) == "cooling"


def test_unknown_throttling_is_none() -> None:
    assert slowed_by(None) == ""


_FAULTS = [
    ({"ecc": Ecc(remap_failed=True)}, "row remapping failed: replace the board"),
    ({"ecc": Ecc(remap_pending=True)}, "row remapping pending: reset the board"),
    ({"ecc": Ecc(volatile_uncorrected=1)}, "uncorrectable memory errors"),
    ({"nvlinks": (NvLink(0, up=True), NvLink(1, up=False))}, "NVLink down"),
    ({"pcie": Pcie(width=8, max_width=16)}, "PCIe link narrower than the board's"),
    ({"throttle": ("hw_thermal_slowdown",)}, "slowed down: cooling"),
]
_HEALTHY = [
    {"ecc": Ecc()},
    {"ecc": Ecc(volatile_uncorrected=0, remap_failed=False, aggregate_uncorrected=3)},
    {"nvlinks": (NvLink(0),)},
    {"pcie": Pcie(width=16, max_width=16, generation=1, max_generation=5)},
    {"pcie": Pcie(width=8)},
    {"throttle": ("sw_power_cap",)},
]


@pytest.mark.parametrize(("reading", "fault"), _FAULTS)
def test_faults_of_a_board(reading: dict[str, object], fault: str) -> None:
    (found,) = find_faults(judged(node(accelerators=(replace(Accelerator(3), **reading),))))
    assert (found.fault, found.nodes, found.devices) == (fault, ["n1"], ["gpu3 on n1"])


@pytest.mark.parametrize("reading", _HEALTHY)
def test_what_is_no_fault(reading: dict[str, object]) -> None:
    assert find_faults(judged(node(accelerators=(replace(Accelerator(3), **reading),)))) == []


def test_faults_of_a_node() -> None:
    nics = (Nic("ib0", "infiniband", up=False), Nic("eth1", up=False), Nic("ib1", "infiniband", up=True))
    broken = node(nics=nics, accelerator_counts={"pci": 8, "nvml": 7})
    assert [fault.fault for fault in find_faults(judged(broken))] == [
        "counts of boards disagree",
        "fabric port down",
    ]


def test_use_outside_the_scheduler_is_told() -> None:
    read = tuple(replace(b, processes=(Process(9),) if b.index == 2 else ()) for b in boards(8))
    (fault,) = find_faults(judged(node(accelerators=read)))
    assert (fault.fault, fault.devices) == ("used outside the scheduler", ["gpu2 on n1"])
