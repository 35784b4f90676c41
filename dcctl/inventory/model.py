"""What exists in a data centre, as frozen data: the one vocabulary of sources, decisions and reports.

Every quantity is an integer in an SI unit that its name carries. `None` means unknown, never zero. A vendor
is data (`vendor`, `resource`), not a type. Structs are immutable; `msgspec.structs.replace` makes a changed one.
"""

from typing import Literal, TypeAlias

from msgspec import Struct, field

Cause: TypeAlias = Literal[
    "timeout",
    "unreachable",
    "unauthenticated",
    "denied",
    "missing",
    "unsupported",
    "invalid",
    "truncated",
    "failed",
]
"""Why a source gave no answer. `unauthenticated` is 401 or a refused key, `denied` is 403 or EACCES."""

AcceleratorKind: TypeAlias = Literal["whole", "shared", "mig", "vgpu"]
Phase: TypeAlias = Literal["pending", "running", "succeeded", "failed", "unknown"]


class Fact(Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of all that is known. Frozen trees hold no cycles, so the garbage collector may skip them."""


class Gap(Fact, frozen=True):
    """Something that was asked and gave no answer."""

    source: str
    """Name of the source, e.g. `ssh` or `kubernetes:prod`."""
    subject: str
    """What it was asked about: a node, a resource list, a file."""
    reason: str
    """One line for a person."""
    cause: Cause = "failed"
    hint: str = ""
    """The next command to type, or empty."""


class Conflict(Fact, frozen=True):
    """Two sources state different values of one fact. A finding, not a guess."""

    subject: str
    fact: str
    values: tuple[tuple[str, str], ...]
    """(source, value as text), in order of source name."""


class SourceRun(Fact, frozen=True):
    """How one source fared: each reports its own success and duration."""

    name: str
    kind: str
    ok: bool
    """True when it answered without any gap."""
    duration_ms: int
    items: int
    """Number of nodes it told about."""
    gaps: int = 0


class Resources(Fact, frozen=True):
    """An amount of what a scheduler hands out. A missing dimension is None: not counted by that scheduler."""

    cpu_milli: int | None = None
    memory_bytes: int | None = None
    storage_bytes: int | None = None
    """Ephemeral (scratch) storage."""
    pods: int | None = None
    devices: dict[str, int] = field(default_factory=dict)
    """Whole devices by resource name: `nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`, `huawei.com/Ascend910`."""


class Process(Fact, frozen=True):
    """A process that uses an accelerator."""

    pid: int
    name: str | None = None
    user: str | None = None
    memory_bytes: int | None = None
    pod_uid: str | None = None
    """UID of the pod whose cgroup the process is in."""
    job_id: str | None = None
    """Batch job (Slurm) whose cgroup the process is in."""


class Ecc(Fact, frozen=True):
    """Memory errors since the driver was loaded (volatile) and over the life of the board (aggregate)."""

    enabled: bool | None = None
    volatile_corrected: int | None = None
    volatile_uncorrected: int | None = None
    aggregate_corrected: int | None = None
    aggregate_uncorrected: int | None = None
    remapped_corrected_rows: int | None = None
    remapped_uncorrected_rows: int | None = None
    remap_pending: bool | None = None
    """A reset is needed before remapped rows take effect."""
    remap_failed: bool | None = None
    retired_pages: int | None = None


class Pcie(Fact, frozen=True):
    """The PCI Express link of a device: what it runs at and what it could."""

    address: str | None = None
    """domain:bus:device.function, lower case."""
    generation: int | None = None
    width: int | None = None
    """Lanes."""
    max_generation: int | None = None
    max_width: int | None = None
    replays: int | None = None


class NvLink(Fact, frozen=True):
    """One NVLink of an accelerator."""

    index: int
    up: bool | None = None
    version: int | None = None
    remote: str | None = None
    """PCI address of the far end (a peer or an NVSwitch)."""
    errors: int | None = None


class Accelerator(Fact, frozen=True):
    """One thing a job can be given: a whole board, a share of one, or a MIG/vGPU slice."""

    index: int
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
    replicas: int | None = None
    """Shared boards: how many times it is handed out."""
    model: str | None = None
    serial: str | None = None
    memory_bytes: int | None = None
    memory_used_bytes: int | None = None
    busy_milli: int | None = None
    """Share of the last sampling period with a kernel running, in thousandths (NVML utilisation)."""
    memory_busy_milli: int | None = None
    """Share of the last sampling period with memory reads or writes, in thousandths."""
    power_mw: int | None = None
    power_cap_mw: int | None = None
    power_default_cap_mw: int | None = None
    energy_mj: int | None = None
    """Since the driver was loaded."""
    sm_clock_hz: int | None = None
    sm_clock_max_hz: int | None = None
    memory_clock_hz: int | None = None
    temperature_c: int | None = None
    memory_temperature_c: int | None = None
    temperature_limit_c: int | None = None
    """Where the board slows itself down."""
    throttle: tuple[str, ...] | None = None
    """Active throttle reasons by NVML's names; empty: known to run free."""
    performance_state: int | None = None
    numa_node: int | None = None
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
    speed_bps: int | None = None
    mtu_bytes: int | None = None
    mac: str | None = None
    guid: str | None = None
    numa_node: int | None = None
    pci_address: str | None = None
    driver: str | None = None
    firmware: str | None = None
    rx_bytes: int | None = None
    tx_bytes: int | None = None
    rx_errors: int | None = None
    tx_errors: int | None = None


class Disk(Fact, frozen=True):
    """A block device that holds data (partitions and loop devices are not listed)."""

    name: str
    size_bytes: int | None = None
    model: str | None = None
    rotational: bool | None = None
    kind: Literal["nvme", "ssd", "hdd", "other"] = "other"


class Mount(Fact, frozen=True):
    """A mounted file system with space of its own."""

    path: str
    device: str
    fstype: str
    size_bytes: int | None = None
    free_bytes: int | None = None


class Taint(Fact, frozen=True):
    """A Kubernetes taint, or what another scheduler uses to keep work away."""

    key: str
    effect: str
    value: str = ""


class NodeUse(Fact, frozen=True):
    """What a node was measured to be doing."""

    cpu_milli: int | None = None
    memory_bytes: int | None = None
    """In use: total less available."""
    load1_milli: int | None = None
    """Load average over one minute, in thousandths."""
    cpu_pressure_milli: int | None = None
    memory_pressure_milli: int | None = None
    io_pressure_milli: int | None = None
    """PSI `some avg60`, in thousandths of the time."""
    power_mw: int | None = None


class System(Fact, frozen=True):
    """Hardware and operating system facts of a node."""

    vendor: str | None = None
    product: str | None = None
    serial: str | None = None
    cpu_model: str | None = None
    sockets: int | None = None
    cores: int | None = None
    threads: int | None = None
    numa_nodes: int | None = None
    architecture: str | None = None
    kernel: str | None = None
    os: str | None = None
    uptime_s: int | None = None
    boot_id: str | None = None
    machine_id: str | None = None
    driver: str | None = None
    """Accelerator driver version."""
    cuda: str | None = None
    """Highest CUDA version that the driver supports."""
    runtime: str | None = None
    """Container runtime."""
    agent: str | None = None
    """kubelet or slurmd version."""


class Node(Fact, frozen=True):
    """One machine, merged from every source that knows it."""

    name: str
    aliases: tuple[str, ...] = ()
    site: str | None = None
    rack: str | None = None
    pools: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    provider_id: str | None = None
    system_uuid: str | None = None
    address: str | None = None
    """Where to reach it, if not by its name."""
    ready: bool | None = None
    schedulable: bool | None = None
    """False when cordoned or draining."""
    state: str | None = None
    """The scheduler's own word, e.g. `NotReady` or `idle+drain`."""
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    capacity: Resources | None = None
    allocatable: Resources | None = None
    use: NodeUse | None = None
    system: System | None = None
    accelerators: tuple[Accelerator, ...] | None = None
    """None: nobody looked. Empty: known to have none."""
    accelerator_counts: dict[str, int] = field(default_factory=dict)
    """How many boards each view counts: `pci`, `nvml`, `kubernetes`, … They should agree."""
    nics: tuple[Nic, ...] | None = None
    disks: tuple[Disk, ...] | None = None
    mounts: tuple[Mount, ...] | None = None


class Site(Fact, frozen=True):
    """A data centre."""

    name: str
    pue_limit_milli: int | None = None
    power_limit_mw: int | None = None
    timezone: str | None = None


class Rack(Fact, frozen=True):
    """A rack and what feeds it."""

    name: str
    site: str | None = None
    power_limit_mw: int | None = None


class Pool(Fact, frozen=True):
    """Nodes that a scheduler treats as one: a node pool, partition or queue."""

    name: str
    nodes: str
    """A folded node set."""
    kind: Literal["nodepool", "partition", "queue", "label", "group"] = "group"


class Link(Fact, frozen=True):
    """A cable or a lane between two ports."""

    a_node: str
    a_port: str
    b_node: str
    b_port: str
    kind: Literal["ethernet", "infiniband", "nvlink"] = "ethernet"
    speed_bps: int | None = None
    up: bool | None = None


class PowerMeter(Fact, frozen=True):
    """A reading of power or energy and what it covers."""

    name: str
    kind: Literal["facility", "ups", "pdu", "bmc", "rapl", "accelerator"]
    site: str | None = None
    nodes: str = ""
    """A folded node set that the meter covers; empty: the whole site."""
    power_mw: int | None = None
    energy_mj: int | None = None
    read_at_s: int | None = None
    """Unix time."""


class Budget(Fact, frozen=True):
    """How many members of a workload may be missing at once (a PodDisruptionBudget)."""

    name: str
    allowed: int | None
    desired_healthy: int | None = None
    current_healthy: int | None = None
    unhealthy_always: bool = False
    """Pods that are not ready may be evicted whatever the budget says (unhealthyPodEvictionPolicy)."""


class Member(Fact, frozen=True):
    """One pod or task of a workload."""

    name: str
    node: str | None = None
    phase: Phase = "unknown"
    requests: Resources = field(default_factory=Resources)
    """What the scheduler counts for it."""
    devices: tuple[str, ...] = ()
    """Ids of the accelerators it holds, where known."""
    uid: str | None = None
    started_at_s: int | None = None


class Workload(Fact, frozen=True):
    """Work that stands or falls together: a training job, a deployment, a notebook."""

    id: str
    """namespace/name for Kubernetes, the job id for a batch scheduler."""
    kind: str = "Pod"
    owner: str | None = None
    """Who answers for it: a user or team."""
    source: str | None = None
    queue: str | None = None
    priority: int | None = None
    gang_min: int | None = None
    """Members that must run together; None: each member runs on its own."""
    members: tuple[Member, ...] = ()
    budgets: tuple[Budget, ...] = ()
    started_at_s: int | None = None
    deadline_s: int | None = None
    preemptible: bool | None = None
    labels: dict[str, str] = field(default_factory=dict)


class Fleet(Fact, frozen=True):
    """Everything known at one moment, from every source that was asked, and what could not be learned."""

    name: str = ""
    taken_at_s: int | None = None
    """Unix time."""
    sites: tuple[Site, ...] = ()
    racks: tuple[Rack, ...] = ()
    nodes: tuple[Node, ...] = ()
    pools: tuple[Pool, ...] = ()
    links: tuple[Link, ...] = ()
    workloads: tuple[Workload, ...] = ()
    meters: tuple[PowerMeter, ...] = ()
    gaps: tuple[Gap, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    sources: tuple[SourceRun, ...] = ()
