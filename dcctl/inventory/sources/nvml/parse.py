"""What an NVML document means: accelerators, how many there are, and gaps. Pure."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.inventory.model import Accelerator, Ecc, NvLink, Pcie, Process
from dcctl.inventory.sources.machine.cgroup import job_id, pod_uid
from dcctl.inventory.sources.nvml.facts import NvmlGpu
from dcctl.inventory.sources.nvml.gaps import MAX_BOARDS, believed_percent, gaps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.inventory.model import Gap
    from dcctl.inventory.sources.nvml.facts import (
        NvmlDocument,
        NvmlLink,
        NvmlProcess,
        NvmlSlice,
    )

# nvml.h: nvmlClocksEventReason* (ThrottleReason* before driver 535), bit by bit, written as nvidia-smi's
# query names.
THROTTLE_REASONS = (
    "gpu_idle",
    "applications_clocks_setting",
    "sw_power_cap",
    "hw_slowdown",
    "sync_boost",
    "sw_thermal_slowdown",
    "hw_thermal_slowdown",
    "hw_power_brake_slowdown",
    "display_clock_setting",
    "board_limit",
    "reliability",
)
VGPU_GUEST = 2
_FABRIC_COMPLETED = 3


class Reading(NamedTuple):
    """What `parse` returns."""

    accelerators: tuple[Accelerator, ...] | None
    """None: NVML did not come up, or tells of no board where there are some, so nobody knows. Whole boards
    first, in order of index, then slices."""
    counts: dict[str, int]
    """Number of boards under the key `nvml`; empty when NVML did not come up."""
    gaps: tuple[Gap, ...]


def parse(document: NvmlDocument, source: str, node: str, on_bus: int | None = None) -> Reading:
    """What NVML knows of the boards of `node`, with a gap named after `source` for all that it failed to say.

    A board that was counted and not read stays in the list with its index alone, so that nothing vanishes.
    `on_bus` is the number of NVIDIA boards on the PCI bus that are not handed to a virtual machine (None:
    nobody looked): a missing library or driver is a gap only where there are boards.
    """
    gaps = gaps_of(document, source, node, on_bus)
    if document.count is None or not 0 <= document.count <= MAX_BOARDS:
        absent = on_bus == 0 and bool(document.errors) and not gaps
        return Reading(() if absent else None, {}, gaps)
    if document.count == 0 and on_bus:
        return Reading(None, {"nvml": 0}, gaps)
    read = {gpu.index: gpu for gpu in document.gpus}
    boards = [read.get(index) or NvmlGpu(index=index) for index in range(document.count)]
    slices = [slice_ for gpu in boards for slice_ in _slices(gpu)]
    return Reading((*map(_board, boards), *_numbered(slices)), {"nvml": document.count}, gaps)


def cuda_version(number: int | None) -> str | None:
    """`12.4` for 12040, as nvmlSystemGetCudaDriverVersion packs it."""
    return None if not number else f"{number // 1000}.{number % 1000 // 10}"


def throttle_reasons(mask: int | None) -> tuple[str, ...] | None:
    """Names of the bits that are set, lowest first; a bit that nvml.h does not name yet is `bit_N`."""
    if mask is None:
        return None
    names = dict(enumerate(THROTTLE_REASONS))
    return tuple(names.get(bit, f"bit_{bit}") for bit in range(mask.bit_length()) if mask >> bit & 1)


def pci_address(text: str | None) -> str | None:
    """`0000:3b:00.0` for NVML's `00000000:3B:00.0`; None for the all-ones or all-zero address (hidden)."""
    found = re.fullmatch(r"([0-9a-f]+):([0-9a-f]{2}):([0-9a-f]{2})\.([0-9a-f])", (text or "").strip().lower())
    if found is None:
        return None
    domain, rest = int(found[1], 16), f"{found[2]}:{found[3]}.{found[4]}"
    hidden = domain == 0xFFFFFFFF or (domain == 0 and rest == "00:00.0")
    return None if hidden else f"{domain:04x}:{rest}"


