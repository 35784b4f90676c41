"""What the raw readings of a machine mean: `Facts` to a `Node`. Pure."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from dcctl.inventory.model import Gap, Node, NodeUse, Resources, System
from dcctl.inventory.sources.machine.cgroup import cpu_limit_milli, memory_limit_bytes
from dcctl.inventory.sources.machine.devices import parse_disks, parse_mounts, parse_nics, parse_pci
from dcctl.inventory.sources.machine.figures import number, scaled
from dcctl.inventory.sources.machine.vendors import on_bus
from dcctl.inventory.sources.nvml.facts import NvmlDocument
from dcctl.inventory.sources.nvml.parse import Reading, cuda_version
from dcctl.inventory.sources.nvml.parse import parse as parse_nvml
from dcctl.inventory.uuids import uuid_key

if TYPE_CHECKING:
    from dcctl.inventory.model import Accelerator
    from dcctl.inventory.sources.machine.facts import CpuFacts, Facts

# What firmware says, in lower case, when its maker wrote nothing. Taken for true it would merge machines.
_NO_WORDS = re.compile(
    r"to be filled|default string|not (specified|applicable|present|available)"
    r"|system (serial|product|manufacturer)"
    r"|^(none|unknown|n/?a|empty|o\.?e\.?m\.?|0+|0?123456789|x+|\.+)$"
)
_STAT_FIELDS = 8
"""user nice system idle iowait irq softirq steal; guest, which follows, is part of user (proc_stat(5))."""


def parse_facts(facts: Facts, source: str = "local") -> Node:
    """The node that these readings describe; a reading that is not there is None, never zero.

    Accelerators: those of NVML where it was asked, and of other vendors what the PCI bus tells. None when
    there are NVIDIA boards and NVML was not asked; empty when the bus was looked at and has none.
    """
    nvml = _nvml(facts, source)
    return Node(
        name=facts.hostname or "localhost",
        aliases=tuple(alias for alias in facts.aliases if alias and alias != facts.hostname),
        sources=(source,),
        system_uuid=_system_uuid(facts.dmi.get("product_uuid")),
        capacity=_capacity(facts),
        allocatable=_allocatable(facts),
        use=_use(facts),
        system=_system(facts),
        accelerators=_accelerators(facts, nvml),
        accelerator_counts=_accelerator_counts(facts, nvml),
        nics=None if facts.nics is None else parse_nics(facts.nics),
        disks=None if facts.disks is None else parse_disks(facts.disks),
        mounts=None if facts.mounts is None else parse_mounts(facts.mounts),
    )


def parse_gaps(facts: Facts, source: str = "local") -> tuple[Gap, ...]:
    """A gap for each thing that the reader asked in vain, NVML's included."""
    node = facts.hostname or "localhost"
    unread = tuple(
        Gap(source, f"{node} {row.subject}", row.reason, row.cause, node=node) for row in facts.unread
    )
    return unread + _nvml(facts, source).gaps


def _system(facts: Facts) -> System:
    cpu, nvml = facts.cpu, facts.nvml or NvmlDocument()
    return System(
        vendor=_word(facts.dmi.get("sys_vendor")),
        product=_word(facts.dmi.get("product_name")),
        serial=_word(facts.dmi.get("product_serial")),
        cpu_model=" ".join(cpu.model.split()) if cpu and cpu.model else None,
        sockets=cpu.sockets if cpu else None,
        cores=cpu.cores if cpu else None,
        threads=cpu.threads if cpu else None,
        numa_nodes=cpu.numa_nodes if cpu else None,
        architecture=facts.architecture,
        kernel=facts.kernel,
        os=_os_name(facts.os_release),
        uptime_s=scaled(facts.uptime_s, 1),
        boot_id=_word(facts.boot_id),
        machine_id=_word(facts.machine_id),
        driver=nvml.driver,
        cuda=cuda_version(nvml.cuda),
    )


def _capacity(facts: Facts) -> Resources | None:
    root = next((mount.size_bytes for mount in facts.mounts or () if mount.path == "/"), None)
    found = Resources(
        cpu_milli=_cpu_milli(facts.cpu), memory_bytes=facts.memory_total_bytes, storage_bytes=root
    )
    return None if found == Resources() else found


