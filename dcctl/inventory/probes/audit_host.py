"""Part of the audit's probe: how a host is hardened and how it fares. Readings; they are judged elsewhere.

No command prints a secret: of shadow only lines without a password, of keys only their fingerprints.
"""

import os
import re
import time
from typing import TYPE_CHECKING

from dcctl.inventory.probes.audit import (
    AUDIT_ROOT,
    Command,
    Part,
    file_mode,
    file_text,
)
from dcctl.inventory.probes.rules import DISK_TYPES, SSHD_FILES

if TYPE_CHECKING:
    from collections.abc import Iterable

UNITS = (
    *("auditd", "rsyslog", "syslog-ng", "systemd-journal-upload", "chronyd", "chrony", "systemd-timesyncd"),
    *("ntpd", "ptp4l", "firewalld", "ufw", "nftables", "unattended-upgrades", "dnf-automatic-install.timer"),
    *("apt-daily-upgrade.timer", "aidecheck.timer", "dailyaidecheck.timer"),
)
DRIVES = (
    *(f"nvme{number}" for number in range(32)),
    *("sd" + letter for letter in "abcdefghijklmnopqrstuvwxyz"),
)
SYSCTLS = (
    *("kernel.randomize_va_space", "kernel.kptr_restrict", "kernel.dmesg_restrict", "fs.suid_dumpable"),
    *("kernel.yama.ptrace_scope", "kernel.unprivileged_bpf_disabled", "net.ipv4.tcp_syncookies"),
    *("fs.protected_symlinks", "fs.protected_hardlinks", "net.ipv4.conf.all.rp_filter"),
    *("net.ipv4.conf.all.accept_redirects", "net.ipv6.conf.all.accept_redirects"),
    *("net.ipv4.conf.all.accept_source_route", "net.ipv4.conf.all.send_redirects"),
)
STATES = (
    *("/proc/swaps", "/proc/cmdline", "/sys/fs/selinux/enforce", "/sys/module/apparmor/parameters/enabled"),
    *("/etc/passwd", "/etc/fstab", "/etc/machine-id", "/etc/dnf/automatic.conf", "/etc/dnf/dnf.conf"),
    "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    *("/sys/kernel/mm/transparent_hugepage/enabled", "/proc/sys/vm/nr_hugepages"),
)
CHANGES = (
    *("/run/reboot-required", "/var/run/reboot-required", "/var/lib/dpkg/status", "/var/lib/apt/lists"),
    "/var/lib/apt/periodic/update-success-stamp",
    *("/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages", "/var/cache/dnf", "/var/log/journal"),
    *("/sys/class/iommu", "/dev/ipmi0", "/etc/ssh"),
)
LOOKS_APART_S = 1.0
MANY = 4096