def mig_profile(part: NvmlSlice, board_bytes: int | None) -> str | None:
    """`1g.10gb`, or `1c.3g.40gb` for a part of a GPU instance: from its name, else from its attributes.

    The size is what nvidia-smi and the device plugin print: the share of the board rounded up to eighths,
    times the board in GiB rounded up.
    """
    _, marker, name = (part.name or "").rpartition("MIG ")
    if marker and name:
        return name.strip()
    if not (part.gpu_slices and part.memory_total_bytes and board_bytes):
        return None
    eighths = -(-part.memory_total_bytes * 8 // board_bytes)
    gib = round(eighths / 8 * -(-board_bytes // 2**30))
    partial = part.compute_slices and part.compute_slices != part.gpu_slices
    return f"{part.compute_slices}c.{part.gpu_slices}g.{gib}gb" if partial else f"{part.gpu_slices}g.{gib}gb"


def _board(gpu: NvmlGpu) -> Accelerator:
    guest = gpu.virtualization == VGPU_GUEST
    return Accelerator(
        index=gpu.index,
        id=gpu.uuid,
        kind="vgpu" if guest else "whole",
        profile=_vgpu_profile(gpu.name) if guest else None,
        model=gpu.name,
        serial=gpu.serial,
        memory_bytes=gpu.memory_total_bytes,
        memory_used_bytes=gpu.memory_used_bytes,
        busy_milli=_times(believed_percent(gpu.gpu_percent), 10),
        memory_busy_milli=_times(believed_percent(gpu.memory_percent), 10),
        power_mw=gpu.power_mw,
        power_cap_mw=gpu.power_limit_mw,
        power_default_cap_mw=gpu.power_default_limit_mw,
        energy_mj=gpu.energy_mj,
        sm_clock_hz=_times(gpu.sm_clock_mhz, 1_000_000),
        sm_clock_max_hz=_times(gpu.sm_clock_max_mhz, 1_000_000),
        memory_clock_hz=_times(gpu.memory_clock_mhz, 1_000_000),
        temperature_c=gpu.temperature_c,
        memory_temperature_c=gpu.memory_temperature_c,
        temperature_limit_c=gpu.slowdown_c,
        throttle=throttle_reasons(gpu.throttle_mask),
        performance_state=gpu.performance_state,
        numa_node=gpu.numa_node,
        mig_enabled=gpu.mig_enabled,
        nvlink_domain=nvlink_domain(gpu),
        ecc=_ecc(gpu),
        pcie=_pcie(gpu),
        nvlinks=tuple(_link(link) for link in gpu.nvlinks),
        processes=_processes(gpu.processes),
    )


def _slices(gpu: NvmlGpu) -> Iterable[Accelerator]:
    yield from (_mig(gpu, part) for part in gpu.mig)
    yield from (_vgpu(gpu, part) for part in gpu.vgpus)


def _numbered(slices: Sequence[Accelerator]) -> Iterable[Accelerator]:
    """Slices are numbered within their board by NVML; the model wants them unique on the node, per kind."""
    numbers = {"mig": count(), "vgpu": count()}
    return (replace(slice_, index=next(numbers[slice_.kind])) for slice_ in slices)


def _mig(gpu: NvmlGpu, part: NvmlSlice) -> Accelerator:
    profile = mig_profile(part, gpu.memory_total_bytes)
    inside = gpu.processes and tuple(
        process
        for process in gpu.processes
        if (process.gpu_instance, process.compute_instance) == (part.gpu_instance, part.compute_instance)
    )
    return Accelerator(
        index=part.index,
        id=part.uuid,
        resource=f"nvidia.com/mig-{profile.replace('+', '.')}" if profile else "nvidia.com/gpu",
        kind="mig",
        parent=gpu.uuid,
        profile=profile,
        model=gpu.name,
        memory_bytes=part.memory_total_bytes,
        memory_used_bytes=part.memory_used_bytes,
        numa_node=gpu.numa_node,
        processes=_processes(inside),
    )


def _vgpu(gpu: NvmlGpu, part: NvmlSlice) -> Accelerator:
    return Accelerator(
        index=part.index,
        id=part.uuid,
        kind="vgpu",
        parent=gpu.uuid,
        profile=_vgpu_profile(part.name),
        model=gpu.name,
        memory_bytes=part.memory_total_bytes,
        memory_used_bytes=part.memory_used_bytes,
        numa_node=gpu.numa_node,
    )


def _vgpu_profile(name: str | None) -> str | None:
    """`L40S-12Q` for `NVIDIA L40S-12Q`."""
    return name.split()[-1] if name else None


def _processes(rows: tuple[NvmlProcess, ...] | None) -> tuple[Process, ...] | None:
    if rows is None:
        return None
    unique = {(row.pid, row.gpu_instance, row.compute_instance): row for row in rows}
    return tuple(
        Process(
            pid=row.pid,
            name=row.name,
            user=row.user,
            memory_bytes=row.memory_bytes,
            pod_uid=pod_uid(row.cgroup),
            job_id=job_id(row.cgroup),
        )
        for _, row in sorted(unique.items(), key=lambda item: item[0][0])
    )


def _ecc(gpu: NvmlGpu) -> Ecc | None:
    ecc = Ecc(
        enabled=gpu.ecc_enabled,
        volatile_corrected=gpu.ecc_volatile_corrected,
        volatile_uncorrected=gpu.ecc_volatile_uncorrected,
        aggregate_corrected=gpu.ecc_aggregate_corrected,
        aggregate_uncorrected=gpu.ecc_aggregate_uncorrected,
        remapped_corrected_rows=gpu.remapped_corrected,
        remapped_uncorrected_rows=gpu.remapped_uncorrected,
        remap_pending=gpu.remap_pending,
        remap_failed=gpu.remap_failed,
        retired_pages=gpu.retired_pages,
    )
    return None if ecc == Ecc() else ecc


def _pcie(gpu: NvmlGpu) -> Pcie | None:
    pcie = Pcie(
        address=pci_address(gpu.pci_address),
        generation=gpu.pcie_generation,
        width=gpu.pcie_width,
        max_generation=gpu.pcie_max_generation,
        max_width=gpu.pcie_max_width,
        replays=gpu.pcie_replays,
    )
    return None if pcie == Pcie() else pcie


def _link(link: NvmlLink) -> NvLink:
    return NvLink(
        index=link.index,
        up=link.active,
        version=link.version,
        remote=pci_address(link.remote),
        errors=link.errors,
    )


def nvlink_domain(gpu: NvmlGpu) -> str | None:
    """`cluster-uuid.clique`, as in the label nvidia.com/gpu.clique; None within one node (cluster zero)."""
    if gpu.fabric_state != _FABRIC_COMPLETED or not (gpu.fabric_cluster or "").strip("0-"):
        return None
    return f"{gpu.fabric_cluster}.{gpu.fabric_clique or 0}"


def _times(value: int | None, factor: int) -> int | None:
    return None if value is None else value * factor
