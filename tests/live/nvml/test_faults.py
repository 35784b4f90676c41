"""Sick boards, drivers and permissions, through the real pynvml in the real child process."""

from pathlib import Path

import psutil
import pytest

from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import run
from tests.live.nvml.conftest import Source


def _only(fleet: Fleet) -> Gap:
    (gap,) = fleet.gaps
    return gap


def _bus(root: Path, boards: int, driver: str = "nvidia") -> Path:
    """A PCI bus with so many H100."""
    for index in range(boards):
        function = root / f"sys/bus/pci/devices/0000:{index:02x}:00.0"
        function.mkdir(parents=True)
        for name, text in (("vendor", "0x10de"), ("device", "0x2330"), ("class", "0x030200")):
            (function / name).write_text(f"{text}\n")
        (function / "driver").symlink_to(f"../../drivers/{driver}")
    return root


def _ids(fleet: Fleet) -> list[str | None]:
    boards = fleet.nodes[0].accelerators
    assert boards is not None
    return [board.id and board.id[:12] for board in boards]


def test_a_lost_board_is_one_gap_and_the_others_are_read(source: Source) -> None:
    fleet = source("gpu_lost").collect()
    name = fleet.nodes[0].name
    assert _ids(fleet) == ["GPU-00000000", "GPU-00000001", None]
    assert fleet.nodes[0].accelerator_counts == {"nvml": 3}
    assert [gap.subject for gap in fleet.gaps] == [
        f"{name} GPU 1 (GPU-00000001-58a1-7c8b-6f1e-0a9d3c5e7b00)",
        f"{name} GPU 2",
    ]
    assert all("fallen off the bus" in gap.reason for gap in fleet.gaps)
    assert fleet.gaps[0].hint == "dmesg | grep -i xid"


@pytest.mark.parametrize(
    ("case", "cause", "word"),
    [("version_mismatch", "failed", "reload the driver"), ("init_denied", "denied", "no permission")],
)
def test_a_driver_that_refuses_says_why(source: Source, case: str, cause: str, word: str) -> None:
    fleet = source(case).collect()
    assert fleet.nodes[0].accelerators is None, "nobody knows"
    assert _only(fleet).cause == cause
    assert word in _only(fleet).reason


def test_a_reading_that_is_denied_is_a_gap_and_stays_unknown(source: Source) -> None:
    fleet = source("denied").collect()
    (board,) = fleet.nodes[0].accelerators or ()
    assert (board.power_mw, board.processes, board.memory_used_bytes) == (None, None, 0)
    assert [(gap.cause, gap.reason) for gap in fleet.gaps] == [
        ("denied", "power_mw, processes: no permission to talk to the driver"),
        ("failed", "energy_mj: Unknown Error"),
    ]


def test_no_driver_is_normal_without_a_board(source: Source, tmp_path: Path) -> None:
    (tmp_path / "sys/bus").mkdir(parents=True)
    fleet = run(source("no_driver"))
    assert (fleet.nodes[0].accelerators, fleet.gaps) == ((), ())
    assert fleet.sources[0].ok


def test_no_driver_is_a_gap_where_there_are_boards(source: Source, tmp_path: Path) -> None:
    fleet = source("no_driver", root=_bus(tmp_path, 8)).collect()
    assert fleet.nodes[0].accelerators is None
    assert (_only(fleet).cause, _only(fleet).hint) == ("missing", "modprobe nvidia")
    assert _only(fleet).reason == "8 NVIDIA boards on the PCI bus, and no NVIDIA driver"


def test_boards_that_belong_to_virtual_machines_need_no_driver(source: Source, tmp_path: Path) -> None:
    fleet = source("no_driver", root=_bus(tmp_path, 8, "vfio-pci")).collect()
    assert fleet.gaps == ()


def test_a_hanging_board_is_named_and_what_was_read_before_is_kept(source: Source) -> None:
    fleet = source("gpu_hangs", deadline_s=4.0).collect()
    assert _ids(fleet) == ["GPU-00000000", "GPU-00000001", None, None]
    assert _only(fleet).cause == "timeout"
    assert _only(fleet).subject == f"{fleet.nodes[0].name} GPU 2"
    assert "1 more not read" in _only(fleet).reason
    assert _children() == []


def test_a_driver_that_never_comes_up_is_a_gap(source: Source) -> None:
    fleet = source("init_hangs", deadline_s=2.0).collect()
    assert fleet.nodes[0].accelerators is None
    assert _only(fleet).cause == "timeout"
    assert "did not come up" in _only(fleet).reason
    assert _children() == []


def test_a_library_that_crashes_takes_only_the_child_with_it(source: Source) -> None:
    fleet = source("gpu_crashes").collect()
    assert _ids(fleet) == ["GPU-00000000", "GPU-00000001", None, None]
    assert "SIGSEGV" in _only(fleet).reason


def _children() -> list[str]:
    """Readers of this process that are still there, as zombies or alive."""
    return [
        " ".join(child.cmdline()) for child in psutil.Process().children() if "nvml" in str(child.cmdline())
    ]
