"""What NVML says on one machine, as it says it: the shape that every reader of NVML fills.

The child process (`child`, by pynvml) and the SSH probe (by ctypes) emit JSON of this shape;
`nvml.parse` alone gives it a meaning. Values are raw: percent, MHz, mW, mJ and bit masks, as in nvml.h. What
a device does not support is left out.
"""

from msgspec import Struct, field


class NvmlError(Struct, frozen=True, omit_defaults=True):
    """A call that failed with something else than NOT_SUPPORTED."""

    call: str
    """What was asked, e.g. `init`, `driver`, `count`, `handle`, or the name of a field below."""
    code: int
    """nvmlReturn_t; -1 when there is no code (the library cannot be loaded, a symbol is missing)."""
    text: str = ""


class NvmlProcess(Struct, frozen=True, omit_defaults=True):
    """A compute or graphics context, with what /proc says about its process."""

    pid: int
    memory_bytes: int | None = None
    name: str | None = None
    user: str | None = None
    cgroup: str | None = None
    """Text of /proc/PID/cgroup."""
    gpu_instance: int | None = None
    compute_instance: int | None = None


class NvmlLink(Struct, frozen=True, omit_defaults=True):
    """One NVLink."""

    index: int
    active: bool | None = None
    version: int | None = None
    remote: str | None = None
    """PCI bus id of the far end, as NVML writes it (8-digit domain)."""
    errors: int | None = None
    """Sum of the CRC flit, CRC data, replay and recovery counters that exist."""


class NvmlSlice(Struct, frozen=True, omit_defaults=True):
    """A MIG device, or on a vGPU host an active vGPU."""

    index: int
    uuid: str | None = None
    name: str | None = None
    """nvmlDeviceGetName of the MIG device, or the name of the vGPU type."""
    gpu_instance: int | None = None
    compute_instance: int | None = None
    gpu_slices: int | None = None
    compute_slices: int | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None


class NvmlGpu(Struct, frozen=True, omit_defaults=True):
    """One board. `lost` and other failures are in `errors`; the fields that were read before stay."""

    index: int
    uuid: str | None = None
    name: str | None = None
    serial: str | None = None
    pci_address: str | None = None
    """As NVML writes it: 00000000:3B:00.0."""
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    gpu_percent: int | None = None
    memory_percent: int | None = None
    power_mw: int | None = None
    power_limit_mw: int | None = None
    """Enforced limit."""
    power_default_limit_mw: int | None = None
    energy_mj: int | None = None
    sm_clock_mhz: int | None = None
    sm_clock_max_mhz: int | None = None
    memory_clock_mhz: int | None = None
    temperature_c: int | None = None
    memory_temperature_c: int | None = None
    slowdown_c: int | None = None
    throttle_mask: int | None = None
    """nvmlDeviceGetCurrentClocksEventReasons (ThrottleReasons on old drivers)."""
    performance_state: int | None = None
    numa_node: int | None = None
    persistence: bool | None = None
    virtualization: int | None = None
    """nvmlGpuVirtualizationMode_t: 0 none, 1 passthrough, 2 vGPU guest, 3 vGPU host, 4 vSGA host."""
    ecc_enabled: bool | None = None
    ecc_volatile_corrected: int | None = None
    ecc_volatile_uncorrected: int | None = None
    ecc_aggregate_corrected: int | None = None
    ecc_aggregate_uncorrected: int | None = None
    remapped_corrected: int | None = None
    remapped_uncorrected: int | None = None
    remap_pending: bool | None = None
    remap_failed: bool | None = None
    retired_pages: int | None = None
    """Single-bit and double-bit together."""
    pcie_generation: int | None = None
    pcie_width: int | None = None
    pcie_max_generation: int | None = None
    pcie_max_width: int | None = None
    pcie_replays: int | None = None
    nvlinks: tuple[NvmlLink, ...] = ()
    mig_enabled: bool | None = None
    mig: tuple[NvmlSlice, ...] = ()
    vgpus: tuple[NvmlSlice, ...] = ()
    processes: tuple[NvmlProcess, ...] | None = None
    """None: could not be read."""
    fabric_state: int | None = None
    """0 not supported, 1 not started, 2 in progress, 3 completed."""
    fabric_cluster: str | None = None
    """Cluster UUID."""
    fabric_clique: int | None = None
    errors: tuple[NvmlError, ...] = ()


class NvmlDocument(Struct, frozen=True, omit_defaults=True):
    """The whole answer of one machine, perhaps cut short."""

    driver: str | None = None
    cuda: int | None = None
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
    cuda: int | None = None
    count: int | None = None
    gpu: NvmlGpu | None = None
    error: NvmlError | None = None
    done: bool = False
