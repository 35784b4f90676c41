"""What parsers make of what real commands print; `tests/data/ssh-audit` is recorded from Debian 12."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dcctl.inventory.evidence.hosts import AuthorizedKey, Clock, Drive, Grant, Match, SelEvent
from dcctl.inventory.sources.ssh.audit import access, hardware, openings, upkeep
from dcctl.inventory.sources.ssh.audit.gather import merged, read_answer
from dcctl.inventory.sources.ssh.audit.hosts import host_evidence
from dcctl.inventory.sources.ssh.audit.told import HostDocument, Reading, StuckRow, Told, Untold
from dcctl.inventory.sources.ssh.error import SshError
from dcctl.inventory.sources.ssh.run import Answer, Reply, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.evidence.hosts import Host

DATA = Path(__file__).parents[3] / "data" / "ssh-audit"
PASSWD = "root:x:0:0:root:/root:/bin/bash\nwu:x:1000:1000::/home/wu:/bin/bash\n# a comment\nbroken:x\n"


def reading(commands: dict[str, str | Told] | None = None, **host: Any) -> Reading:
    told = {name: Told(out) if isinstance(out, str) else out for name, out in (commands or {}).items()}
    files = {
        path: Told(text) if isinstance(text, str) else text for path, text in host.pop("files", {}).items()
    }
    return Reading(told, HostDocument(files=files, **host))


def recorded(name: str) -> str:
    return (DATA / name).read_text()


def test_sshd_tells_its_settings() -> None:
    found = access.sshd(reading({"sshd": recorded("sshd-debian12.txt")}))
    assert found["permitrootlogin"] == ("without-password",)
    assert found["authorizedkeysfile"] == (".ssh/authorized_keys .ssh/authorized_keys2",)
    assert len(found["hostkey"]) == 3
    with pytest.raises(Untold, match="told no settings"):
        access.sshd(reading({"sshd": "sshd: no hostkeys available -- exiting.\n"}))


def test_a_match_block_ends_with_its_file() -> None:
    text = (
        "/etc/ssh/sshd_config:PermitRootLogin no\n"
        "/etc/ssh/sshd_config:#Match User x\n"
        "/etc/ssh/sshd_config:Match Address  10.0.0.0/8 User ci\n"
        "/etc/ssh/sshd_config:  PermitRootLogin = yes \n"
        "/etc/ssh/sshd_config:# PasswordAuthentication yes\n"
        "/etc/ssh/sshd_config.d/a.conf:PasswordAuthentication yes\n"
        "grep: /x: Permission denied\n"
    )
    found = access.sshd_matches(reading({"sshd_files": Told(text, 2)}))
    assert found == (Match("Address 10.0.0.0/8 User ci", "permitrootlogin", "yes"),)


def test_keys_are_told_by_fingerprint_never_whole() -> None:
    text = (
        "@@1700000000.5@@/home/wu/.ssh/authorized_keys\n"
        "256 SHA256:abc wu's laptop (old) (ED25519)\n"
        "/home/wu/.ssh/authorized_keys is not a public key file.\n"
        "@@1700000001.5@@/root/.ssh/authorized_keys\n"
        "2048 SHA256:def no comment (RSA)\n"
    )
    look = reading({"authorized_keys": text}, files={"/etc/passwd": PASSWD})
    assert access.authorized_keys(look) == (
        AuthorizedKey(
            "wu",
            "ED25519",
            256,
            "SHA256:abc",
            "wu's laptop (old)",
            "/home/wu/.ssh/authorized_keys",
            1700000000,
        ),
        AuthorizedKey(
            "root", "RSA", 2048, "SHA256:def", "no comment", "/root/.ssh/authorized_keys", 1700000001
        ),
    )
    assert look.silent == {}


@pytest.mark.parametrize(
    ("passwd", "sshd", "words"),
    [
        (
            PASSWD + "al:x:1001:1::/data/al:/bin/sh\n",
            "",
            "homes outside /root and /home were not searched: al",
        ),
        (
            PASSWD,
            "permitrootlogin no\nauthorizedkeysfile /etc/keys/%u\n",
            "sshd also takes keys from elsewhere",
        ),
        (
            PASSWD,
            "permitrootlogin no\nauthorizedkeyscommand /usr/bin/sss\n",
            "sshd also takes keys from elsewhere",
        ),
    ],
)
def test_keys_that_nobody_looked_for_are_named(passwd: str, sshd: str, words: str) -> None:
    commands: dict[str, str | Told] = {"authorized_keys": ""}
    look = reading(commands | ({"sshd": sshd} if sshd else {}), files={"/etc/passwd": passwd})
    assert access.authorized_keys(look) == ()
    assert words in look.silent["authorized_keys"].reason


def test_fingerprints_are_those_of_ssh_keygen() -> None:
    """RFC 4253 key blob of one recorded host key, and what `ssh-keygen -lf` says of it."""
    blob = "AAAAC3NzaC1lZDI1NTE5AAAAIJXisfMgyaXBp8WjkuLLglxGjnd8AmfZkJeBqB0AZT5D"
    assert access.fingerprint(blob) == "SHA256:nrMo/MTbaUvD4q2S34e0evMrEq2xStpDbRPt2qHO7Gw"
    with pytest.raises(ValueError, match="padding|base64|alphabet"):
        access.fingerprint("not a key")


def test_sudoers_tells_who_needs_no_password() -> None:
    lines = [
        ("/etc/sudoers", "Defaults env_reset"),
        ("/etc/sudoers", "Cmnd_Alias TOOLS = /bin/ls, /bin/df"),
        ("/etc/sudoers", "root ALL=(ALL:ALL) ALL"),
        ("/etc/sudoers", "%wheel ALL=(ALL) NOPASSWD: ALL"),
        ("/etc/sudoers", "# ci ALL=(ALL) NOPASSWD: ALL"),
        ("/etc/sudoers", "@includedir /etc/sudoers.d"),
        ("/etc/sudoers.d/90-x", "AD\\\\backup ALL = \\"),
        ("/etc/sudoers.d/90-x", "  (root) NOPASSWD: TOOLS, /bin/cat a\\,b, PASSWD: ALL"),
        ("/etc/sudoers.d/90-x", "Defaults:op !authenticate"),
        ("/etc/sudoers.d/old.bak", "evil ALL=(ALL) NOPASSWD: ALL"),
        ("/etc/sudoers.d/old~", "evil ALL=(ALL) NOPASSWD: ALL"),
    ]
    look = reading({"sudoers": "".join(f"{path}:{line}\n" for path, line in lines)})
    assert access.nopasswd(look) == (
        Grant("%wheel", "ALL", "/etc/sudoers"),
        Grant("AD\\\\backup", "/bin/ls, /bin/df, /bin/cat a\\,b", "/etc/sudoers.d/90-x"),
        Grant("op", "ALL", "/etc/sudoers.d/90-x"),
    )
    assert access.nopasswd(reading()) == ()


def test_accounts_and_those_without_a_password() -> None:
    look = reading({"empty_passwords": Told("guest::19000:0:99999:7:::\n")}, files={"/etc/passwd": PASSWD})
    assert [one.name for one in access.accounts(look)] == ["root", "wu"]
    assert access.empty_passwords(look) == ("guest",)
    assert access.empty_passwords(reading({"empty_passwords": Told("", 1)})) == ()
    with pytest.raises(Untold, match="Permission denied"):
        access.empty_passwords(
            reading({"empty_passwords": Told("grep: /etc/shadow: Permission denied\n", 2)})
        )


def test_auditctl() -> None:
    text = "enabled 2\nfailure 1\npid 645\nrate_limit 0\nbacklog_limit 8192\nlost 0\nloginuid_immutable 0 unlocked\n"
    conf = "#\nlog_file = /var/log/audit/audit.log\ndisk_full_action = suspend\nadmin_space_left_action = SUSPEND\n"
    found = access.auditing(reading({"auditctl": text, "auditd_conf": conf}))
    assert (found.enabled, found.disk_full) == (2, "SUSPEND")
    assert access.auditing(reading({"auditctl": text, "auditd_conf": Told("cat: no", 1)})).disk_full is None
    with pytest.raises(Untold, match="built without audit"):
        access.auditing(reading({"auditctl": Told("Error - audit support not in kernel\n", 1)}))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nft-drop.json", {"ipv4": "drop", "ipv6": "drop"}),
        ("nft-iptables.json", {"ipv4": "drop", "ipv6": "accept"}),
        ("nft-none.json", {"ipv4": "none", "ipv6": "none"}),
    ],
)
def test_a_firewall_is_judged_by_what_no_rule_names(name: str, expected: dict[str, str]) -> None:
    assert openings.firewall(reading({"nft": recorded(name)})) == expected


def test_old_tables_count_where_they_are_loaded() -> None:
    commands = {
        "iptables": "-P INPUT DROP\n",
        "ip6tables": "-P INPUT ACCEPT\n-A INPUT -j DROP\n-A INPUT -j LOG\n",
    }
    assert openings.firewall(reading(dict(commands))) == {"ipv4": "drop", "ipv6": "accept"}
    closed: dict[str, str | Told] = {
        "iptables": "-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable\n"
    }
    assert openings.firewall(reading(closed | {"nft": recorded("nft-none.json")}))["ipv4"] == "drop"
    with pytest.raises(Untold, match="no nft"):
        openings.firewall(reading({"nft": Told(why="there is no /usr/sbin/nft", cause="missing")}))


def test_sockets_with_and_without_their_process() -> None:
    text = (
        'udp UNCONN 0      0      127.0.0.53%lo:53 0.0.0.0:*    users:(("systemd-resolve",pid=1,fd=13))\n'
        'tcp LISTEN 0      4096      [::]:2379  [::]:*    users:(("etcd",pid=9,fd=7),("etcd",pid=9,fd=8))\n'
        "tcp LISTEN 0      128          *:22         *:*\n"
    )
    found = openings.listeners(reading({"ss_sbin": text}))
    assert [(one.proto, one.address, one.port, one.process) for one in found] == [
        ("udp", "127.0.0.53", 53, "systemd-resolve"),
        ("tcp", "::", 2379, "etcd"),
        ("tcp", "*", 22, ""),
    ]


CHRONY = "C0A80101,192.168.1.1,3,1700000000.123,{},-0.000001,0.00003,-12.3,0.001,0.1,0.01,0.001,64.2,{}\n"
TIMESYNC = "       Server: 10.0.0.1 (ntp)\n      Version: 4\n      Stratum: 2\n       Offset: -1.105ms\n        Delay: 2ms\n"


@pytest.mark.parametrize(
    ("commands", "processes", "expected"),
    [
        ({"chrony": CHRONY.format("-0.000012345", "Normal")}, (), Clock("chrony", True, -12345, 3)),
        ({"chrony": CHRONY.format("0.000000000", "Not synchronised")}, (), Clock("chrony", False, None, 3)),
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


UNITS = "Id=auditd.service\nLoadState=not-found\nActiveState=inactive\n\nId=rsyslog.service\nLoadState=loaded\nActiveState={}\n"


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
    text = "1700000000 /var/lib/aide/aide.db\n/usr/bin/stat: cannot statx '/x': No such file\n1700000009 /var/log/aide/aide.log\n"
    found = upkeep.integrity(reading({"fim": Told(text, 1)}, processes=("falco",)))
    assert (found.watchers, found.checked_at_s) == (("falco",), 1700000009)
    refused = reading({"fim": Told(why="sudo refused: a password is required", cause="denied")})
    assert upkeep.integrity(refused).checked_at_s is None
    assert refused.silent["integrity"].cause == "denied"


MISSING = Told(why="No such file or directory", cause="missing")


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
        **{
            "clocksource": "tsc",
            "governor": "performance",
            "hugepages": "0",
            "iommu": "on",
            "numa_nodes": "2",
        },
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


def test_file_systems_that_are_meant_to_be_read_only() -> None:
    rows = [
        {"path": "/", "options": "rw,relatime"},
        {"path": "/usr", "options": "ro"},
        {"path": "/d", "options": "ro"},
    ]
    document = {
        "filesystems": rows,
        "files": {"/etc/fstab": {"out": "#x\n/dev/a /usr ext4 ro,nodev 0 0\n/dev/b /d ext4 rw 0 0\n"}},
    }
    host = _host({"commands": {}, "host": document})
    found = [(one.path, one.read_only, one.meant_read_only) for one in host.filesystems or ()]
    assert found == [("/", False, False), ("/usr", True, True), ("/d", True, False)]


def test_only_what_hangs_is_stuck() -> None:
    rows = (StuckRow("sh", "Z", 5), StuckRow("dd", "D", 6), StuckRow("x", "R", 7))
    assert [one.state for one in hardware.stuck(reading(stuck=rows))] == ["Z", "D"]


def _host(audit: object, os_release: str = 'ID="rhel"\nVERSION_ID="9.4"\n') -> Host:
    document = {"os_release": os_release, "memory_total_bytes": 5, "audit": audit}
    stdout = b"@@dcctl python\n" + json.dumps(document).encode() + b"\n@@dcctl end\n"
    evidence = host_evidence(read_answer(Answer(Target("n1"), Reply(stdout, "", 0))))
    assert evidence.hosts is not None
    return evidence.hosts[0]


def test_a_host_tells_what_it_told_and_is_silent_about_the_rest() -> None:
    host = _host(
        {"commands": {"virt": {"out": "docker\n"}}, "host": {"files": {"/etc/passwd": {"out": PASSWD}}}}
    )
    assert (host.os, host.virtual, host.container) == ("rhel 9.4", "docker", True)
    assert [one.name for one in host.accounts or ()] == ["root", "wu"]
    assert host.sshd is None
    assert host.silent["sshd"].reason == "sshd was not run there"


@pytest.mark.parametrize(
    ("audit", "words"),
    [
        (
            {"commands": {}, "host": {"why": "no answer within 20 s", "cause": "timeout"}},
            "no answer within 20 s",
        ),
        ({"commands": {}, "host": {"files": 3}}, "makes no sense"),
        ({"commands": {}}, "no part host"),
        ({"commands": 3, "host": {}}, "makes no sense"),
        ({"host": {}}, "no part for an audit"),
        (None, "no part for an audit"),
    ],
)
def test_an_answer_without_its_parts_is_silence_not_health(audit: object, words: str) -> None:
    host = _host(audit)
    assert host.sshd is None
    assert words in host.silent["sshd"].reason
    assert words in host.silent["filesystems"].reason


def test_a_node_that_was_not_reached_is_a_host_all_the_same() -> None:
    answer = Answer(Target("n1"), SshError("no route", "unreachable"))
    (host,) = host_evidence(read_answer(answer)).hosts or ()
    assert host.node == "n1"
    assert {one.reason for one in host.silent.values()} == {"no route"}
    assert {"sshd", "stuck", "os", "algorithms"} <= set(host.silent)


def test_output_of_another_kind_makes_no_field_of_health() -> None:
    hostile = {
        name: {"out": "\u202e[]{}|:::\n" * 50}
        for name in ("sshd", "nft", "ss", "units", "sel", "sdr", "apt", "aa_status")
    }
    files = {
        path: {"out": "garbage"}
        for path in ("/proc/swaps", "/etc/passwd", "/etc/fstab", "/sys/fs/selinux/enforce")
    }
    host = _host(
        {
            "commands": hostile,
            "host": {"files": files, "drives": ["nvme0n1"], "edac": {"/mc0/ue_count": {"out": "x"}}},
        }
    )
    for name in ("sshd", "firewall", "services", "drives", "memory"):
        assert getattr(host, name) is None, name
        assert host.silent[name].reason.isprintable()


def test_a_backslash_in_what_a_node_says_is_no_escape() -> None:
    """`AD\\backup` in sudoers is a user of a domain, though JSON writes it with what looks like \\b."""
    sudoers = {"out": "/etc/sudoers:AD\\\\backup ALL=(ALL) NOPASSWD: ALL\n"}
    host = _host({"commands": {"sudoers": sudoers}, "host": {}})
    assert [one.who for one in host.nopasswd or ()] == ["AD\\\\backup"]


def test_evidence_of_several_nodes_is_joined_by_field() -> None:
    found = [host_evidence(read_answer(Answer(Target(name), SshError("x", "failed")))) for name in ("a", "b")]
    assert [one.node for one in merged(found).hosts or ()] == ["a", "b"]


@pytest.mark.parametrize("reader", [access.sshd, openings.listeners, upkeep.services, hardware.virtual])
def test_what_a_part_could_not_read_is_not_there(reader: Callable[[Reading], object]) -> None:
    told = Told(why="sudo refused: a password is required", cause="denied")
    names = ("sshd", "ss", "units", "virt")
    with pytest.raises(Untold) as caught:
        reader(reading(dict.fromkeys(names, told)))
    assert caught.value.silence.cause == "denied"
