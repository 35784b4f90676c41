"""What parsers make of how a node is kept and fares."""

from __future__ import annotations

import json

import pytest

from dcctl.inventory.evidence.hosts import Clock, Drive, SelEvent
from dcctl.inventory.sources.ssh.audit import hardware, upkeep
from dcctl.inventory.sources.ssh.audit.told import StuckRow, Told, Untold
from tests.unit.inventory.sources.readings import MISSING, reading, recorded

CHRONY = "C0A80101,192.168.1.1,3,1700000000.123,{},-0.000001,0.00003,-12.3,0.001,0.1,0.01,0.001,64.2,{}\n"
OWN_CLOCK = "7F7F0101,,8,1795348825.395205748,0.0,0.0,0.0,0.000,0.000,0.000,0.0,0.0,0.0,Normal\n"
TIMESYNC = "       Server: 10.0.0.1 (ntp)\n      Stratum: 2\n       Offset: -1.105ms\n        Delay: 2ms\n"


@pytest.mark.parametrize(
    ("commands", "processes", "expected"),
    [
        ({"chrony": CHRONY.format("-0.000012345", "Normal")}, (), Clock("chrony", True, -12345, 3)),
        ({"chrony": CHRONY.format("0.000000000", "Not synchronised")}, (), Clock("chrony", False, None, 3)),
        ({"chrony": OWN_CLOCK}, (), Clock("chrony", False, None, 8)),
        (
            {"timesync": TIMESYNC, "timedatectl": "NTP=yes\nNTPSynchronized=yes\n"},
            (),
            Clock("timesyncd", True, -1105000, 2),
        ),
        ({"timedatectl": "NTPSynchronized=no\n"}, (), Clock("", False)),
        (
            {
                "ptp": "\t\tstepsRemoved     1\n\t\toffsetFromMaster -12.4\n",
                "chrony": CHRONY.format("1", "Normal"),
            },
            ("ptp4l",),
            Clock("ptp", True, -12),
        ),
        (
            {"ptp": "stepsRemoved 1\noffsetFromMaster 1\n", "timedatectl": "NTPSynchronized=yes\n"},
            (),
            Clock("", True),
        ),
    ],
)
def test_the_clock_is_told_by_who_keeps_it(
    commands: dict[str, str | Told], processes: tuple[str, ...], expected: Clock
) -> None:
    assert upkeep.clock(reading(commands, processes=processes)) == expected


def test_no_clock_without_systemd() -> None:
    booted = Told("System has not been booted with systemd as init system (PID 1). Can't operate.\n", 1)
    with pytest.raises(Untold, match="has not been booted with systemd"):
        upkeep.clock(reading({"timedatectl": booted, "timesync": booted}))


UNITS = (
    "Id=auditd.service\nLoadState=not-found\nActiveState=inactive\n\n"
    "Id=rsyslog.service\nLoadState=loaded\nActiveState={}\n"
)


def test_units_and_logs() -> None:
    look = reading({"units": UNITS.format("active")})
    assert upkeep.services(look) == {"auditd": "missing", "rsyslog": "active"}
    sends = "/etc/rsyslog.d/x.conf:*.* @@log.dc1:514\n"
    comment = "/etc/rsyslog.conf:# *.* @log.dc1\n/etc/rsyslog.conf:# provides @syslog\n"
    for units, rsyslog, expected in (
        ("active", sends, ("rsyslog",)),
        ("active", comment, ()),
        ("inactive", sends, ()),
    ):
        look = reading(
            {"units": UNITS.format(units), "rsyslog": rsyslog, "journald": "[Journal]\n#Storage=auto\n"}
        )
        assert (upkeep.logging(look).persistent, upkeep.logging(look).remotes) == (False, expected)


@pytest.mark.parametrize(
    ("config", "folder", "expected"),
    [
        ("#Storage=auto\n", {"/var/log/journal": Told(changed_at_s=5)}, True),
        ("Storage=persistent\n", {}, True),
        (
            "Storage=persistent\n[Journal]\nStorage=volatile\n",
            {"/var/log/journal": Told(changed_at_s=5)},
            False,
        ),
    ],
)
def test_the_last_word_on_the_journal_counts(config: str, folder: dict[str, Told], expected: bool) -> None:
    look = reading({"units": UNITS, "journald": config}, changes=folder, processes=("fluent-bit", "sh"))
    assert upkeep.logging(look).persistent is expected
    assert upkeep.logging(look).remotes == ("fluent-bit",)


