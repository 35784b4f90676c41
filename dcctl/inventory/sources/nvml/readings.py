"""What is read of one NVML board, and how: one function for each group of fields of `facts.NvmlGpu`.

Used in the child process alone: any of these calls may never return.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pynvml as nv

from dcctl.inventory.probes.rules import ABSENT, LOST, NO_INSTANCE, NVLINK_SPEED
from dcctl.inventory.sources.nvml.condition import CONDITION, field_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Handle: TypeAlias = object
Row: TypeAlias = "dict[str, object]"
_MIB = 1 << 20

# Fields that are the result of one call: name, function, further arguments.
_SINGLE: tuple[tuple[str, Callable[..., object], tuple[int, ...]], ...] = (
    ("uuid", nv.nvmlDeviceGetUUID, ()),
    ("name", nv.nvmlDeviceGetName, ()),
    ("serial", nv.nvmlDeviceGetSerial, ()),
    ("power_mw", nv.nvmlDeviceGetPowerUsage, ()),
    ("power_limit_mw", nv.nvmlDeviceGetEnforcedPowerLimit, ()),
    ("power_default_limit_mw", nv.nvmlDeviceGetPowerManagementDefaultLimit, ()),
    ("energy_mj", nv.nvmlDeviceGetTotalEnergyConsumption, ()),
    ("sm_clock_mhz", nv.nvmlDeviceGetClockInfo, (nv.NVML_CLOCK_SM,)),
    ("sm_clock_max_mhz", nv.nvmlDeviceGetMaxClockInfo, (nv.NVML_CLOCK_SM,)),
    ("memory_clock_mhz", nv.nvmlDeviceGetClockInfo, (nv.NVML_CLOCK_MEM,)),
    ("slowdown_c", nv.nvmlDeviceGetTemperatureThreshold, (nv.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN,)),
    ("memory_max_c", nv.nvmlDeviceGetTemperatureThreshold, (nv.NVML_TEMPERATURE_THRESHOLD_MEM_MAX,)),
    ("app_sm_clock_mhz", nv.nvmlDeviceGetApplicationsClock, (nv.NVML_CLOCK_SM,)),
    ("default_sm_clock_mhz", nv.nvmlDeviceGetDefaultApplicationsClock, (nv.NVML_CLOCK_SM,)),
    ("compute_mode", nv.nvmlDeviceGetComputeMode, ()),
    ("vbios", nv.nvmlDeviceGetVbiosVersion, ()),
    ("gsp", nv.nvmlDeviceGetGspFirmwareVersion, ()),
    ("performance_state", nv.nvmlDeviceGetPerformanceState, ()),
    ("virtualization", nv.nvmlDeviceGetVirtualizationMode, ()),
    ("pcie_generation", nv.nvmlDeviceGetCurrPcieLinkGeneration, ()),
    ("pcie_width", nv.nvmlDeviceGetCurrPcieLinkWidth, ()),
    ("pcie_max_generation", nv.nvmlDeviceGetMaxPcieLinkGeneration, ()),
    ("pcie_max_width", nv.nvmlDeviceGetMaxPcieLinkWidth, ()),
    ("pcie_replays", nv.nvmlDeviceGetPcieReplayCounter, ()),
    (
        "ecc_dram_uncorrected",
        nv.nvmlDeviceGetMemoryErrorCounter,
        (1, nv.NVML_VOLATILE_ECC, nv.NVML_MEMORY_LOCATION_DRAM),
    ),
    (
        "ecc_sram_uncorrected",
        nv.nvmlDeviceGetMemoryErrorCounter,
        (1, nv.NVML_VOLATILE_ECC, nv.NVML_MEMORY_LOCATION_SRAM),
    ),
    ("ecc_volatile_corrected", nv.nvmlDeviceGetTotalEccErrors, (0, nv.NVML_VOLATILE_ECC)),
    ("ecc_volatile_uncorrected", nv.nvmlDeviceGetTotalEccErrors, (1, nv.NVML_VOLATILE_ECC)),
    ("ecc_aggregate_corrected", nv.nvmlDeviceGetTotalEccErrors, (0, nv.NVML_AGGREGATE_ECC)),
    ("ecc_aggregate_uncorrected", nv.nvmlDeviceGetTotalEccErrors, (1, nv.NVML_AGGREGATE_ECC)),
)


def error_row(call: str, error: nv.NVMLError) -> Row:
    """An `facts.NvmlError`."""
    return {"call": call, "code": error.value, "text": str(error)}


def add(row: Row, errors: list[Row], call: str, read: Callable[[], Row]) -> bool:
    """Add what `read` gives to `row`; an error is kept apart. False when the board is beyond answering."""
    try:
        row.update(read())
    except nv.NVMLError as error:
        if error.value not in ABSENT:
            errors.append(error_row(call, error))
        return error.value not in LOST
    return True


def readings(handle: Handle) -> Iterator[tuple[str, Callable[[], Row]]]:
    """What is read of a board: identity first, so that a failure later on has a name; processes last."""
    yield "pci_address", partial(_pci, handle)
    for field, function, arguments in _SINGLE:
        yield field, partial(_single, field, function, handle, *arguments)
    for call, read in _GROUPS:
        yield call, partial(read, handle)


def _single(field: str, function: Callable[..., object], handle: Handle, *arguments: int) -> Row:
    value = function(handle, *arguments)
    return {field: _text(value) if isinstance(value, bytes) else value}


def _first(*calls: Callable[[], object]) -> object:
    """The answer of the first call that this driver knows; the last one's error when it knows none."""
    for call in calls[:-1]:
        try:
            return call()
        except nv.NVMLError as error:
            if error.value not in ABSENT:
                raise
    return calls[-1]()


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _pci(handle: Handle) -> Row:
    """The address, and the NUMA node of the slot: NVML's own NUMA node is that of coherent GPU memory."""
    address = _text(nv.nvmlDeviceGetPciInfo(handle).busId)
    row: Row = {"pci_address": address}
    # NVML writes the domain with eight digits, sysfs with four.
    node = Path("/sys/bus/pci/devices", address.lower()[-12:], "numa_node")
    try:
        number = int(node.read_text())
    except (OSError, ValueError):
        return row
    return {**row, "numa_node": number} if number >= 0 else row


