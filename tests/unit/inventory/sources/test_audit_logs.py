"""XIDs and boards that fell off the bus, out of lines as drivers wrote them (public bug reports)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.evidence.boards import LoggedFault
from dcctl.inventory.sources.ssh.audit.logs import read_log, slot

JOURNAL = """\
1763800001.123456 gpu017 kernel: NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', GPU has fallen off the bus.
1763800001.123999 gpu017 kernel: NVRM: GPU 0000:3b:00.0: GPU has fallen off the bus.
1763800002.000000 gpu017 kernel: NVRM: Xid (PCI:0000:10:1c): 63, pid=1896, Row Remapper: New row marked
1763800009.000000 gpu017 kernel: NVRM: Xid (PCI:0000:10:1c): 63, pid=1896, Row Remapper: New row marked
1763800003.000000 gpu017 kernel: nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 24007, Fatal, Link 32 ucode error
1763800004.000000 gpu017 kernel: nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 12028, Non-fatal, Link 32 egress
1763800004.000000 gpu017 kernel: nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 12028, Data {0x00140004}
"""
GONE_AT_BOOT = """\
[ 1843.308145] NVRM: The NVIDIA GPU 0000:b3:00.0
               NVRM: (PCI ID: 10de:26b5) installed in this system has
               NVRM: fallen off the bus and is not responding to commands.
[ 1843.439662] NVRM: The NVIDIA probe routine failed for 1 device(s).
[   49.261458] NVRM: GPU at 0000:01:00.0 has fallen off the bus.
[  966.503025] NVRM: Xid (0000:01:00): 31, Ch 0000000b, engmask 00000120, intr 10000000
"""


def test_faults_are_joined_by_device_and_number_with_the_last_moment() -> None:
    log = read_log(JOURNAL)
    assert log.xids == (
        LoggedFault(79, "0000:3b:00.0", 1763800001),
        LoggedFault(63, "0000:10:1c.0", 1763800009, times=2),
        LoggedFault(24007, "0000:c1:00.0", 1763800003, source="switch", fatal=True),
        LoggedFault(12028, "0000:c1:00.0", 1763800004, source="switch", fatal=False),
        LoggedFault(12028, "0000:c1:00.0", 1763800004, source="switch"),
    )
    assert log.fallen == (
        LoggedFault(79, "0000:3b:00.0", 1763800001),
        LoggedFault(0, "0000:3b:00.0", 1763800001),
    )


def test_a_board_that_was_gone_at_boot_has_no_xid() -> None:
    log = read_log(GONE_AT_BOOT, booted_at_s=1_763_000_000)
    assert log.xids == (LoggedFault(31, "0000:01:00.0", 1_763_000_966),)
    assert log.fallen == (LoggedFault(0, "0000:b3:00.0"), LoggedFault(0, "0000:01:00.0", 1_763_000_049))


def test_without_the_time_of_boot_the_moment_is_unknown() -> None:
    assert read_log(GONE_AT_BOOT).xids[0].at_s is None


def test_slots_are_written_as_the_kernel_writes_them() -> None:
    names = ("0000:3b:00", "00000000:3B:00.0", "3b:00.0", "0008:01:00")
    assert [slot(name) for name in names] == ["0000:3b:00.0"] * 3 + ["0008:01:00.0"]


def test_a_storm_is_one_row() -> None:
    line = "1763800001.000000 g kernel: NVRM: Xid (PCI:0000:3b:00): 94, pid=1, Contained: SM\n"
    assert [one.times for one in read_log(line * 11_760).xids] == [11_760]


@given(st.text())
def test_whatever_a_log_holds_it_is_read(text: str) -> None:
    read_log("NVRM: Xid (" + text)
    assert read_log(text, 0).xids == () or "Xid" in text
