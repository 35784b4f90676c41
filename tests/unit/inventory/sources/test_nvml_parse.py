"""What an NVML document means."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.model import Accelerator
from dcctl.inventory.sources.machine.deadline import Outcome
from dcctl.inventory.sources.nvml.facts import NvmlDocument, NvmlError, NvmlGpu, NvmlProcess, NvmlSlice
from dcctl.inventory.sources.nvml.lines import document_of
from dcctl.inventory.sources.nvml.parse import (
    THROTTLE_REASONS,
    cuda_version,
    mig_profile,
    parse,
    pci_address,
    throttle_reasons,
)

DATA = Path(__file__).parents[3] / "data" / "nvml"
LINES = (DATA / "gpu_lost.jsonl").read_bytes()
GIB = 1 << 30


def test_a_document_travels_as_json_and_back() -> None:
    document = document_of(Outcome(LINES, status=0))
    assert document.count == 3
    assert msgspec.json.decode(msgspec.json.encode(document), type=NvmlDocument) == document


@given(st.integers(0, len(LINES)))
def test_wherever_a_hang_cuts_the_answer_no_board_vanishes_and_there_is_one_timeout(cut: int) -> None:
    document = document_of(Outcome(LINES[:cut], timed_out=True))
    accelerators, counts, gaps = parse(document, "nvml", "n1")
    finished = b'{"done": true}\n' in LINES[:cut]
    assert [gap.cause for gap in gaps].count("timeout") == (0 if finished else 1)
    if document.count is None:
        assert (accelerators, counts) == (None, {})
    else:
        assert [board.index for board in accelerators or ()] == [0, 1, 2]
        assert counts == {"nvml": 3}


@given(st.integers(0, len(LINES) - 1))
def test_a_reader_that_dies_half_way_is_always_told(cut: int) -> None:
    document = document_of(Outcome(LINES[:cut], b"Traceback\nMemoryError\n", status=1))
    reasons = [gap.reason for gap in parse(document, "nvml", "n1").gaps]
    assert any("ended with status 1: MemoryError" in reason for reason in reasons)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_document_and_never_an_exception(output: bytes) -> None:
    document = document_of(Outcome(output, status=0))
    assert parse(document, "nvml", "n1").gaps != ()


def test_a_line_that_is_no_answer_costs_that_line_alone() -> None:
    lines = LINES.splitlines(keepends=True)
    document = document_of(Outcome(b"".join([lines[0], b"\xff{oops\n", *lines[1:]]), status=0))
    assert len(document.gpus) == 3
    assert [error.call for error in document.errors] == ["reader"]


@given(st.sets(st.integers(0, 63)))
def test_every_throttle_bit_has_its_own_name(bits: set[int]) -> None:
    names = throttle_reasons(sum(1 << bit for bit in bits))
    assert names is not None
    assert len(set(names)) == len(bits)
    assert ("hw_thermal_slowdown" in names) == (6 in bits)
    assert ("bit_63" in names) == (63 in bits)


def test_throttle_unknown_is_not_running_free() -> None:
    assert throttle_reasons(None) is None
    assert throttle_reasons(0) == ()


def test_throttle_names_are_those_of_pynvml() -> None:
    pynvml = pytest.importorskip("pynvml")
    names = [name for name in dir(pynvml) if name.startswith("nvmlClocksThrottleReason")]
    by_bit = {
        getattr(pynvml, name): name.removeprefix("nvmlClocksThrottleReason")
        for name in names
        if not name.endswith(("All", "None", "UserDefinedClocks"))
    }
    for bit, name in enumerate(THROTTLE_REASONS):
        assert by_bit[1 << bit].lower() == name.replace("_", "")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("00000000:3B:00.0", "0000:3b:00.0"),
        ("00010008:01:00.0", "10008:01:00.0"),
        ("FFFFFFFF:FFFF:FF.0", None),
        ("FFFFFFFF:FF:FF.0", None),
        ("00000000:00:00.0", None),
        ("", None),
        (None, None),
    ],
)
def test_pci_addresses_are_written_as_the_kernel_writes_them(text: str | None, address: str | None) -> None:
    assert pci_address(text) == address


@pytest.mark.parametrize(
    ("gpu_slices", "compute_slices", "mib", "board_gib", "profile"),
    [
        (1, 1, 9856, 80, "1g.10gb"),
        (3, 3, 40192, 80, "3g.40gb"),
        (7, 7, 81050, 80, "7g.80gb"),
        (1, 1, 4864, 40, "1g.5gb"),
        (2, 2, 9984, 40, "2g.10gb"),
        (3, 1, 20096, 40, "1c.3g.20gb"),
        (1, 1, 16128, 140, "1g.18gb"),
    ],
)
def test_mig_profiles_follow_from_attributes(
    gpu_slices: int, compute_slices: int, mib: int, board_gib: int, profile: str
) -> None:
    """Sizes of the profiles of A100 40 GB, H100 80 GB and H200 as in NVIDIA's MIG user guide."""
    part = NvmlSlice(0, gpu_slices=gpu_slices, compute_slices=compute_slices, memory_total_bytes=mib << 20)
    assert mig_profile(part, board_gib * GIB) == profile


def test_a_mig_profile_is_taken_from_the_name_and_unknown_without_either() -> None:
    assert mig_profile(NvmlSlice(0, name="NVIDIA H100 80GB HBM3 MIG 1g.10gb+me"), None) == "1g.10gb+me"
    assert mig_profile(NvmlSlice(0, gpu_slices=1), 80 * GIB) is None