def _memory(handle: Handle) -> Row:
    """Version 2 tells what is reserved for the driver apart from what is used."""
    memory = _first(
        lambda: nv.nvmlDeviceGetMemoryInfo(handle, nv.nvmlMemory_v2),
        lambda: nv.nvmlDeviceGetMemoryInfo(handle),
    )
    return {
        "memory_total_bytes": getattr(memory, "total", None),
        "memory_used_bytes": getattr(memory, "used", None),
    }


def _utilization(handle: Handle) -> Row:
    rates = nv.nvmlDeviceGetUtilizationRates(handle)
    return {"gpu_percent": rates.gpu, "memory_percent": rates.memory}


def _temperature(handle: Handle) -> Row:
    gpu = nv.NVML_TEMPERATURE_GPU
    return {
        "temperature_c": _first(
            lambda: nv.nvmlDeviceGetTemperature(handle, gpu),
            lambda: nv.nvmlDeviceGetTemperatureV(handle, gpu),
        )
    }


def _memory_temperature(handle: Handle) -> Row:
    celsius = field_value(handle, nv.NVML_FI_DEV_MEMORY_TEMP, 0)
    return {} if celsius is None else {"memory_temperature_c": celsius}


def _throttle(handle: Handle) -> Row:
    mask = _first(
        lambda: nv.nvmlDeviceGetCurrentClocksEventReasons(handle),
        lambda: nv.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
    )
    return {"throttle_mask": mask}


def _persistence(handle: Handle) -> Row:
    return {"persistence": bool(nv.nvmlDeviceGetPersistenceMode(handle))}


def _ecc_mode(handle: Handle) -> Row:
    now, pending = nv.nvmlDeviceGetEccMode(handle)
    return {"ecc_enabled": bool(now), "ecc_pending": bool(pending)}


def _remapped(handle: Handle) -> Row:
    corrected, uncorrected, pending, failed = nv.nvmlDeviceGetRemappedRows(handle)
    return {
        "remapped_corrected": corrected,
        "remapped_uncorrected": uncorrected,
        "remap_pending": bool(pending),
        "remap_failed": bool(failed),
    }