HOST_COMMANDS = (
    Command("sshd", ("/usr/sbin/sshd", "-T"), True, 10, "", "settings of the SSH server that are in force"),
    Command(
        "sshd_files",
        ("/usr/bin/grep", "-aRs", ".", *SSHD_FILES),
        True,
        5,
        "",
        "Match blocks, which sshd -T does not tell",
    ),
    Command(
        "authorized_keys",
        (
            *("/usr/bin/find", "-L", "/root", "/home", "-xdev", "-maxdepth", "4"),
            *("-type", "d", "-not", "-name", ".ssh", "-path", "/*/*/*/*", "-prune", "-o"),
            *("-type", "d", "(", "-name", ".ssh", "-o", "-not", "-path", "/*/*/*", ")"),
            *("-printf", "@%D@", "-print", "-o"),
            *("-type", "f", "(", "-name", "authorized_keys", "-o", "-name", "authorized_keys2", ")"),
            *("-printf", "@@%T@@@", "-print", "-exec", "/usr/bin/ssh-keygen", "-l", "-f", "{}", ";"),
        ),
        True,
        15,
        "",
        "who may log in by key: kind, length, fingerprint and comment of each",
    ),
    Command(
        "empty_passwords",
        ("/usr/bin/grep", "-E", "^[^:]+::", "/etc/shadow"),
        True,
        5,
        "",
        "accounts without a password; it prints no hash",
    ),
    Command(
        "sudoers",
        ("/usr/bin/grep", "-aRs", "^", "/etc/sudoers", "/etc/sudoers.d"),
        True,
        5,
        "/etc/sudoers",
        "who may become root without a password, as text",
    ),
    Command(
        "sudoers_json",
        ("/usr/bin/cvtsudoers", "-f", "json", "/etc/sudoers"),
        True,
        5,
        "/usr/bin/cvtsudoers",
        "the same as sudo itself reads it, with every file that is included",
    ),
    Command(
        "auditctl", ("/usr/sbin/auditctl", "-s"), True, 5, "", "whether the kernel audits, and is locked"
    ),
    Command(
        "auditd_conf",
        ("/usr/bin/cat", "/etc/audit/auditd.conf"),
        True,
        5,
        "",
        "what auditd does when its disk is full",
    ),
    Command(
        "units",
        (
            *("/usr/bin/systemctl", "show", "--no-pager", "-p", "Id,LoadState,ActiveState,UnitFileState"),
            *(name if "." in name else name + ".service" for name in UNITS),
        ),
        False,
        10,
        "",
        "state of services",
    ),
    Command(
        "journald",
        ("/usr/bin/systemd-analyze", "--no-pager", "cat-config", "systemd/journald.conf"),
        False,
        10,
        "",
        "where the journal is kept",
    ),
    Command(
        "rsyslog",
        ("/usr/bin/grep", "-rsE", "@|omfwd|omrelp", "/etc/rsyslog.conf", "/etc/rsyslog.d"),
        True,
        5,
        "/etc/rsyslog.conf",
        "whether logs leave the node",
    ),
    Command("chrony", ("/usr/bin/chronyc", "-n", "-c", "tracking"), False, 5, "", "offset of the clock"),
    Command(
        "timedatectl", ("/usr/bin/timedatectl", "show"), False, 5, "", "whether the clock is synchronised"
    ),
    Command(
        "timesync", ("/usr/bin/timedatectl", "timesync-status"), False, 5, "", "offset of systemd-timesyncd"
    ),
    Command(
        "ptp",
        ("/usr/sbin/pmc", "-u", "-b", "0", "GET CURRENT_DATA_SET"),
        True,
        5,
        "/usr/sbin/pmc",
        "offset of a PTP clock",
    ),
    Command("nft", ("/usr/sbin/nft", "-j", "list", "ruleset"), True, 10, "", "what may come in"),
    Command(
        "iptables",
        ("/usr/sbin/iptables", "-S"),
        True,
        5,
        "/proc/net/ip_tables_names",
        "what may come in, where the old tables are in use",
    ),
    Command(
        "ip6tables",
        ("/usr/sbin/ip6tables", "-S"),
        True,
        5,
        "/proc/net/ip6_tables_names",
        "the same for IPv6",
    ),
    Command("ss", ("/usr/bin/ss", "-H", "-lntup"), True, 10, "/usr/bin/ss", "who listens on which port"),
    Command(
        "ss_sbin",
        ("/usr/sbin/ss", "-H", "-lntup"),
        True,
        10,
        "/usr/sbin/ss",
        "the same, where ss is kept there",
    ),
    Command(
        "fim",
        (
            *("/usr/bin/stat", "-c", "%Y %n", "/var/lib/aide/aide.db", "/var/lib/aide/aide.db.gz"),
            *("/var/log/aide/aide.log", "/var/lib/tripwire"),
        ),
        True,
        5,
        "",
        "age of the last check of files",
    ),
    Command(
        "aa_status",
        ("/usr/sbin/aa-status", "--enforced"),
        True,
        5,
        "/sys/module/apparmor",
        "how many profiles AppArmor enforces",
    ),
    Command(
        "apt",
        ("/usr/bin/apt-get", "-s", "-q", "-o", "Debug::NoLocking=true", "dist-upgrade"),
        False,
        40,
        "/usr/bin/apt-get",
        "updates that wait; a simulation, without fetching",
    ),
    Command(
        "dnf",
        ("/usr/bin/dnf", "-q", "-C", "updateinfo", "list", "--security"),
        False,
        40,
        "/usr/bin/dnf",
        "security updates that wait, from the cache",
    ),
    Command(
        "apt_config", ("/usr/bin/apt-config", "dump"), False, 10, "/usr/bin/apt-config", "automatic upgrades"
    ),
    Command("apt_holds", ("/usr/bin/apt-mark", "showhold"), False, 10, "/usr/bin/apt-mark", "held packages"),
    Command(
        "dpkg",
        ("/usr/bin/dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\\n", "nvidia*", "linux-image*"),
        False,
        10,
        "/usr/bin/dpkg-query",
        "whether driver and kernel are packages",
    ),
    Command(
        "rpm",
        (
            "/usr/bin/rpm",
            "-q",
            "--qf",
            "ii  %{NAME}\\n",
            "kernel-core",
            "nvidia-driver",
            "kmod-nvidia-latest-dkms",
        ),
        False,
        10,
        "/etc/redhat-release",
        "the same on systems of RPM",
    ),
    Command("virt", ("/usr/bin/systemd-detect-virt",), False, 5, "", "a machine, a guest or a container"),
    Command(
        "sel", ("/usr/bin/ipmitool", "sel", "elist"), True, 30, "/dev/ipmi0", "events that the BMC has logged"
    ),
    Command("sdr", ("/usr/bin/ipmitool", "sdr", "elist"), True, 30, "/dev/ipmi0", "power supplies and fans"),
    *(
        Command(
            "smart/" + name,
            ("/usr/sbin/smartctl", "-j", "-H", "-A", "-n", "standby", "/dev/" + name),
            True,
            10,
            ("/sys/class/nvme/" if name.startswith("nvme") else "/sys/block/") + name,
            "health and wear of a drive",
        )
        for name in DRIVES
    ),
)


def texts_of(paths: "Iterable[str]") -> "dict[str, dict[str, object]]":
    """Return files by their paths, those that are not there as missing."""
    return {path: file_text(path) for path in paths}


