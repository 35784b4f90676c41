"""What NVML says on one machine, as it says it: the shape that every reader of NVML fills.

The child process (`child`, by pynvml) and the SSH probe (by ctypes) emit JSON of this shape;
`nvml.parse` alone gives it a meaning. Values are raw: percent, MHz, mW, mJ and bit masks, as in nvml.h. What
a device does not support is left out.
"""

from msgspec import Struct, field

from dcctl.inventory.model import Natural


class NvmlError(Struct, frozen=True, omit_defaults=True):
    """A call that failed with something else than NOT_SUPPORTED."""

    call: str
    """What was asked, e.g. `init`, `driver`, `count`, `handle`, or the name of a field below."""
    code: int
    """nvmlReturn_t; -1 when there is no code (the library cannot be loaded, a symbol is missing)."""
    text: str = ""


class NvmlProcess(Struct, frozen=True, omit_defaults=True):
    """A compute or graphics context, with what /proc says about its process."""

    pid: Natural
    memory_bytes: Natural | None = None
    name: str | None = None
    user: str | None = None
    cgroup: str | None = None
    """Text of /proc/PID/cgroup."""
    gpu_instance: Natural | None = None
    compute_instance: Natural | None = None


class NvmlLink(Struct, frozen=True, omit_defaults=True):
    """One NVLink."""

    index: Natural
    active: bool | None = None
    version: Natural | None = None
    remote: str | None = None
    """PCI bus id of the far end, as NVML writes it (8-digit domain)."""
    errors: Natural | None = None
    """Sum of the CRC flit, CRC data, replay and recovery counters that exist."""
    speed_mbps: Natural | None = None
    """MB/s in one direction (NVML_FI_DEV_NVLINK_GET_SPEED)."""
    crc: Natural | None = None
    """Flit and data together."""
    replays: Natural | None = None
    recoveries: Natural | None = None


class NvmlSlice(Struct, frozen=True, omit_defaults=True):
    """A MIG device, or on a vGPU host an active vGPU."""

    index: Natural
    uuid: str | None = None
    name: str | None = None
    """nvmlDeviceGetName of the MIG device, or the name of the vGPU type."""
    gpu_instance: Natural | None = None
    compute_instance: Natural | None = None
    gpu_slices: Natural | None = None
    compute_slices: Natural | None = None
    memory_total_bytes: Natural | None = None
    memory_used_bytes: Natural | None = None


class NvmlGpu(Struct, frozen=True, omit_defaults=True):
    """One board. `lost` and other failures are in `errors`; the fields that were read before stay."""

    index: Natural
    uuid: str | None = None
    name: str | None = None
    serial: str | None = None
    pci_address: str | None = None
    """As NVML writes it: 00000000:3B:00.0."""
    memory_total_bytes: Natural | None = None
    memory_used_bytes: Natural | None = None
    gpu_percent: Natural | None = None
    memory_percent: Natural | None = None
    power_mw: Natural | None = None
    power_limit_mw: Natural | None = None
    """Enforced limit."""
    power_default_limit_mw: Natural | None = None
    energy_mj: Natural | None = None
    sm_clock_mhz: Natural | None = None
    sm_clock_max_mhz: Natural | None = None
    memory_clock_mhz: Natural | None = None
    temperature_c: int | None = None
    memory_temperature_c: int | None = None
    slowdown_c: int | None = None
    memory_max_c: int | None = None
    app_sm_clock_mhz: Natural | None = None
    default_sm_clock_mhz: Natural | None = None
    """What is asked of a program's clocks, and what the vendor asks (applications clocks)."""
    compute_mode: Natural | None = None
    """nvmlComputeMode_t: 0 default, 2 prohibited, 3 exclusive process."""
    violation_power_ns: Natural | None = None
    violation_thermal_ns: Natural | None = None
    violation_board_limit_ns: Natural | None = None
    violation_reliability_ns: Natural | None = None
    """nvmlDeviceGetViolationStatus: time held back since the driver was loaded."""
    throttle_mask: Natural | None = None
    """nvmlDeviceGetCurrentClocksEventReasons (ThrottleReasons on old drivers)."""
    performance_state: Natural | None = None
    numa_node: Natural | None = None
    persistence: bool | None = None
    virtualization: Natural | None = None
    """nvmlGpuVirtualizationMode_t: 0 none, 1 passthrough, 2 vGPU guest, 3 vGPU host, 4 vSGA host."""
    ecc_enabled: bool | None = None
    ecc_pending: bool | None = None
    """After the next reset."""
    ecc_dram_uncorrected: Natural | None = None
    ecc_sram_uncorrected: Natural | None = None
    """Volatile, by where they were."""
    ecc_volatile_corrected: Natural | None = None
    ecc_volatile_uncorrected: Natural | None = None
    ecc_aggregate_corrected: Natural | None = None
    ecc_aggregate_uncorrected: Natural | None = None
    remapped_corrected: Natural | None = None
    remapped_uncorrected: Natural | None = None
    remap_pending: bool | None = None
    remap_failed: bool | None = None
    remap_histogram: tuple[Natural, ...] = ()
    """Banks by spare rows: max, high, partial, low, none."""
    retire_pending: bool | None = None
    inforom_valid: bool | None = None
    recovery_action: Natural | None = None
    """nvmlDeviceGpuRecoveryAction_t; 0 none."""
    vbios: str | None = None
    gsp: str | None = None
    """Version of the firmware of the GPU system processor."""
    retired_pages: Natural | None = None
    """Single-bit and double-bit together."""
    pcie_generation: Natural | None = None
    pcie_width: Natural | None = None
    pcie_max_generation: Natural | None = None
    pcie_max_width: Natural | None = None
    pcie_replays: Natural | None = None
    nvlinks: tuple[NvmlLink, ...] = ()
    mig_enabled: bool | None = None
    mig_pending: bool | None = None
    mig: tuple[NvmlSlice, ...] = ()
    vgpus: tuple[NvmlSlice, ...] = ()
    processes: tuple[NvmlProcess, ...] | None = None
    """None: could not be read."""
    fabric_state: Natural | None = None
    """0 not supported, 1 not started, 2 in progress, 3 completed."""
    fabric_status: Natural | None = None
    """nvmlReturn_t of the registration; 0 is success."""
    fabric_health: Natural | None = None
    """Mask; bits 0 and 1: 1 is degraded bandwidth."""
    fabric_cluster: str | None = None
    """Cluster UUID."""
    fabric_clique: Natural | None = None
    errors: tuple[NvmlError, ...] = ()


class NvmlDocument(Struct, frozen=True, omit_defaults=True):
    """The whole answer of one machine, perhaps cut short."""

    driver: str | None = None
    cuda: Natural | None = None
    """nvmlSystemGetCudaDriverVersion: 1000 * major + 10 * minor."""
    count: int | None = None
    """What nvmlDeviceGetCount said; more than len(gpus) when the reader was cut short."""
    gpus: tuple[NvmlGpu, ...] = ()
    errors: tuple[NvmlError, ...] = field(default=())
    """Failures that concern the whole machine: loading, init, driver version, count."""
    timed_out: bool = False
    """The reader met its deadline: GPU number len(gpus) was being read, or init when count is None."""


class NvmlLine(Struct, frozen=True, omit_defaults=True):
    """One line of a reader that tells as it goes: the machine first, then board by board."""

    driver: str | None = None
    cuda: Natural | None = None
    count: int | None = None
    gpu: NvmlGpu | None = None
    error: NvmlError | None = None
    done: bool = False
