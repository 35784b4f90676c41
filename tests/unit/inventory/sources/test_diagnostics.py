"""Records of dcgmi diag and of nccl-tests, in the forms that their documents show."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.evidence.boards import BusBandwidth, Diagnostic
from dcctl.inventory.sources.diagnostics import bandwidth, diagnostic, read_records

if TYPE_CHECKING:
    from pathlib import Path

# nccl-tests, doc/PERFORMANCE.md: columns of all_reduce_perf.
ALL_REDUCE = """\
#                                      out-of-place                in-place
#    size     count  type redop root    time algbw  busbw #wrong    time algbw  busbw #wrong
#     (B) (elements)                    (us) (GB/s) (GB/s)          (us) (GB/s) (GB/s)
 536870912 134217728 float   sum   -1 2082.0 257.86 451.26     0  2080.1 258.10 451.67     0
8589934592 2147483648 float  sum   -1  31418 273.41 478.46     0   31405 273.52 478.66     0
# Avg bus bandwidth    : 464.86
"""


def _record(**tests: list[str]) -> bytes:
    rows = [
        {
            "name": name.replace("_", " "),
            "results": [{"entity_id": at, "status": one} for at, one in enumerate(found)],
        }
        for name, found in tests.items()
    ]
    return json.dumps({"DCGM Diagnostic": {"test_categories": [{"category": "Any", "tests": rows}]}}).encode()


def test_a_diagnostic_that_passed_and_its_level_by_its_tests() -> None:
    assert diagnostic(_record(software=["Pass"]), 5) == Diagnostic(1, 5, passed=True)
    assert diagnostic(_record(software=["Pass"], pcie=["Pass", "Skip"]), 5).level == 2
    assert diagnostic(_record(memory=["Pass"], Targeted_Power=["Pass"]), 5).level == 3
    assert diagnostic(_record(memory=["Pass"], Targeted_Power=["Skip"]), 5).level == 2, "it did not run"
    assert diagnostic(_record(software=["Pass"]), 5, level=4).level == 4


def test_one_board_that_fails_is_a_failure_of_its_test() -> None:
    found = diagnostic(_record(memory=["Pass", "Fail"], pcie=["Pass"], diagnostic=["Warn"]), 5)
    assert found == Diagnostic(3, 5, passed=False, failed=("memory",))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"DCGM Diagnostic": {"test_categories": 3}}', b'{"version": "3"}']
)
def test_what_is_no_record_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="no JSON of dcgmi diag"):
        diagnostic(text, 5)


def test_the_best_bus_bandwidth_counts() -> None:
    assert bandwidth(ALL_REDUCE, 5) == BusBandwidth(5, 3_827_680_000_000)
    with pytest.raises(ValueError, match="no row"):
        bandwidth("# nothing\n", 5)


def test_a_folder_of_records_by_node_and_what_is_none(tmp_path: Path) -> None:
    files = {
        "gpu1.lan.diag.json": _record(software=["Pass"]),
        "gpu1.lan.diag.2025-06.json": _record(memory=["Fail"]),
        "gpu2.nccl.txt": ALL_REDUCE.encode(),
        "gpu3.diag.json": b"{",
        "notes.txt": b"",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        os.utime(tmp_path / name, (7, 7))
    records, refused = read_records(tmp_path)
    assert records == {
        "gpu1.lan": ((Diagnostic(2, 7, passed=False, failed=("memory",)), Diagnostic(1, 7, passed=True)), ()),
        "gpu2": ((), (BusBandwidth(7, 3_827_680_000_000),)),
    }
    assert [line.partition(":")[0] for line in refused] == ["gpu3.diag.json"]
    with pytest.raises(OSError, match="absent"):
        read_records(tmp_path / "absent")


def test_pipes_and_endless_files_are_refused_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gpu1.diag.json")
    with (tmp_path / "gpu2.nccl.txt").open("wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "gpu3.nccl.txt").symlink_to("/dev/zero")
    records, refused = read_records(tmp_path)
    assert records == {}
    assert [line.partition(": ")[2] for line in refused] == [
        "is no regular file",
        "is larger than 16 MiB",
        "is no regular file",
    ]