def test_files_that_are_checked() -> None:
    text = (
        "1700000000 /var/lib/aide/aide.db\n/usr/bin/stat: cannot statx '/x'\n1700000009 /var/log/aide.log\n"
    )
    found = upkeep.integrity(reading({"fim": Told(text, 1)}, processes=("falco",)))
    assert (found.watchers, found.checked_at_s) == (("falco",), 1700000009)
    refused = reading({"fim": Told(why="sudo refused: a password is required", cause="denied")})
    assert upkeep.integrity(refused).checked_at_s is None
    assert refused.silent["integrity"].cause == "denied"


@pytest.mark.parametrize(
    ("files", "status", "expected"),
    [
        ({"/sys/fs/selinux/enforce": "1"}, "", ("selinux", True, None)),
        ({"/sys/fs/selinux/enforce": "0"}, "", ("selinux", False, None)),
        ({"/sys/module/apparmor/parameters/enabled": "Y\n"}, "31\n", ("apparmor", True, 31)),
        ({"/sys/module/apparmor/parameters/enabled": "Y\n"}, "0\n", ("apparmor", False, 0)),
        ({"/sys/module/apparmor/parameters/enabled": "N\n"}, "", ("none", False, None)),
        ({}, "", ("none", False, None)),
    ],
)
def test_confinement(files: dict[str, str], status: str, expected: tuple[object, ...]) -> None:
    names = ("/sys/fs/selinux/enforce", "/sys/module/apparmor/parameters/enabled")
    found = upkeep.confinement(reading({"aa_status": status}, files=dict.fromkeys(names, MISSING) | files))
    assert (found.kind, found.enforcing, found.profiles) == expected


APT = """Reading package lists...
Inst libssl3 [3.0.11-1] (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])
Inst base-files [12.4+deb12u5] (12.4+deb12u9 Debian:12.9/stable [amd64])
Inst linux-image-new (6.1.1 Ubuntu:22.04/jammy-security [amd64]) []
Conf libssl3 (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])
"""
DNF = """RHSA-2024:1234 Important/Sec. kernel-core-5.14.0-427.el9.x86_64
RHBA-2024:9999 bugfix         tzdata-2024a-1.el9.noarch
"""


def test_updates_that_wait() -> None:
    changes = {"/var/lib/dpkg/status": Told(changed_at_s=5), "/var/lib/apt/lists": Told(changed_at_s=6)}
    found = upkeep.updates(reading({"apt": APT}, changes=changes | {"/run/reboot-required": MISSING}))
    assert found.security == ("libssl3", "linux-image-new")
    assert (found.installed_at_s, found.listed_at_s, found.reboot_since_s) == (5, 6, None)
    assert upkeep.updates(reading({"dnf": DNF})).security == ("kernel-core-5.14.0-427.el9.x86_64",)
    with pytest.raises(Untold, match="not run there"):
        upkeep.updates(reading())


def test_what_is_upgraded_at_night() -> None:
    config = 'APT::Periodic::Unattended-Upgrade "1";\nUnattended-Upgrade::Package-Blacklist "";\n'
    config += 'Unattended-Upgrade::Package-Blacklist:: "nvidia";\n'
    packages = "ii  nvidia-driver-550\nun  nvidia-driver\nhi  linux-image-6.1\nrc  linux-image-5\n"
    commands: dict[str, str | Told] = {
        "apt_config": config,
        "apt_holds": "linux-image-6.1\n",
        "dpkg": Told(packages, 1),
    }
    found = upkeep.upgrades(reading(commands))
    assert (found.enabled, found.held, found.excluded) == (True, ("linux-image-6.1",), ("nvidia",))
    assert found.packages == ("nvidia-driver-550", "linux-image-6.1")
    off = reading(commands | {"apt_config": 'APT::Periodic::Unattended-Upgrade "0";\n'})
    assert not upkeep.upgrades(off).enabled


def test_automatic_upgrades_of_dnf() -> None:
    files = {
        "/etc/dnf/automatic.conf": "apply_updates = yes\n",
        "/etc/dnf/dnf.conf": "[main]\nexcludepkgs=kernel* nvidia*\n",
    }
    rpm = Told("ii  kernel-core\npackage nvidia-driver is not installed\n", 1)
    found = upkeep.upgrades(reading({"rpm": rpm}, files=files))
    assert (found.enabled, found.excluded, found.packages) == (True, ("kernel*", "nvidia*"), ("kernel-core",))
    assert not upkeep.upgrades(reading({"rpm": rpm}, files={"/etc/dnf/automatic.conf": MISSING})).enabled