def listed(folder: str) -> "list[str]":
    """Return what is in a folder; nothing where it cannot be read."""
    try:
        return sorted(os.listdir(AUDIT_ROOT + folder))
    except OSError:
        return []


def host_keys() -> "dict[str, dict[str, object]]":
    """Return the server's public keys and the modes of its private ones."""
    folder = "/etc/ssh/"
    names = [name for name in listed(folder) if re.match(r"ssh_host_\w+_key(\.pub)?$", name)]
    public = {folder + name: file_text(folder + name) for name in names if name.endswith(".pub")}
    public.update({folder + name: file_mode(folder + name) for name in names if not name.endswith(".pub")})
    return public


def memory_errors() -> "dict[str, dict[str, object]]":
    """Return the counters of the memory controllers; none: nobody counts."""
    base = "/sys/devices/system/edac/mc"
    counters = [f"{base}/{name}/{kind}" for name in listed(base) for kind in ("ue_count", "ce_count")]
    return texts_of(path for path in counters if re.search(r"/mc\d+/", path))


def governors() -> "dict[str, int]":
    """Return by governor how many processors have it; none where the firmware keeps the clocks."""
    base, found = "/sys/devices/system/cpu", {}  # type: str, dict[str, int]
    for name in listed(base):
        told = (
            file_text(f"{base}/{name}/cpufreq/scaling_governor").get("out")
            if re.match(r"cpu\d+$", name)
            else None
        )
        if told is not None:
            found[str(told).strip()] = found.get(str(told).strip(), 0) + 1
    return found


def filesystems() -> "list[dict[str, object]]":
    """Return local file systems with options and inodes; those of servers may hang and are not asked."""
    found, devices = [], set()
    for line in str(file_text("/proc/self/mounts").get("out", "")).split("\n"):
        words = [
            re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), word)
            for word in line.split(" ")
        ]
        if len(words) < 4 or words[2] not in DISK_TYPES or words[0] in devices:
            continue
        devices.add(words[0])
        record = {"path": words[1], "device": words[0], "fstype": words[2], "options": words[3]}  # type: dict[str, object]
        record.update(space_of(words[1]))
        found.append(record)
    return found


def space_of(path: str) -> "dict[str, object]":
    """Return size, free space and inodes of a file system; nothing where they are not told."""
    try:
        stat = os.statvfs(AUDIT_ROOT + path)
    except OSError:
        return {}
    size, free = stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize
    reserved = (stat.f_bfree - stat.f_bavail) * stat.f_frsize
    return {
        "size_bytes": size - reserved,
        "free_bytes": free,
        "inodes": stat.f_files,
        "inodes_free": stat.f_ffree,
    }


def process_rows() -> "dict[str, tuple[str, str, int, str]]":
    """Return by pid: name, state, start in ticks since boot, and switches so far of who waits for I/O."""
    found = {}
    for pid in listed("/proc"):
        if not pid.isdigit():
            continue
        line = str(file_text(f"/proc/{pid}/stat").get("out", ""))
        match = re.match(r"\d+ \((.*)\) (\S)(?: \S+){18} (\d+)", line, re.DOTALL)
        if match:
            switches = str(file_text(f"/proc/{pid}/status").get("out", "")) if match.group(2) == "D" else ""
            counted = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", switches, re.MULTILINE)
            found[pid] = (
                match.group(1),
                match.group(2),
                int(match.group(3)),
                counted.group(1) if counted else "",
            )
    return found


def stuck(first: "dict[str, tuple[str, str, int, str]]") -> "list[dict[str, object]]":
    """Return processes that were dead or waited for I/O at both looks, without having run in between."""
    time.sleep(LOOKS_APART_S)
    second, ticks = process_rows(), os.sysconf("SC_CLK_TCK")
    uptime = str(file_text("/proc/uptime").get("out", "0")).split(" ")[0]
    rows = [row for pid, row in first.items() if row[1] in "ZD" and second.get(pid) == row]
    return [
        {"name": name, "state": state, "age_s": int(float(uptime) - start / ticks)}
        for name, state, start, _ in rows[:MANY]
    ]


def read_host() -> "dict[str, object]":
    """Return what the files of a host tell."""
    first = process_rows()
    return {
        "taken_at_s": int(time.time()),
        "files": texts_of(STATES),
        "sysctls": texts_of("/proc/sys/" + name.replace(".", "/") for name in SYSCTLS),
        "changes": {path: file_mode(path) for path in CHANGES},
        "host_keys": host_keys(),
        "edac": memory_errors(),
        "governors": governors(),
        "filesystems": filesystems(),
        "numa_nodes": len(
            [name for name in listed("/sys/devices/system/node") if re.match(r"node\d+$", name)]
        ),
        "drives": [name for name in listed("/sys/block") if re.match(r"(nvme\d+n\d+|sd[a-z]+)$", name)],
        "iommu_groups": len(listed("/sys/kernel/iommu_groups")),
        "processes": sorted({row[0] for row in first.values()})[:MANY],
        "stuck": stuck(first),
    }


HOST = Part("host", HOST_COMMANDS, read_host)
