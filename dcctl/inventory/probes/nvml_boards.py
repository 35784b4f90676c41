"""Part of the node probe: what is read of each NVML board, in the shape of NvmlLine. Python 3.6 suffices."""

import ctypes
import os
import pwd
from typing import TYPE_CHECKING

from dcctl.inventory.probes.nvml_calls import (
    U32,
    U64,
    FabricInfo,
    FabricInfoV2,
    Memory,
    MemoryV2,
    Nvml,
    NvmlLostError,
    PciInfo,
    ProcessInfo,
    SliceAttributes,
    Temperature,
    ViolationTime,
    version,
)
from dcctl.inventory.probes.rules import (
    CORRUPTED_INFOROM,
    FUNCTION_NOT_FOUND,
    LIBRARY_NOT_FOUND,
    NO_INSTANCE,
    NVLINK_SPEED,
    NVML_FOLDERS,
    NVML_LIBRARY,
    RECOVERY_ACTION,
    VIOLATIONS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

INSUFFICIENT_SIZE = 7
MAX_LINKS = 36
MEMORY_TEMPERATURE = 82
LINK_ERRORS = (
    161,
    162,
    163,
)  # NVML_FI_DEV_NVLINK_ERROR_DL_{REPLAY,RECOVERY,CRC}: boards with NVLink 4 and later
UNKNOWN_MEMORY = 2**64 - 1
VGPU_HOST = 3

# field, symbol after nvmlDeviceGet, type of the answer, arguments before it
NUMBERS = (
    ("power_mw", "PowerUsage", U32, ()),
    ("power_limit_mw", "EnforcedPowerLimit", U32, ()),
    ("power_default_limit_mw", "PowerManagementDefaultLimit", U32, ()),
    ("energy_mj", "TotalEnergyConsumption", U64, ()),
    ("sm_clock_mhz", "ClockInfo", U32, (1,)),
    ("sm_clock_max_mhz", "MaxClockInfo", U32, (1,)),
    ("memory_clock_mhz", "ClockInfo", U32, (2,)),
    ("temperature_c", "Temperature", U32, (0,)),
    ("slowdown_c", "TemperatureThreshold", U32, (1,)),
    ("memory_max_c", "TemperatureThreshold", U32, (2,)),
    ("app_sm_clock_mhz", "ApplicationsClock", U32, (1,)),
    ("default_sm_clock_mhz", "DefaultApplicationsClock", U32, (1,)),
    ("compute_mode", "ComputeMode", U32, ()),
    ("performance_state", "PerformanceState", U32, ()),
    ("virtualization", "VirtualizationMode", U32, ()),
    ("ecc_volatile_corrected", "TotalEccErrors", U64, (0, 0)),
    ("ecc_volatile_uncorrected", "TotalEccErrors", U64, (1, 0)),
    ("ecc_aggregate_corrected", "TotalEccErrors", U64, (0, 1)),
    ("ecc_aggregate_uncorrected", "TotalEccErrors", U64, (1, 1)),
    ("ecc_dram_uncorrected", "MemoryErrorCounter", U64, (1, 0, 2)),
    ("ecc_sram_uncorrected", "MemoryErrorCounter", U64, (1, 0, 7)),
    ("pcie_generation", "CurrPcieLinkGeneration", U32, ()),
    ("pcie_width", "CurrPcieLinkWidth", U32, ()),
    ("pcie_max_generation", "MaxPcieLinkGeneration", U32, ()),
    ("pcie_max_width", "MaxPcieLinkWidth", U32, ()),
    ("pcie_replays", "PcieReplayCounter", U32, ()),
)


def load() -> ctypes.CDLL:
    """Return the library, also from where operators put it out of the loader's sight. OSError."""
    try:
        return ctypes.CDLL(NVML_LIBRARY)
    except OSError:
        paths = [f"/{folder}/{NVML_LIBRARY}" for folder in NVML_FOLDERS]
        found = [path for path in paths if os.path.exists(path)]
        if not found:
            raise
        return ctypes.CDLL(found[0])


def nvml_lines() -> "Iterator[object]":
    """Yield a record for the machine, for each board, and for the end: what precedes a hang is kept."""
    try:
        nvml = Nvml(load())
    except OSError as error:
        yield {"error": {"call": "load", "code": LIBRARY_NOT_FOUND, "text": str(error)}}
        return
    failed = nvml.call("init", "InitWithFlags", U32(0))
    if failed == FUNCTION_NOT_FOUND:
        failed = nvml.call("init", "Init_v2")
    count = None if failed else nvml.number("count", "DeviceGetCount_v2", U32)
    if count is None:
        for failure in nvml.errors or [
            {"call": "init", "code": FUNCTION_NOT_FOUND, "text": "not the library"}
        ]:
            yield {"error": failure}
        return
    driver = nvml.string("driver", "SystemGetDriverVersion")
    cuda = nvml.number("cuda", "SystemGetCudaDriverVersion", U32)
    yield {"driver": driver, "cuda": cuda, "count": count}
    for index in range(count):
        nvml.errors = []
        yield {"gpu": read_board(nvml, index)}
    yield {"done": True}


def read_board(nvml: Nvml, index: int) -> "dict[str, object]":
    """Return what one board says. Identity comes first, so that a later failure has a name."""
    gpu = {"index": index}  # type: dict[str, object]
    handle = ctypes.c_void_p()
    try:
        if not nvml.call("handle", "DeviceGetHandleByIndex_v2", U32(index), ctypes.byref(handle)):
            for part in PARTS:
                part(nvml, handle, gpu)
            gpu["processes"] = read_processes(nvml, handle, gpu)
    except NvmlLostError:
        pass
    gpu["errors"] = nvml.errors
    return gpu


def read_identity(nvml: Nvml, handle: ctypes.c_void_p, gpu: "dict[str, object]") -> None:
    """Fill in what names the board."""
    for field, symbol in (("uuid", "UUID"), ("name", "Name"), ("serial", "Serial")):
        gpu[field] = nvml.string(field, "DeviceGet" + symbol, handle)
    pci = PciInfo()
    if not nvml.call("pci_address", "DeviceGetPciInfo_v3", handle, ctypes.byref(pci)):
        gpu["pci_address"] = pci.address.decode("ascii", "replace")
        # NVML writes the domain with eight digits, sysfs with four.
        gpu["numa_node"] = numa_of(pci.address.decode("ascii", "replace").lower()[-12:])
    total, used = read_memory(nvml, handle)
    gpu["memory_total_bytes"], gpu["memory_used_bytes"] = total, used


def numa_of(address: str) -> "int | None":
    """Return the NUMA node of a PCI slot; the kernel says -1 where there is none."""
    try:
        with open(f"/sys/bus/pci/devices/{address}/numa_node") as file:
            node = int(file.read())
    except (OSError, ValueError):
        return None
    return node if node >= 0 else None


def read_memory(nvml: Nvml, handle: ctypes.c_void_p) -> "tuple[int | None, int | None]":
    """Return total and used bytes; version 2 does not count what the driver reserves as used."""
    newer = MemoryV2(version=version(MemoryV2, 2))
    if not nvml.raw("DeviceGetMemoryInfo_v2", handle, ctypes.byref(newer)):
        return newer.total, newer.used
    older = Memory()
    if nvml.call("memory", "DeviceGetMemoryInfo", handle, ctypes.byref(older)):
        return None, None
    return older.total, older.used


def read_numbers(nvml: Nvml, handle: ctypes.c_void_p, gpu: "dict[str, object]") -> None:
    """Fill in what one call each tells."""
    for field, symbol, kind, arguments in NUMBERS:
        gpu[field] = nvml.number(field, "DeviceGet" + symbol, kind, handle, *[U32(a) for a in arguments])
    rates = (U32 * 2)()
    if not nvml.call("utilization", "DeviceGetUtilizationRates", handle, rates):
        gpu["gpu_percent"], gpu["memory_percent"] = rates[0], rates[1]
    gpu["memory_temperature_c"] = nvml.field(handle, MEMORY_TEMPERATURE)
    if gpu["temperature_c"] is None:
        newer = Temperature(version=version(Temperature, 1))
        if not nvml.call("temperature_c", "DeviceGetTemperatureV", handle, ctypes.byref(newer)):
            gpu["temperature_c"] = newer.celsius


def read_state(nvml: Nvml, handle: ctypes.c_void_p, gpu: "dict[str, object]") -> None:
    """Fill in throttle reasons and modes."""
    mask = nvml.number("throttle_mask", "DeviceGetCurrentClocksEventReasons", U64, handle)
    if mask is None:
        mask = nvml.number("throttle_mask", "DeviceGetCurrentClocksThrottleReasons", U64, handle)
    gpu["throttle_mask"] = mask
    persistence = nvml.number("persistence", "DeviceGetPersistenceMode", U32, handle)
    gpu["persistence"] = None if persistence is None else bool(persistence)
    for field, label, symbol in (
        ("ecc", "ecc_enabled", "DeviceGetEccMode"),
        ("mig", "mig", "DeviceGetMigMode"),
    ):
        now, pending = U32(), U32()
        if not nvml.call(label, symbol, handle, ctypes.byref(now), ctypes.byref(pending)):
            gpu[field + "_enabled"], gpu[field + "_pending"] = bool(now.value), bool(pending.value)


def read_condition(nvml: Nvml, handle: ctypes.c_void_p, gpu: "dict[str, object]") -> None:
    """Fill in firmware, time held back, the InfoROM and what the driver asks for."""
    gpu["vbios"] = nvml.string("vbios", "DeviceGetVbiosVersion", handle)
    gpu["gsp"] = nvml.string("gsp", "DeviceGetGspFirmwareVersion", handle)
    for name, policy in VIOLATIONS:
        held, field = ViolationTime(), "violation_" + name + "_ns"
        if not nvml.call(field, "DeviceGetViolationStatus", handle, U32(policy), ctypes.byref(held)):
            gpu[field] = held.violation
    gpu["recovery_action"] = nvml.field(handle, RECOVERY_ACTION)
    code = nvml.raw("DeviceValidateInforom", handle)
    if code in (0, CORRUPTED_INFOROM):
        gpu["inforom_valid"] = not code
    else:
        nvml.call("inforom_valid", "DeviceValidateInforom", handle)


def read_rows(nvml: Nvml, handle: ctypes.c_void_p, gpu: "dict[str, object]") -> None:
    """Fill in remapped rows and retired pages."""
    rows = [U32() for _ in range(4)]
    if not nvml.call("remapped rows", "DeviceGetRemappedRows", handle, *[ctypes.byref(row) for row in rows]):
        gpu["remapped_corrected"], gpu["remapped_uncorrected"] = rows[0].value, rows[1].value
        gpu["remap_pending"], gpu["remap_failed"] = bool(rows[2].value), bool(rows[3].value)
    banks = (U32 * 5)()
    if not nvml.call("remap_histogram", "DeviceGetRowRemapperHistogram", handle, banks):
        gpu["remap_histogram"] = list(banks)
    pending = nvml.number("retire_pending", "DeviceGetRetiredPagesPendingStatus", U32, handle)
    gpu["retire_pending"] = None if pending is None else bool(pending)
    pages = 0
    for cause in (0, 1):
        count = U32(0)
        code = nvml.raw("DeviceGetRetiredPages", handle, cause, ctypes.byref(count), None)
        if code not in (0, INSUFFICIENT_SIZE):  # too small a buffer: the way in which it tells the number
            return
        pages += count.value
    gpu["retired_pages"] = pages


def read_links(nvml: Nvml, handle: ctypes.c_void_p, gpu: "dict[str, object]") -> None:
    """Fill in the NVLinks."""
    links = []
    for index in range(MAX_LINKS):
        active = U32()
        code = nvml.call("nvlinks", "DeviceGetNvLinkState", handle, U32(index), ctypes.byref(active))
        if code and (index == 0 or code == 2):
            break  # no NVLink, or past the last one
        if not code:
            links.append(read_link(nvml, handle, index, bool(active.value)))
    if links:
        gpu["nvlinks"] = links


def read_link(nvml: Nvml, handle: ctypes.c_void_p, index: int, active: bool) -> "dict[str, object]":
    """Return one NVLink; its errors by the older calls, else by the fields that replace them."""
    link = {"index": index, "active": active}  # type: dict[str, object]
    number = U32(index)
    if active:
        link["version"] = nvml.number("nvlinks", "DeviceGetNvLinkVersion", U32, handle, number)
        remote = PciInfo()
        if not nvml.raw("DeviceGetNvLinkRemotePciInfo_v2", handle, number, ctypes.byref(remote)):
            link["remote"] = remote.address.decode("ascii", "replace")
    link["speed_mbps"] = nvml.field(handle, NVLINK_SPEED, index)
    link.update(link_errors(nvml, handle, index))
    return link


def link_errors(nvml: Nvml, handle: ctypes.c_void_p, index: int) -> "dict[str, object]":
    """Return the counters of a link; replays, recoveries, CRC of flits and of data, and their sum."""
    counts = {}
    for counter in range(4):
        value = U64()
        number = U32(index)
        if not nvml.raw("DeviceGetNvLinkErrorCounter", handle, number, U32(counter), ctypes.byref(value)):
            counts[counter] = value.value
    if not counts:
        found = [nvml.field(handle, field, index) for field in LINK_ERRORS]
        counts = {counter: value for counter, value in enumerate(found) if value is not None}
    crc = [counts[counter] for counter in (2, 3) if counter in counts]
    return {
        "replays": counts.get(0),
        "recoveries": counts.get(1),
        "crc": sum(crc) if crc else None,
        "errors": sum(counts.values()) if counts else None,
    }


def mig_parts(nvml: Nvml, handle: ctypes.c_void_p) -> "list[tuple[int, ctypes.c_void_p]]":
    """Return the MIG devices of a board by position; an empty position is left out."""
    found = []
    for index in range(nvml.number("mig", "DeviceGetMaxMigDeviceCount", U32, handle) or 0):
        part = ctypes.c_void_p()
        if not nvml.raw("DeviceGetMigDeviceHandleByIndex", handle, U32(index), ctypes.byref(part)):
            found.append((index, part))
    return found


def read_slices(nvml: Nvml, handle: ctypes.c_void_p, gpu: "dict[str, object]") -> None:
    """Fill in MIG devices and vGPUs."""
    if gpu.get("mig_enabled"):
        gpu["mig"] = [read_mig(nvml, index, part) for index, part in mig_parts(nvml, handle)]
    if gpu.get("virtualization") == VGPU_HOST:
        gpu["vgpus"] = read_vgpus(nvml, handle)


def read_mig(nvml: Nvml, index: int, part: ctypes.c_void_p) -> "dict[str, object]":
    """Return one MIG device."""
    item = {"index": index}  # type: dict[str, object]
    item["uuid"] = nvml.string("mig", "DeviceGetUUID", part)
    item["name"] = nvml.string("mig", "DeviceGetName", part)
    item["gpu_instance"] = nvml.number("mig", "DeviceGetGpuInstanceId", U32, part)
    item["compute_instance"] = nvml.number("mig", "DeviceGetComputeInstanceId", U32, part)
    attributes = SliceAttributes()
    if not nvml.call("mig", "DeviceGetAttributes_v2", part, ctypes.byref(attributes)):
        item["gpu_slices"], item["compute_slices"] = attributes.counts[6], attributes.counts[7]
        item["memory_total_bytes"] = attributes.memory_mib * 1048576
    item["memory_used_bytes"] = read_memory(nvml, part)[1]
    return item


def read_vgpus(nvml: Nvml, handle: ctypes.c_void_p) -> "list[dict[str, object]]":
    """Return the vGPUs that run on a board."""
    count, instances = U32(64), (U32 * 64)()
    if nvml.call("vgpus", "DeviceGetActiveVgpus", handle, ctypes.byref(count), instances):
        return []
    found = []
    for index in range(count.value):
        instance = U32(instances[index])
        item = {"index": index}  # type: dict[str, object]
        item["uuid"] = nvml.string("vgpus", "VgpuInstanceGetUUID", instance)
        kind = nvml.number("vgpus", "VgpuInstanceGetType", U32, instance)
        if kind is not None:
            buffer, size = ctypes.create_string_buffer(128), U32(128)
            if not nvml.call("vgpus", "VgpuTypeGetName", U32(kind), buffer, ctypes.byref(size)):
                item["name"] = buffer.value.decode("utf-8", "replace")
            item["memory_total_bytes"] = nvml.number("vgpus", "VgpuTypeGetFramebufferSize", U64, U32(kind))
        item["memory_used_bytes"] = nvml.number("vgpus", "VgpuInstanceGetFbUsage", U64, instance)
        found.append(item)
    return found


def read_fabric(nvml: Nvml, handle: ctypes.c_void_p, gpu: "dict[str, object]") -> None:
    """Fill in how the board stands in the NVLink fabric."""
    newer = FabricInfoV2(version=version(FabricInfoV2, 2))
    fabric = newer  # type: FabricInfo | FabricInfoV2
    if nvml.raw("DeviceGetGpuFabricInfoV", handle, ctypes.byref(newer)):
        fabric = FabricInfo()
        if nvml.call("fabric", "DeviceGetGpuFabricInfo", handle, ctypes.byref(fabric)):
            return
    else:
        gpu["fabric_health"] = newer.health
    gpu["fabric_state"], gpu["fabric_clique"] = fabric.state, fabric.clique
    gpu["fabric_status"] = fabric.status
    text = "".join(f"{byte:02x}" for byte in fabric.cluster)
    gpu["fabric_cluster"] = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def read_processes(nvml: Nvml, handle: ctypes.c_void_p, gpu: "dict[str, object]") -> "list[object] | None":
    """Return the contexts on a board, of MIG devices one by one; None when they could not be read."""
    found = {}  # type: dict[tuple[int, int, int], dict[str, object]]
    devices = [part for _, part in mig_parts(nvml, handle)] if gpu.get("mig_enabled") else []
    for device in devices or [handle]:
        for kind in ("Compute", "Graphics", "MPSCompute"):
            count, room = U32(1024), (ProcessInfo * 1024)()
            symbol = f"DeviceGet{kind}RunningProcesses_v3"
            if not hasattr(nvml.library, "nvml" + symbol):
                symbol = symbol.replace("_v3", "_v2")
            if nvml.call("processes", symbol, device, ctypes.byref(count), room):
                if kind == "Compute":
                    return None
                continue
            for info in room[: count.value]:
                key = (info.pid, info.gpu_instance, info.compute_instance)
                found.setdefault(key, describe_process(info))
    return [found[key] for key in sorted(found)]


def describe_process(info: ProcessInfo) -> "dict[str, object]":
    """Return a context, with what /proc says about its process."""
    record = {"pid": info.pid}  # type: dict[str, object]
    if info.memory != UNKNOWN_MEMORY:
        record["memory_bytes"] = info.memory
    if info.gpu_instance != NO_INSTANCE:
        record["gpu_instance"], record["compute_instance"] = info.gpu_instance, info.compute_instance
    folder = f"/proc/{info.pid}"
    try:
        with open(folder + "/comm", errors="replace") as file:
            record["name"] = file.read().strip()
        with open(folder + "/cgroup", errors="replace") as file:
            record["cgroup"] = file.read()
        record["user"] = pwd.getpwuid(os.stat(folder).st_uid).pw_name
    except (OSError, KeyError):
        pass  # gone meanwhile, hidden, or a user without a name
    return record


PARTS = (
    *(read_identity, read_numbers, read_state, read_condition, read_rows),
    *(read_slices, read_fabric, read_links),
)