def _retired(handle: Handle) -> Row:
    return {"retired_pages": sum(len(nv.nvmlDeviceGetRetiredPages(handle, cause)) for cause in (0, 1))}


def _fabric(handle: Handle) -> Row:
    def newer() -> object:
        info = nv.c_nvmlGpuFabricInfo_v2_t()
        nv.nvmlDeviceGetGpuFabricInfoV(handle, nv.byref(info))
        return info

    def older() -> object:
        info = nv.c_nvmlGpuFabricInfo_t()
        nv.nvmlDeviceGetGpuFabricInfo(handle, nv.byref(info))
        return info

    info = _first(newer, older)
    cluster = bytes(getattr(info, "clusterUuid", b"")).hex()
    parts = (cluster[:8], cluster[8:12], cluster[12:16], cluster[16:20], cluster[20:])
    return {
        "fabric_state": getattr(info, "state", None),
        "fabric_cluster": "-".join(parts),
        "fabric_clique": getattr(info, "cliqueId", None),
        "fabric_status": getattr(info, "status", None),
        "fabric_health": getattr(info, "healthMask", None),
    }


def _nvlinks(handle: Handle) -> Row:
    links = []
    for index in range(nv.NVML_NVLINK_MAX_LINKS):
        try:
            active = bool(nv.nvmlDeviceGetNvLinkState(handle, index))
        except nv.NVMLError as error:
            # INVALID_ARGUMENT: past the last link of this board; NOT_SUPPORTED: no NVLink, or a link not
            # fitted.
            if error.value not in ABSENT:
                raise
            if error.value == nv.NVML_ERROR_INVALID_ARGUMENT or index == 0:
                break
            continue
        links.append(_link(handle, index, active))
    return {"nvlinks": links} if links else {}


def _link(handle: Handle, index: int, active: bool) -> Row:
    row: Row = {"index": index, "active": active}
    if active:
        add(row, [], "version", lambda: {"version": nv.nvmlDeviceGetNvLinkVersion(handle, index)})
        add(row, [], "remote", lambda: {"remote": _remote(handle, index)})
    speed = field_value(handle, NVLINK_SPEED, index)
    return {**row, **({} if speed is None else {"speed_mbps": speed}), **_link_errors(handle, index)}


def _remote(handle: Handle, index: int) -> str:
    return _text(nv.nvmlDeviceGetNvLinkRemotePciInfo(handle, index).busId)


def _link_errors(handle: Handle, index: int) -> Row:
    """Replays, recoveries, CRC and the sum: by the older calls, else by the fields that replace them."""
    counts: dict[int, int] = {}
    for counter in range(nv.NVML_NVLINK_ERROR_DL_ECC_DATA):
        row: Row = {}
        add(row, [], "", partial(_single, "n", nv.nvmlDeviceGetNvLinkErrorCounter, handle, index, counter))
        if isinstance(row.get("n"), int):
            counts[counter] = int(str(row["n"]))
    if not counts:
        first = nv.NVML_FI_DEV_NVLINK_ERROR_DL_REPLAY
        found = (field_value(handle, first + counter, index) for counter in range(3))
        counts = {counter: number for counter, number in enumerate(found) if number is not None}
    crc = [counts[counter] for counter in (2, 3) if counter in counts]
    row = {"replays": counts.get(0), "recoveries": counts.get(1)}
    row |= {"crc": sum(crc) if crc else None, "errors": sum(counts.values()) if counts else None}
    return {name: value for name, value in row.items() if value is not None}


def _mig(handle: Handle) -> Row:
    now, pending = nv.nvmlDeviceGetMigMode(handle)
    row: Row = {"mig_enabled": bool(now), "mig_pending": bool(pending)}
    return {**row, "mig": [_mig_device(part, index) for index, part in _mig_handles(handle)]} if now else row


