"""How the machine fares: file systems, drives, memory, clocks of processors, BMC. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dcctl.inventory.evidence.hosts import Bmc, Drive, HostFilesystem, HostMemory, SelEvent, Sensor, Stuck
from dcctl.inventory.sources.ssh.audit.told import Untold

if TYPE_CHECKING:
    from dcctl.inventory.sources.ssh.audit.told import Reading

_CONTAINERS: Final = frozenset(
    (
        "docker",
        "podman",
        "lxc",
        "lxc-libvirt",
        "systemd-nspawn",
        "openvz",
        "wsl",
        "rkt",
        "proot",
        "container-other",
    )
)
_MANY_EVENTS: Final = 2000


def virtual(reading: Reading) -> str:
    """Return on what the system runs: `none` for a machine of its own."""
    return reading.command("virt", (0, 1)).strip() or "none"


def is_container(kind: str | None) -> bool:
    """True where the kernel is another machine's."""
    return kind in _CONTAINERS


def filesystems(reading: Reading) -> tuple[HostFilesystem, ...]:
    """Return local file systems, with whether each is read-only by intent."""
    table = reading.file("/etc/fstab") if reading.has("/etc/fstab") else ""
    rows = [line.split() for line in table.splitlines() if not line.lstrip().startswith("#")]
    meant = {row[1] for row in rows if len(row) > 3 and "ro" in row[3].split(",")}
    return tuple(
        HostFilesystem(
            row.path,
            row.fstype,
            row.size_bytes,
            row.free_bytes,
            row.inodes,
            row.inodes_free,
            "ro" in row.options.split(","),
            row.path in meant,
        )
        for row in reading.host.filesystems
    )


def drives(reading: Reading) -> tuple[Drive, ...]:
    """Return what the drives say; of those that say nothing it is noted."""
    names = sorted({re.sub(r"^(nvme\d+)n\d+$", r"\1", name) for name in reading.host.drives})
    found, mute, reason = [], [], ""
    for name in names:
        try:
            found.append(_drive(name, reading.command(f"smart/{name}", range(256))))
        except Untold as silence:
            mute.append(name)
            reason = silence.silence.reason
    if names and not found:
        raise Untold(reason, "missing")
    if mute:
        reading.only("drives", f"{', '.join(mute[:5])}: {reason}")
    return tuple(found)


def _drive(name: str, text: str) -> Drive:
    told: dict[str, Any] = msgspec.json.decode(text)
    log: dict[str, Any] = told.get("nvme_smart_health_information_log", {})
    if "smart_status" not in told and not log:
        said = [row.get("string", "") for row in told.get("smartctl", {}).get("messages", [])]
        raise Untold(said[0] if said else "it tells no health", "unsupported")
    used = log.get("percentage_used")
    return Drive(
        name,
        told.get("smart_status", {}).get("passed"),
        log.get("critical_warning"),
        None if used is None else used * 10,
    )


def memory_errors(reading: Reading, kind: str) -> int | None:
    """Return the sum of a counter of all memory controllers; None: nobody counts."""
    told = [one.out for path, one in reading.host.edac.items() if path.endswith(f"/{kind}_count")]
    counts = [int(text) for text in told if text is not None]
    return sum(counts) if counts else None


def memory(reading: Reading) -> HostMemory:
    """Return errors and swap; the total is told with the facts of the node."""
    lines = reading.file("/proc/swaps").splitlines()[1:]
    swaps = tuple(line.split()[0] for line in lines if line.strip())
    return HostMemory(None, memory_errors(reading, "ue"), memory_errors(reading, "ce"), swaps)


def tuning(reading: Reading) -> dict[str, str]:
    """Return what makes equal machines run unequally; what is not there is left out."""
    found = {
        "numa_nodes": str(reading.host.numa_nodes),
        "iommu": "on" if reading.host.iommu_groups else "off",
    }
    if reading.host.governors:
        found["governor"] = ", ".join(sorted(reading.host.governors))
    for name, path in (
        ("clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        ("hugepages", "/proc/sys/vm/nr_hugepages"),
    ):
        if reading.has(path):
            found[name] = reading.file(path).strip()
    if reading.has("/sys/kernel/mm/transparent_hugepage/enabled"):
        chosen = re.search(r"\[(\w+)\]", reading.file("/sys/kernel/mm/transparent_hugepage/enabled"))
        found |= {"transparent_hugepages": chosen[1]} if chosen else {}
    return found


def stuck(reading: Reading) -> tuple[Stuck, ...]:
    """Return processes that do not run."""
    return tuple(
        Stuck(row.name, "Z" if row.state == "Z" else "D", row.age_s)
        for row in reading.host.stuck
        if row.state in {"Z", "D"}
    )


def bmc(reading: Reading) -> Bmc:
    """Return log and sensors of the BMC. Untold: there is none, or its driver is not loaded."""
    if not reading.ran("sel"):
        raise Untold("there is no /dev/ipmi0: no BMC, or its driver is not loaded", "missing")
    rows = [[word.strip() for word in line.split("|")] for line in reading.command("sel").splitlines()]
    events = tuple(
        SelEvent(f"{row[1]} {row[2]}", row[3], row[4], row[-1] != "Deasserted")
        for row in rows
        if len(row) >= 5
    )
    cells = [[word.strip() for word in line.split("|")] for line in reading.command("sdr").splitlines()]
    sensors = tuple(Sensor(row[0], row[2], row[4]) for row in cells if len(row) == 5)
    return Bmc(events[-_MANY_EVENTS:], sensors)
