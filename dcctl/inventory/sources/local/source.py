"""The machine that dcctl runs on: what psutil, /proc, /sys and /etc/os-release tell of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.model import Fleet
from dcctl.inventory.probes.rules import (
    CPU_SAMPLE_S,
    CPUINFO_BYTES,
    DMI_FILES,
    PRESSURE_FILES,
    QUOTA_FILES,
    aliases,
    count_list,
)
from dcctl.inventory.sources.local.devices import read_disks, read_nics
from dcctl.inventory.sources.local.mounts import measured, partitions
from dcctl.inventory.sources.machine.facts import CpuFacts, Facts
from dcctl.inventory.sources.machine.parse import parse_facts, parse_gaps
from dcctl.inventory.sources.machine.pci import read_pci
from dcctl.inventory.sources.machine.sysfs import entries, text, texts

if TYPE_CHECKING:
    from collections.abc import Callable


class LocalSource:
    """The machine that dcctl runs on. Needs no network and no rights."""

    kind = "local"
    name = "local"

    def __init__(
        self,
        root: Path = Path("/"),
        mount_deadline_s: float = 2.0,
        measure: Callable[[str], tuple[int, int]] | None = None,
    ) -> None:
        """`root` is where proc and sys are; `measure` gives size and free bytes of a path (None: statvfs)."""
        self.root = root
        self.mount_deadline_s = mount_deadline_s
        self.measure = _measure if measure is None else measure

    def collect(self) -> Fleet:
        """A fleet of this one node, with a gap for each mount that did not answer; takes CPU_SAMPLE_S."""
        facts = self.read()
        return Fleet(nodes=(parse_facts(facts, self.name),), gaps=parse_gaps(facts, self.name))

    def read(self) -> Facts:
        """The raw readings; all else is read between the two looks at the processor's clock ticks."""
        before, started = _stat_line(self.root), time.monotonic()
        facts = self._mounts(_devices(_kernel(self.root), self.root))
        time.sleep(max(0.0, started + CPU_SAMPLE_S - time.monotonic()))
        return replace(facts, cpu_stat=(before, _stat_line(self.root)))

    def _mounts(self, facts: Facts) -> Facts:
        import psutil

        rows = partitions(
            (row.mountpoint, row.device, row.fstype) for row in psutil.disk_partitions(all=True)
        )
        mounts, unread = measured(rows, self.measure, self.mount_deadline_s)
        return replace(facts, mounts=mounts, unread=facts.unread + unread)


def _measure(path: str) -> tuple[int, int]:
    import psutil

    usage = psutil.disk_usage(path)
    return usage.total, usage.free


def _kernel(root: Path) -> Facts:
    """What the kernel and the files of the system say of themselves."""
    import psutil

    memory = psutil.virtual_memory()
    hostname = text(root / "proc/sys/kernel/hostname")
    loads, uptime = text(root / "proc/loadavg"), text(root / "proc/uptime")
    quota = texts(root / "sys/fs/cgroup/cpu", QUOTA_FILES)
    return Facts(
        hostname=hostname,
        aliases=tuple(aliases(hostname or "", text(root / "etc/hosts") or "")),
        architecture=text(root / "proc/sys/kernel/arch") or os.uname().machine,
        kernel=text(root / "proc/sys/kernel/osrelease"),
        os_release=text(root / "etc/os-release") or text(root / "usr/lib/os-release"),
        boot_id=text(root / "proc/sys/kernel/random/boot_id"),
        machine_id=text(root / "etc/machine-id"),
        uptime_s=_first(uptime),
        load1=_first(loads),
        memory_total_bytes=memory.total,
        memory_available_bytes=memory.available,
        pressure=texts(root / "proc/pressure", PRESSURE_FILES),
        cgroup_cpu_max=text(root / "sys/fs/cgroup/cpu.max") or " ".join(quota.values()) or None,
        cgroup_memory_max=text(root / "sys/fs/cgroup/memory.max")
        or text(root / "sys/fs/cgroup/memory/memory.limit_in_bytes"),
    )


def _devices(facts: Facts, root: Path) -> Facts:
    return replace(
        facts,
        dmi=texts(root / "sys/class/dmi/id", DMI_FILES),
        cpu=read_cpu(root),
        nics=read_nics(root),
        disks=read_disks(root),
        pci=read_pci(root),
    )


def _first(numbers: str | None) -> float | None:
    """First of the numbers of a file of /proc."""
    return float(numbers.split()[0]) if numbers else None


def _stat_line(root: Path) -> str:
    return (text(root / "proc/stat") or "").partition("\n")[0]


def read_cpu(root: Path) -> CpuFacts:
    """Processors that are online, and how they are put together."""
    import psutil

    base = root / "sys/devices/system"
    ids = ("physical_package_id", "die_id", "core_id")
    cpus = [path / "topology" for path in entries(base / "cpu") if path.name[3:].isdigit()]
    cores = {tuple(found.values()) for found in (texts(cpu, ids) for cpu in cpus) if "core_id" in found}
    nodes = [path for path in entries(base / "node") if path.name[4:].isdigit()]
    return CpuFacts(
        model=_cpu_model(root / "proc/cpuinfo"),
        sockets=len({core[0] for core in cores}) or None,
        cores=len(cores) or psutil.cpu_count(logical=False),
        threads=count_list(text(base / "cpu/online")) or psutil.cpu_count(),
        numa_nodes=len(nodes) or None,
    )


def _cpu_model(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            head = file.read(CPUINFO_BYTES).decode(errors="replace")
    except OSError:
        return None
    named = (line.partition(":")[2].strip() for line in head.splitlines() if line.startswith("model name"))
    return next(named, None)
