"""The parts of a node: accelerators with their links and errors, network ports, disks and mounts."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

AcceleratorKind: TypeAlias = Literal["whole", "shared", "mig", "vgpu"]


Natural: TypeAlias = Annotated[int, Meta(ge=0)]
"""A count or an amount: nothing that is read from outside may make it negative."""


class Fact(Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of all that is known. Frozen trees hold no cycles, so the garbage collector may skip them."""


class Process(Fact, frozen=True):
    """A process that uses an accelerator."""

    pid: Natural
    name: str | None = None
    user: str | None = None
    memory_bytes: Natural | None = None
    pod_uid: str | None = None
    """UID of the pod whose cgroup the process is in."""
    job_id: str | None = None
    """Batch job (Slurm) whose cgroup the process is in."""


class Ecc(Fact, frozen=True):
    """Memory errors since the driver was loaded (volatile) and over the life of the board (aggregate)."""

    enabled: bool | None = None
    volatile_corrected: Natural | None = None
    volatile_uncorrected: Natural | None = None
    aggregate_corrected: Natural | None = None
    aggregate_uncorrected: Natural | None = None
    remapped_corrected_rows: Natural | None = None
    remapped_uncorrected_rows: Natural | None = None
    remap_pending: bool | None = None
    """A reset is needed before remapped rows take effect."""
    remap_failed: bool | None = None
    retired_pages: Natural | None = None


class Pcie(Fact, frozen=True):
    """The PCI Express link of a device: what it runs at and what it could."""

    address: str | None = None
    """domain:bus:device.function, lower case."""
    generation: Natural | None = None
    width: Natural | None = None
    """Lanes."""
    max_generation: Natural | None = None
    max_width: Natural | None = None
    replays: Natural | None = None


class NvLink(Fact, frozen=True):
    """One NVLink of an accelerator."""

    index: Natural
    up: bool | None = None
    version: Natural | None = None
    remote: str | None = None
    """PCI address of the far end (a peer or an NVSwitch)."""
    errors: Natural | None = None


class DeviceName(Fact, frozen=True):
    """What a DRA driver calls a device: with these three it is told from every other of the cluster."""

    driver: str
    pool: str
    device: str


class Accelerator(Fact, frozen=True):
    """One thing a job can be given: a whole board, a share of one, or a MIG/vGPU slice."""

    index: Natural
    """Position on its node, unique among the accelerators of one kind there."""
    id: str | None = None
    """UUID where the device has one."""
    vendor: str = "nvidia"
    resource: str = "nvidia.com/gpu"
    """The name under which schedulers hand it out."""
    kind: AcceleratorKind = "whole"
    parent: str | None = None
    """Slices: id of the board."""
    profile: str | None = None
    """Slices: MIG or vGPU profile, e.g. `1g.10gb`."""
    replicas: Natural | None = None
    """Shared boards: how many times it is handed out."""
    dra: DeviceName | None = None
    """Its name in the cluster, where a driver publishes it one by one."""
    model: str | None = None
    serial: str | None = None
    memory_bytes: Natural | None = None
    memory_used_bytes: Natural | None = None
    busy_milli: Natural | None = None
    """Share of the last sampling period with a kernel running, in thousandths (NVML utilisation)."""
    memory_busy_milli: Natural | None = None
    """Share of the last sampling period with memory reads or writes, in thousandths."""
    power_mw: Natural | None = None
    power_cap_mw: Natural | None = None
    power_default_cap_mw: Natural | None = None
    energy_mj: Natural | None = None
    """Since the driver was loaded."""
    sm_clock_hz: Natural | None = None
    sm_clock_max_hz: Natural | None = None
    memory_clock_hz: Natural | None = None
    temperature_c: int | None = None
    memory_temperature_c: int | None = None
    temperature_limit_c: int | None = None
    """Where the board slows itself down."""
    throttle: tuple[str, ...] | None = None
    """Active throttle reasons by NVML's names; empty: known to run free."""
    performance_state: Natural | None = None
    numa_node: Natural | None = None
    mig_enabled: bool | None = None
    nvlink_domain: str | None = None
    """Cluster UUID and clique where NVLink spans nodes."""
    ecc: Ecc | None = None
    pcie: Pcie | None = None
    nvlinks: tuple[NvLink, ...] = ()
    processes: tuple[Process, ...] | None = None
    """None: could not be read. Empty: nobody uses it."""


class Nic(Fact, frozen=True):
    """A network or InfiniBand port."""

    name: str
    kind: Literal["ethernet", "infiniband", "roce", "other"] = "ethernet"
    up: bool | None = None
    speed_bps: Natural | None = None
    mtu_bytes: Natural | None = None
    mac: str | None = None
    guid: str | None = None
    numa_node: Natural | None = None
    pci_address: str | None = None
    driver: str | None = None
    firmware: str | None = None
    rx_bytes: Natural | None = None
    tx_bytes: Natural | None = None
    rx_errors: Natural | None = None
    tx_errors: Natural | None = None


class Disk(Fact, frozen=True):
    """A block device that holds data (partitions and loop devices are not listed)."""

    name: str
    size_bytes: Natural | None = None
    model: str | None = None
    rotational: bool | None = None
    kind: Literal["nvme", "ssd", "hdd", "other"] = "other"


class Mount(Fact, frozen=True):
    """A mounted file system with space of its own."""

    path: str
    device: str
    fstype: str
    size_bytes: Natural | None = None
    free_bytes: Natural | None = None