NVME = {
    "smart_status": {"passed": True},
    "nvme_smart_health_information_log": {"critical_warning": 0, "percentage_used": 101},
}


def test_drives_say_how_they_are_and_some_say_nothing() -> None:
    late = Told(why="no answer within 10 s", cause="timeout")
    commands: dict[str, str | Told] = {
        "smart/nvme0": json.dumps(NVME),
        "smart/sda": Told('{"smart_status": {"passed": false}}', 8),
    }
    look = reading(commands | {"smart/sdb": late}, drives=("nvme0n1", "nvme0n2", "sda", "sdb"))
    assert hardware.drives(look) == (Drive("nvme0", True, 0, 1010), Drive("sda", False))
    assert look.silent["drives"].reason == "sdb: no answer within 10 s"
    assert hardware.drives(reading()) == ()
    with pytest.raises(Untold, match="no answer"):
        hardware.drives(reading({"smart/sdb": late}, drives=("sdb",)))


def test_a_drive_without_a_health_is_not_healthy() -> None:
    told = Told(recorded("smart-unknown.json"), 1)
    with pytest.raises(Untold, match="Unable to detect device type"):
        hardware.drives(reading({"smart/sda": told}, drives=("sda",)))
    look = reading({"smart/sda": told, "smart/nvme0": json.dumps(NVME)}, drives=("nvme0n1", "sda"))
    assert hardware.drives(look) == (Drive("nvme0", True, 0, 1010),)
    assert "sda" in look.silent["drives"].reason
    standby = reading({"smart/sda": Told('{"smartctl": {"messages": []}}', 2)}, drives=("sda",))
    with pytest.raises(Untold, match="tells no health"):
        hardware.drives(standby)


def test_memory_errors_are_counted_or_not_known() -> None:
    swaps = {"/proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n/dev/zram0 partition 1 0 100\n"}
    base = "/sys/devices/system/edac/mc/mc"
    counts = {
        f"{base}0/ue_count": Told("1\n"),
        f"{base}1/ue_count": Told("2\n"),
        f"{base}0/ce_count": Told("9\n"),
    }
    found = hardware.memory(reading(files=swaps, edac=counts))
    assert (found.uncorrected, found.corrected, found.swaps) == (3, 9, ("/dev/zram0",))
    assert hardware.memory(reading(files=swaps)).uncorrected is None


def test_tuning() -> None:
    files = {
        "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
        "/proc/sys/vm/nr_hugepages": "0\n",
        "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    }
    found = hardware.tuning(reading(files=files, governors={"performance": 2}, iommu_groups=3, numa_nodes=2))
    assert found == {
        "clocksource": "tsc",
        "governor": "performance",
        "hugepages": "0",
        "iommu": "on",
        "numa_nodes": "2",
        "transparent_hugepages": "madvise",
    }


SEL = """   1 | 05/12/2023 | 10:11:12 | Power Supply PS1 Status | Failure detected () | Asserted
   2 | 05/12/2023 | 10:12:12 | Power Supply PS1 Status | Failure detected () | Deasserted
   3 | Pre-Init  |0000000022| Memory #0x53 | Uncorrectable ECC | Asserted
"""
SDR = "PS Redundancy    | 77h | ok  |  7.1 | Fully Redundant\nFAN1             | 30h | cr  | 29.1 | 0 RPM\n"


def test_the_controller() -> None:
    found = hardware.bmc(reading({"sel": SEL, "sdr": SDR}))
    assert found.events is not None
    assert [one.asserted for one in found.events] == [True, False, True]
    assert found.events[0] == SelEvent(
        "05/12/2023 10:11:12", "Power Supply PS1 Status", "Failure detected ()"
    )
    assert [(one.name, one.state, one.reading) for one in found.sensors or ()] == [
        ("PS Redundancy", "ok", "Fully Redundant"),
        ("FAN1", "cr", "0 RPM"),
    ]
    with pytest.raises(Untold, match="no /dev/ipmi0"):
        hardware.bmc(reading())


def test_only_what_hangs_is_stuck() -> None:
    rows = (StuckRow("sh", "Z", 5), StuckRow("dd", "D", 6), StuckRow("x", "R", 7))
    assert [one.state for one in hardware.stuck(reading(stuck=rows))] == ["Z", "D"]