def _mig_handles(handle: Handle) -> Iterator[tuple[int, Handle]]:
    for index in range(nv.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            yield index, nv.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
        except nv.NVMLError as error:
            if error.value not in (*ABSENT, nv.NVML_ERROR_NOT_FOUND):
                raise


def _mig_device(part: Handle, index: int) -> Row:
    row: Row = {"index": index}
    for field, function in (
        ("uuid", nv.nvmlDeviceGetUUID),
        ("name", nv.nvmlDeviceGetName),
        ("gpu_instance", nv.nvmlDeviceGetGpuInstanceId),
        ("compute_instance", nv.nvmlDeviceGetComputeInstanceId),
    ):
        add(row, [], field, partial(_single, field, function, part))
    add(row, [], "attributes", lambda: _attributes(part))
    add(row, [], "memory", lambda: _memory(part))
    return row


def _attributes(part: Handle) -> Row:
    attributes = nv.nvmlDeviceGetAttributes(part)
    return {
        "gpu_slices": attributes.gpuInstanceSliceCount,
        "compute_slices": attributes.computeInstanceSliceCount,
        "memory_total_bytes": attributes.memorySizeMB * _MIB,
    }


def _vgpus(handle: Handle) -> Row:
    if nv.nvmlDeviceGetVirtualizationMode(handle) != nv.NVML_GPU_VIRTUALIZATION_MODE_HOST_VGPU:
        return {}
    instances = nv.nvmlDeviceGetActiveVgpus(handle)
    return {"vgpus": [_vgpu(instance, index) for index, instance in enumerate(instances)]}


def _vgpu(instance: int, index: int) -> Row:
    """Without its used memory: pynvml reads 32 of the 64 bits that nvmlVgpuInstanceGetFbUsage writes."""
    kind = nv.nvmlVgpuInstanceGetType(instance)
    return {
        "index": index,
        "uuid": nv.nvmlVgpuInstanceGetUUID(instance),
        "name": _text(nv.nvmlVgpuTypeGetName(kind)),
        "memory_total_bytes": nv.nvmlVgpuTypeGetFramebufferSize(kind),
    }


def _processes(handle: Handle) -> Row:
    """Contexts of all kinds; in MIG mode those of each device, since the board tells only root about them."""
    devices = [handle]
    if _mig_enabled(handle):
        devices = [part for _, part in _mig_handles(handle)] or devices
    rows: dict[tuple[object, ...], Row] = {}
    for process in chain.from_iterable(_contexts(device) for device in devices):
        rows.setdefault(
            (process["pid"], process.get("gpu_instance"), process.get("compute_instance")), process
        )
    return {"processes": [{**row, **_owner(row["pid"])} for row in rows.values()]}


def _mig_enabled(handle: Handle) -> bool:
    row: Row = {}
    add(row, [], "mig", lambda: {"on": nv.nvmlDeviceGetMigMode(handle)[0]})
    return bool(row.get("on"))


def _contexts(device: Handle) -> Iterator[Row]:
    for kind in ("Compute", "Graphics", "MPSCompute"):
        newer = getattr(nv, f"nvmlDeviceGet{kind}RunningProcesses_v3")
        older = getattr(nv, f"nvmlDeviceGet{kind}RunningProcesses_v2")
        try:
            found = _first(partial(newer, device), partial(older, device))
        except nv.NVMLError as error:
            if kind != "Compute" and error.value in ABSENT:
                continue
            raise
        yield from map(_process, found if isinstance(found, list) else ())


def _process(info: nv.nvmlFriendlyObject) -> Row:
    row: Row = {"pid": info.pid, "memory_bytes": info.usedGpuMemory}
    if info.gpuInstanceId != NO_INSTANCE:
        row["gpu_instance"] = info.gpuInstanceId
        row["compute_instance"] = info.computeInstanceId
    return row


def _owner(pid: object) -> Row:
    import psutil

    row: Row = {}
    try:
        process = psutil.Process(int(str(pid)))
        row = {"name": process.name(), "user": process.username()}
        row["cgroup"] = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace")
    except (psutil.Error, OSError):
        return row
    return row


_GROUPS: tuple[tuple[str, Callable[[Handle], Row]], ...] = (
    ("memory", _memory),
    ("utilization", _utilization),
    ("temperature_c", _temperature),
    ("memory_temperature_c", _memory_temperature),
    ("throttle_mask", _throttle),
    ("persistence", _persistence),
    ("ecc_enabled", _ecc_mode),
    *CONDITION,
    ("remapped rows", _remapped),
    ("retired_pages", _retired),
    ("mig", _mig),
    ("vgpus", _vgpus),
    ("fabric", _fabric),
    ("nvlinks", _nvlinks),
    ("processes", _processes),
)