def test_slices_are_numbered_over_the_whole_node() -> None:
    gpus = tuple(NvmlGpu(i, uuid=f"GPU-{i}", mig=(NvmlSlice(0), NvmlSlice(3))) for i in range(2))
    found = parse(NvmlDocument(count=2, gpus=gpus), "nvml", "n1").accelerators or ()
    assert [(part.index, part.parent) for part in found[2:]] == [
        (0, "GPU-0"),
        (1, "GPU-0"),
        (2, "GPU-1"),
        (3, "GPU-1"),
    ]


def test_processes_know_the_pod_or_job_that_owns_them() -> None:
    pod = "0::/kubepods.slice/kubepods-pod0f3c1a2b_1c2d_3e4f_5a6b_7c8d9e0f1a2b.slice/cri-containerd-1.scope\n"
    job = "0::/system.slice/slurmstepd.scope/job_4711/step_0/user/task_0\n"
    rows = (NvmlProcess(2, cgroup=job), NvmlProcess(1, cgroup=pod), NvmlProcess(3))
    board = (parse(NvmlDocument(count=1, gpus=(NvmlGpu(0, processes=rows),)), "s", "n").accelerators or ())[0]
    assert board.processes is not None
    assert [(process.pid, process.pod_uid, process.job_id) for process in board.processes] == [
        (1, "0f3c1a2b-1c2d-3e4f-5a6b-7c8d9e0f1a2b", None),
        (2, None, "4711"),
        (3, None, None),
    ]


def test_a_board_of_which_nothing_was_read_has_nothing_but_its_index() -> None:
    reading = parse(NvmlDocument(count=1, gpus=(NvmlGpu(0),)), "nvml", "n1")
    assert reading.accelerators == (Accelerator(index=0),)


def test_a_guest_board_is_a_vgpu() -> None:
    gpu = NvmlGpu(0, name="GRID A100-10C", virtualization=2)
    (board,) = parse(NvmlDocument(count=1, gpus=(gpu,)), "nvml", "n1").accelerators or ()
    assert (board.kind, board.profile) == ("vgpu", "A100-10C")


@pytest.mark.parametrize(("on_bus", "causes"), [(0, []), (None, []), (4, ["missing"])])
def test_a_missing_library_is_a_gap_only_where_boards_are_seen(on_bus: int | None, causes: list[str]) -> None:
    reading = parse(NvmlDocument(errors=(NvmlError("load", 12),)), "nvml", "n1", on_bus)
    assert [gap.cause for gap in reading.gaps] == causes
    assert reading.accelerators == (() if on_bus == 0 else None)


def test_one_cause_is_one_gap_and_names_only_the_first_readings() -> None:
    errors = (*(NvmlError(f"reading{i}", 15) for i in range(9)), NvmlError("name", 3))
    (gap,) = parse(NvmlDocument(count=1, gpus=(NvmlGpu(0, errors=errors),)), "nvml", "n1").gaps
    assert gap.reason.startswith("reading0, reading1, reading2, reading3 and 5 more: ")


def test_cuda_versions_are_unpacked() -> None:
    assert [cuda_version(number) for number in (12040, 11080, 13000, None, 0)] == [
        "12.4",
        "11.8",
        "13.0",
        None,
        None,
    ]


@pytest.mark.parametrize("count", [-1, 10**9])
def test_a_count_that_is_no_machine_is_not_believed(count: int) -> None:
    reading = parse(NvmlDocument(count=count), "nvml", "n1")
    assert (reading.accelerators, reading.counts) == (None, {})
    assert [gap.cause for gap in reading.gaps] == ["invalid"]


def test_a_share_of_more_than_the_whole_is_unknown_and_a_gap_of_the_board() -> None:
    absurd = NvmlGpu(index=1, uuid="GPU-1", gpu_percent=4_000_000_000, memory_percent=101)
    full = NvmlGpu(index=0, gpu_percent=100, memory_percent=0)
    accelerators, _, gaps = parse(NvmlDocument(count=2, gpus=(full, absurd)), "nvml", "n1")
    assert [(board.busy_milli, board.memory_busy_milli) for board in accelerators or ()] == [
        (1000, 0),
        (None, None),
    ]
    assert [(gap.subject, gap.reason, gap.cause, gap.part) for gap in gaps] == [
        ("n1 GPU 1 (GPU-1)", "use of 4,000,000,000 %: not believed", "invalid", "devices"),
        ("n1 GPU 1 (GPU-1)", "use of the memory of 101 %: not believed", "invalid", "devices"),
    ]


@pytest.mark.parametrize("document", [NvmlDocument(), NvmlDocument(count=0)], ids=["no count", "no boards"])
def test_boards_on_the_bus_that_nvml_says_nothing_of_are_unknown(document: NvmlDocument) -> None:
    accelerators, _, gaps = parse(document, "nvml", "n1", on_bus=8)
    assert accelerators is None
    assert [(gap.reason, gap.part) for gap in gaps] == [
        ("8 NVIDIA boards on the PCI bus, and NVML tells of none", "devices")
    ]
    assert parse(NvmlDocument(count=0), "nvml", "n1", on_bus=0) == ((), {"nvml": 0}, ())


def test_boards_that_were_counted_and_passed_over_are_a_gap() -> None:
    document = NvmlDocument(count=8, gpus=(NvmlGpu(index=0),) * 8)
    assert [gap.reason for gap in parse(document, "nvml", "n1").gaps] == ["7 of 8 boards were not read"]
