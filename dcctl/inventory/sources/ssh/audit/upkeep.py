"""How a node is kept: services, logs, clock, detectors, updates. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.hosts import Clock, Confinement, Integrity, Logging, Updates, Upgrades
from dcctl.inventory.sources.ssh.audit.told import Untold

if TYPE_CHECKING:
    from dcctl.inventory.sources.ssh.audit.told import Reading

AGENTS: Final = frozenset(
    (
        *(
            "fluent-bit",
            "fluentd",
            "td-agent",
            "vector",
            "promtail",
            "alloy",
            "filebeat",
            "otelcol",
            "splunkd",
        ),
        *("otelcol-contrib", "nxlog", "grafana-agent", "loki-canary", "vlagent", "syslog-ng"),
    )
)
"""Names of processes that send logs away; the kernel keeps 15 characters of them."""
DETECTORS: Final = frozenset(
    (
        *("falco", "tetragon", "wazuh-agentd", "wazuh-syscheckd", "ossec-syscheckd", "osqueryd", "samhain"),
        *("auditbeat", "falcon-sensor", "wdavdaemon", "elastic-endpoin", "kubearmor", "tracee", "dragent"),
    )
)
_UNITS_NS: Final = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 10**9, "min": 60 * 10**9}
_NO_REFERENCE: Final = {"00000000", "7F7F0101"}
"""Reference ids of chrony: none, and its own clock (`local`), which it tells to be synchronised."""
_INST = re.compile(r"Inst (\S+) (?:\[[^]]*\] )?\(\S+ ([^)]*?)\)")


def services(reading: Reading) -> dict[str, str]:
    """Return the state of each unit, without `.service`; `missing` for one that there is not."""
    found = {}
    for block in reading.command("units").split("\n\n"):
        told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in told:
            absent = told.get("LoadState") == "not-found"
            found[told["Id"].removesuffix(".service")] = (
                "missing" if absent else told.get("ActiveState", "unknown")
            )
    if not found:
        raise Untold("systemctl told no units", "invalid")
    return found


def logging(reading: Reading) -> Logging:
    """Return whether the journal is kept, and by what logs leave."""
    storage = re.findall(r"^\s*Storage\s*=\s*(\w+)", reading.command("journald"), re.MULTILINE)
    kept = (storage or ["auto"])[-1].lower()
    there = reading.changed("/var/log/journal") is not None
    persistent = kept == "persistent" or (kept == "auto" and there)
    units = services(reading)
    remotes = sorted(AGENTS & set(reading.host.processes))
    if units.get("systemd-journal-upload") == "active":
        remotes.append("systemd-journal-upload")
    if reading.ran("rsyslog") and units.get("rsyslog") == "active":
        try:
            remotes += _rsyslog(reading.command("rsyslog", (0, 1, 2)))
        except Untold as reason:
            reading.only("logging", reason.silence.reason, reason.silence.cause)
    return Logging(persistent, tuple(remotes))


def _rsyslog(text: str) -> list[str]:
    lines = [line.partition(":")[2].strip() for line in text.splitlines()]
    sends = [line for line in lines if not line.startswith("#")]
    return ["rsyslog" for line in sends if re.search(r"(?:^|\s)@{1,2}[\w\[(]|\bomfwd\b|\bomrelp\b", line)][:1]


def clock(reading: Reading) -> Clock:
    """Return how the clock is kept, as the one who keeps it says: PTP, chrony, timesyncd, else systemd."""
    for look in (_by_ptp, _by_chrony, _by_timesyncd):
        with suppress(Untold):
            return look(reading)
    told = dict(line.split("=", 1) for line in reading.command("timedatectl").splitlines() if "=" in line)
    if "NTPSynchronized" not in told:
        raise Untold("timedatectl does not say whether the clock is synchronised", "invalid")
    return Clock("", told["NTPSynchronized"] == "yes")


def _by_ptp(reading: Reading) -> Clock:
    if "ptp4l" not in reading.host.processes:
        raise Untold("no ptp4l", "missing")
    text = reading.command("ptp")
    offset = re.search(r"offsetFromMaster\s+(-?\d+(?:\.\d+)?)", text)
    steps = re.search(r"stepsRemoved\s+(\d+)", text)
    if not offset or not steps:
        raise Untold("pmc told no offset", "invalid")
    return Clock("ptp", int(steps[1]) > 0, round(float(offset[1])))


def _by_chrony(reading: Reading) -> Clock:
    row = reading.command("chrony").strip().split("\n")[-1].split(",")
    if len(row) < 14:
        raise Untold("chronyc told no tracking", "invalid")
    synchronised = row[13] != "Not synchronised" and row[0] not in _NO_REFERENCE
    return Clock("chrony", synchronised, round(float(row[4]) * 1e9) if synchronised else None, int(row[2]))


def _by_timesyncd(reading: Reading) -> Clock:
    text = reading.command("timesync")
    synchronised = re.search(r"^NTPSynchronized=(\w+)", reading.command("timedatectl"), re.MULTILINE)
    offset = re.search(r"^\s*Offset: ([+-]?[\d.]+)(ns|us|µs|ms|s|min)\b", text, re.MULTILINE)
    stratum = re.search(r"^\s*Stratum: (\d+)", text, re.MULTILINE)
    if not synchronised or not offset:
        raise Untold("systemd-timesyncd has no answer of a server", "missing")
    offset_ns = round(float(offset[1]) * _UNITS_NS[offset[2]])
    return Clock("timesyncd", synchronised[1] == "yes", offset_ns, int(stratum[1]) if stratum else None)


def integrity(reading: Reading) -> Integrity:
    """Return the detectors that run, and when files were last checked."""
    running = tuple(sorted(DETECTORS & set(reading.host.processes)))
    try:
        text = reading.command("fim", (0, 1))
    except Untold as reason:
        reading.only("integrity", reason.silence.reason, reason.silence.cause)
        return Integrity(running)
    moments = [int(row[1]) for line in text.splitlines() if (row := re.match(r"(\d{1,12}) /", line))]
    return Integrity(running, max(moments, default=None))


def sysctls(reading: Reading) -> dict[str, str]:
    """Return kernel settings by their names; one that the kernel does not have is left out."""
    rows = reading.host.sysctls.items()
    return {
        path.removeprefix("/proc/sys/").replace("/", "."): told.out.strip() for path, told in rows if told.out
    }


def confinement(reading: Reading) -> Confinement:
    """Return which mandatory access control is in force."""
    if reading.has("/sys/fs/selinux/enforce"):
        return Confinement("selinux", reading.file("/sys/fs/selinux/enforce").strip() == "1")
    switch = "/sys/module/apparmor/parameters/enabled"
    if not reading.has(switch) or reading.file(switch).strip() != "Y":
        return Confinement("none", enforcing=False)
    try:
        profiles = int(reading.command("aa_status").split()[0])
    except Untold as reason:
        reading.only("confinement", reason.silence.reason, reason.silence.cause)
        return Confinement("apparmor", enforcing=True)
    return Confinement("apparmor", profiles > 0, profiles)


def updates(reading: Reading) -> Updates:
    """Return the security updates that wait, from lists that lie on the node."""
    if reading.ran("apt"):
        rows = _INST.findall(reading.command("apt"))
        security = tuple(name for name, origin in rows if "security" in origin.lower())
        installed = reading.changed("/var/lib/dpkg/status")
        listed = reading.changed("/var/lib/apt/lists", "/var/lib/apt/periodic/update-success-stamp")
    else:
        rows = re.findall(r"^(\S+) +\S*Sec\.\s+(\S+)", reading.command("dnf"), re.MULTILINE)
        security = tuple(package for _, package in rows)
        installed = reading.changed("/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages")
        listed = reading.changed("/var/cache/dnf")
    restart = reading.changed("/run/reboot-required", "/var/run/reboot-required")
    return Updates(security, installed, listed, restart)


def upgrades(reading: Reading) -> Upgrades:
    """Return what is upgraded by itself, and which packages are left alone."""
    if not reading.ran("apt_config"):
        return _by_dnf(reading)
    settings = reading.command("apt_config")
    wanted = re.search(r'^APT::Periodic::Unattended-Upgrade "([^"]*)"', settings, re.MULTILINE)
    left = re.findall(r'^Unattended-Upgrade::Package-Blacklist:: "([^"]*)"', settings, re.MULTILINE)
    packages = re.findall(r"^.i\s+(\S+)", reading.command("dpkg", (0, 1)), re.MULTILINE)
    held = reading.command("apt_holds").split()
    return Upgrades(bool(wanted and wanted[1] not in {"", "0"}), tuple(held), tuple(left), tuple(packages))


def _by_dnf(reading: Reading) -> Upgrades:
    packages = tuple(re.findall(r"^ii\s+(\S+)", reading.command("rpm", range(256)), re.MULTILINE))
    if not reading.has("/etc/dnf/automatic.conf"):
        return Upgrades(enabled=False, packages=packages)
    applied = re.search(
        r"^\s*apply_updates\s*=\s*(yes|true|1)\b", reading.file("/etc/dnf/automatic.conf"), re.M | re.I
    )
    main = reading.file("/etc/dnf/dnf.conf") if reading.has("/etc/dnf/dnf.conf") else ""
    left = re.search(r"^\s*exclude(?:pkgs)?\s*=\s*(.*)", main, re.MULTILINE)
    return Upgrades(bool(applied), (), tuple(re.split(r"[\s,]+", left[1].strip())) if left else (), packages)