def _cpu_milli(cpu: CpuFacts | None) -> int | None:
    return cpu.threads * 1000 if cpu and cpu.threads else None


def _allocatable(facts: Facts) -> Resources | None:
    """What a container or a slice may use of the machine; None when no limit is below what there is."""
    cpu, memory = cpu_limit_milli(facts.cgroup_cpu_max), memory_limit_bytes(facts.cgroup_memory_max)
    threads, total = _cpu_milli(facts.cpu), facts.memory_total_bytes
    if cpu is not None and threads is not None and cpu >= threads:
        cpu = None
    if memory is not None and total is not None and memory >= total:
        memory = None
    if cpu is None and memory is None:
        return None
    return Resources(
        cpu_milli=threads if cpu is None else cpu, memory_bytes=total if memory is None else memory
    )


def _use(facts: Facts) -> NodeUse | None:
    total, available = facts.memory_total_bytes, facts.memory_available_bytes
    use = NodeUse(
        cpu_milli=_busy_milli(facts.cpu_stat, _cpu_milli(facts.cpu)),
        memory_bytes=None if total is None or available is None else max(0, total - available),
        load1_milli=scaled(facts.load1, 1000),
        cpu_pressure_milli=_pressure_milli(facts.pressure.get("cpu")),
        memory_pressure_milli=_pressure_milli(facts.pressure.get("memory")),
        io_pressure_milli=_pressure_milli(facts.pressure.get("io")),
    )
    return None if use == NodeUse() else use


def _busy_milli(lines: tuple[str, ...], cpu_milli: int | None) -> int | None:
    """Thousandths of a CPU in use between the first and the last of these lines of /proc/stat."""
    ticks = [_ticks(line) for line in lines]
    if len(ticks) < 2 or cpu_milli is None or not all(ticks):
        return None
    spent = [max(0, new - old) for old, new in zip(ticks[0], ticks[-1], strict=True)]
    total, idle = sum(spent), spent[3] + spent[4]
    return None if total == 0 else cpu_milli * (total - idle) // total


def _ticks(line: str) -> tuple[int, ...]:
    words = line.split()[1 : 1 + _STAT_FIELDS]
    ticks = tuple(tick for tick in map(number, words) if tick is not None)
    return ticks if len(ticks) == _STAT_FIELDS else ()


def _pressure_milli(text: str | None) -> int | None:
    """`some avg60`, a percentage in the file, in thousandths."""
    found = re.search(r"^some .*\bavg60=(\d+(?:\.\d+)?)", text or "", re.MULTILINE)
    return scaled(found[1], 10) if found else None


def _accelerators(facts: Facts, nvml: Reading) -> tuple[Accelerator, ...] | None:
    bus = None if facts.pci is None else parse_pci(facts.pci)
    others = tuple(board for board in bus or () if board.vendor != "nvidia")
    if nvml.accelerators is not None:
        return nvml.accelerators + others
    return None if bus is None or len(others) != len(bus) else others


def _accelerator_counts(facts: Facts, nvml: Reading) -> dict[str, int]:
    counts = {} if facts.pci is None else {"pci": len(parse_pci(facts.pci))}
    return counts | nvml.counts


def _nvml(facts: Facts, source: str) -> Reading:
    if facts.nvml is None:
        return Reading(None, {}, ())
    return parse_nvml(facts.nvml, source, facts.hostname or "localhost", on_bus(facts.pci))


def _system_uuid(text: str | None) -> str | None:
    """Lower case, as Kubernetes writes it; None for what firmware writes when it has none."""
    word = (text or "").strip().lower()
    valid = re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", word)
    return word if valid and uuid_key(word) else None


def _word(text: str | None) -> str | None:
    word = (text or "").strip()
    return None if not word or _NO_WORDS.search(word.lower()) else word


def _os_name(text: str | None) -> str | None:
    found = re.search(r"^PRETTY_NAME=(.*)$", text or "", re.MULTILINE)
    if found is None:
        return None
    try:
        return " ".join(shlex.split(found[1])) or None
    except ValueError:
        return found[1].strip("\"' ") or None
