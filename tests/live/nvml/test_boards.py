"""What is learned of healthy and of worn boards, through the real pynvml in the real child process."""

import os

import psutil

from dcctl.inventory.model import Accelerator, Ecc, Node, NvLink, Process
from tests.live.nvml.conftest import Source


def _node(source: Source, case: str) -> Node:
    fleet = source(case).collect()
    assert fleet.gaps == ()
    return fleet.nodes[0]


def _boards(source: Source, case: str) -> tuple[Accelerator, ...]:
    boards = _node(source, case).accelerators
    assert boards is not None
    return boards


def test_eight_healthy_boards_are_read_whole(source: Source) -> None:
    node = _node(source, "h100x8")
    assert node.system is not None
    assert (node.system.driver, node.system.cuda) == ("550.54.15", "12.4")
    assert node.accelerator_counts == {"nvml": 8}
    assert [board.index for board in node.accelerators or ()] == list(range(8))
    board = (node.accelerators or ())[6]
    assert board.id == "GPU-6b2f4c1e-58a1-7c8b-6f1e-0a9d3c5e7b66"
    assert (board.model, board.serial, board.kind) == ("NVIDIA H100 80GB HBM3", "1650923000006", "whole")
    assert (board.memory_bytes, board.memory_used_bytes) == (85_520_809_984, 78_919_507_968)
    assert (board.busy_milli, board.memory_busy_milli) == (990, 470)
    assert (board.power_mw, board.power_cap_mw, board.power_default_cap_mw) == (699_870, 700_000, 700_000)
    assert (board.energy_mj, board.performance_state) == (884_213_377_126, 0)
    assert (board.sm_clock_hz, board.sm_clock_max_hz, board.memory_clock_hz) == (1410e6, 1980e6, 2619e6)
    assert (board.temperature_c, board.memory_temperature_c, board.temperature_limit_c) == (64, 76, 87)
    assert board.throttle == ("sw_power_cap",)
    assert board.ecc == Ecc(True, 0, 0, 0, 0, 0, 0, False, False, None)
    assert board.pcie is not None
    assert (board.pcie.address, board.pcie.generation, board.pcie.width) == ("0000:d1:00.0", 5, 16)
    assert board.mig_enabled is False


def test_links_know_their_state_version_far_end_and_errors(source: Source) -> None:
    boards = _boards(source, "h100x8")
    assert [len(board.nvlinks) for board in boards] == [18] * 8
    assert boards[6].nvlinks[3] == NvLink(index=3, up=False, errors=0)
    assert boards[5].nvlinks[17] == NvLink(17, up=True, version=4, remote="0000:05:00.0", errors=15)
    assert {board.nvlink_domain for board in boards} == {None}, "an all-zero cluster is within one node"


def test_processes_are_named_once_and_a_vanished_one_stays(source: Source) -> None:
    boards = _boards(source, "h100x8")
    own = psutil.Process()
    assert boards[0].processes == (
        Process(pid=os.getpid(), name=own.name(), user=own.username(), memory_bytes=78_383_153_152),
    )
    assert boards[1].processes == (Process(pid=4_194_304, memory_bytes=78_383_153_152),)
    assert boards[7].processes == ()


def test_mig_devices_have_profile_memory_and_processes_of_their_own(source: Source) -> None:
    board, *slices = _boards(source, "h100_mig")
    assert (board.kind, board.mig_enabled, board.busy_milli) == ("whole", True, None)
    assert [slice_.profile for slice_ in slices] == ["3g.40gb", "1g.10gb", "1c.2g.20gb"]
    assert [slice_.index for slice_ in slices] == [0, 1, 2]
    assert {(slice_.kind, slice_.parent) for slice_ in slices} == {("mig", board.id)}
    assert slices[0].resource == "nvidia.com/mig-3g.40gb"
    assert (slices[1].memory_bytes, slices[1].memory_used_bytes) == (10_334_765_056, 15_728_640)
    assert [[process.pid for process in slice_.processes or ()] for slice_ in slices] == [
        [os.getpid()],
        [],
        [],
    ]
    assert slices[0].processes is not None
    assert slices[0].processes[0].memory_bytes == 21_474_836_480


def test_a_worn_board_shows_its_errors_and_why_it_is_slow(source: Source) -> None:
    (board,) = _boards(source, "a100_ecc")
    assert board.ecc == Ecc(True, 12, 2, 344, 5, 3, 2, True, True, None)
    assert board.throttle == ("sw_power_cap", "hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown")
    assert board.pcie is not None
    assert (board.pcie.width, board.pcie.max_width, board.pcie.replays) == (8, 16, 1911)
    assert [link.up for link in board.nvlinks] == [True] * 8 + [False] * 4
    assert {link.errors for link in board.nvlinks} == {5}, (
        "the fields that replace the error counters are used"
    )


def test_what_a_small_board_does_not_support_is_unknown_and_not_zero(source: Source) -> None:
    (board,) = _boards(source, "t4_few")
    assert (board.temperature_c, board.throttle) == (27, ("gpu_idle",)), "by the older names"
    assert (board.memory_used_bytes, board.busy_milli) == (0, 0), "a zero that was read stays a zero"
    assert board.ecc == Ecc(enabled=False, retired_pages=3)
    unknown = (
        board.serial,
        board.energy_mj,
        board.memory_temperature_c,
        board.mig_enabled,
        board.nvlink_domain,
    )
    assert unknown == (None,) * 5
    assert board.nvlinks == ()


def test_a_vgpu_host_lists_what_it_handed_out(source: Source) -> None:
    board, *slices = _boards(source, "vgpu_host")
    assert [(part.kind, part.profile, part.parent, part.index) for part in slices] == [
        ("vgpu", "L40S-12Q", board.id, 0),
        ("vgpu", "L40S-12Q", board.id, 1),
    ]
    assert slices[1].id == "6a7e7a4c-4e2d-11ef-9c7b-2f6a1d0e8b02"
    assert slices[1].memory_bytes == 12_884_901_888


def test_nvlink_that_spans_nodes_names_its_domain(source: Source) -> None:
    (board,) = _boards(source, "nvl72")
    assert board.nvlink_domain == "4e0f6f3d-8c1b-4a0e-9a7a-5c1d2e3f4a5b.32766"
    assert board.pcie is not None
    assert board.pcie.address == "0008:01:00.0"
    assert {link.remote for link in board.nvlinks} == {None}


def test_a_driver_without_the_older_names_is_asked_by_the_newer_ones(source: Source) -> None:
    (board,) = _boards(source, "future")
    assert board.temperature_c == 41
