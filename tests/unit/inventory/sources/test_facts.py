"""Raw facts, as a probe sends them, and the node that they make."""

import msgspec
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.model import Accelerator, Fleet
from dcctl.inventory.snapshot import decode, encode
from dcctl.inventory.sources.machine.devices import parse_nics
from dcctl.inventory.sources.machine.facts import CpuFacts, Facts, NicFacts, PciFacts, Unread
from dcctl.inventory.sources.machine.parse import parse_facts, parse_gaps
from dcctl.inventory.sources.nvml.facts import NvmlDocument, NvmlError, NvmlGpu

H100 = PciFacts("0000:1b:00.0", "0x10de", "0x2330", "0x030200", driver="nvidia")
MI300 = PciFacts("0000:2b:00.0", "0x1002", "0x74a1", "0x120000", driver="amdgpu")


@settings(deadline=None)  # building the facts is what takes time
@given(st.from_type(Facts))
def test_whatever_a_probe_sends_gives_a_node_that_can_be_saved(facts: Facts) -> None:
    try:
        wire = msgspec.json.decode(msgspec.json.encode(facts), type=Facts)
    except msgspec.ValidationError:  # an amount below zero
        reject()
    node = replace(parse_facts(wire, "ssh"), name="n1")
    assert node.sources == ("ssh",)
    assert all(gap.source == "ssh" for gap in parse_gaps(wire, "ssh"))
    assert decode(encode(Fleet(nodes=(node,))), "x").nodes == (node,)


def test_what_is_less_than_nothing_is_unknown() -> None:
    node = parse_facts(Facts(hostname="n1", load1=-1.0, uptime_s=-5.0))
    assert (node.use, node.system and node.system.uptime_s) == (None, None)


def test_nothing_read_is_nothing_known() -> None:
    node = parse_facts(Facts(hostname="n1"), "ssh")
    assert (node.capacity, node.allocatable, node.use, node.accelerators, node.nics) == (None,) * 5


def _busy(before: str, after: str, threads: int = 4) -> int | None:
    use = parse_facts(Facts(cpu=CpuFacts(threads=threads), cpu_stat=(before, after))).use
    return use.cpu_milli if use else None


def test_processor_use_is_what_was_not_idle_between_two_looks() -> None:
    before, after = "cpu  100 0 100 800 0 0 0 0 50 0", "cpu  150 0 125 900 20 0 5 0 90 0"
    assert _busy(before, after) == 4000 * 80 // 200, "guest time is within user, waiting for a disk is idle"
    assert _busy(before, before) is None


@pytest.mark.parametrize("line", ["", "cpu", "cpu 1 2 3", "cpu a b c d e f g h", "intr 1 2 3 4 5 6 7 x"])
def test_a_stat_line_that_is_none_says_nothing(line: str) -> None:
    assert _busy(line, "cpu  1 2 3 4 5 6 7 8") is None


@given(st.lists(st.integers(0, 1 << 40), min_size=16, max_size=16))
def test_processor_use_is_never_more_than_there_is(ticks: list[int]) -> None:
    lines = [" ".join(["cpu", *map(str, ticks[start : start + 8])]) for start in (0, 8)]
    busy = _busy(lines[0], lines[1])
    assert busy is None or 0 <= busy <= 4000


@pytest.mark.parametrize(
    "uuid",
    [
        "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "03000200-0400-0500-0006-000700080009",
        "12345678-1234-5678-1234-567812345678",
        "Not Settable",
        "Not Specified",
        "",
    ],
)
def test_an_identity_that_many_machines_share_is_none(uuid: str) -> None:
    known = parse_facts(Facts(dmi={"product_uuid": uuid})).system_uuid
    assert known is None


@pytest.mark.parametrize(
    "serial", ["To be filled by O.E.M.", "Default string", "System Serial Number", "0123456789", "N/A"]
)
def test_what_firmware_writes_for_nothing_is_nothing(serial: str) -> None:
    system = parse_facts(Facts(dmi={"product_serial": serial})).system
    assert system is not None
    assert system.serial is None


def test_accelerators_of_nvml_and_of_the_bus_stand_side_by_side() -> None:
    facts = Facts(pci=(H100, MI300), nvml=NvmlDocument(count=1, gpus=(NvmlGpu(0, uuid="GPU-0"),)))
    node = parse_facts(facts)
    assert [(board.vendor, board.id) for board in node.accelerators or ()] == [
        ("nvidia", "GPU-0"),
        ("amd", None),
    ]
    assert node.accelerator_counts == {"pci": 2, "nvml": 1}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(), None),
        (Facts(pci=()), ()),
        (Facts(pci=(H100,)), None),
        (Facts(pci=(H100,), nvml=NvmlDocument(errors=(NvmlError("init", 18),))), None),
        (Facts(pci=(), nvml=NvmlDocument(errors=(NvmlError("init", 9),))), ()),
    ],
)
def test_no_accelerator_is_claimed_only_when_somebody_looked(
    facts: Facts, expected: tuple[Accelerator, ...] | None
) -> None:
    assert parse_facts(facts).accelerators == expected


def test_what_could_not_be_read_is_a_gap_of_the_node() -> None:
    facts = Facts(
        hostname="n1",
        unread=(Unread("mount /data", "no answer", "timeout"),),
        pci=(H100,),
        nvml=NvmlDocument(errors=(NvmlError("init", 9),)),
    )
    assert [(gap.subject, gap.cause, gap.node, gap.part) for gap in parse_gaps(facts, "ssh")] == [
        ("n1 mount /data", "timeout", "n1", ""),
        ("n1", "missing", "n1", "devices"),
    ]


def _speed(**files: str) -> int | None:
    nics = parse_nics([NicFacts("eth0", {"type": "1", **files}, pci_address="0000:18:00.0")])
    assert nics is not None
    return nics[0].speed_bps


def test_an_unknown_speed_is_not_zero() -> None:
    assert (_speed(speed="-1"), _speed(), _speed(speed="0")) == (None, None, None)
    assert _speed(speed="100000\n") == 100_000_000_000


def test_absurd_figures_are_unknown_and_break_nothing() -> None:
    facts = Facts(load1=1e306, uptime_s=float("inf"), pressure={"io": f"some avg60={'9' * 400}.0"})
    node = parse_facts(facts)
    assert node.use is None
    assert node.system is not None
    assert node.system.uptime_s is None
    assert _speed(speed="9" * 5000) is None
