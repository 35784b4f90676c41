"""What exists in a data centre, as frozen data: the one vocabulary of sources, decisions and reports.

Every quantity is an integer in an SI unit that its name carries. `None` means unknown, never zero. A vendor
is data (`vendor`, `resource`), not a type. Structs are frozen; `msgspec.structs.replace` makes a changed one.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, field

from dcctl.inventory.devices import (
    Accelerator,
    AcceleratorKind,
    Disk,
    Ecc,
    Fact,
    Mount,
    Natural,
    Nic,
    NvLink,
    Pcie,
    Process,
)
from dcctl.inventory.disruption import Cordon, Disruption
from dcctl.inventory.leftout import LeftOut
from dcctl.inventory.placement import Level, Template
from dcctl.inventory.resources import Quota, Resources
from dcctl.inventory.work import ENDED, Budget, Dataset, Member, Phase, Workload

__all__ = [
    "ENDED",
    "MAX_PORT",
    "Accelerator",
    "AcceleratorKind",
    "Budget",
    "Cause",
    "Conflict",
    "Cordon",
    "Dataset",
    "Disk",
    "Disruption",
    "Ecc",
    "Fact",
    "Fleet",
    "Gap",
    "Level",
    "Link",
    "Member",
    "Moment",
    "Mount",
    "Natural",
    "Nic",
    "Node",
    "NodeUse",
    "NvLink",
    "Part",
    "Pcie",
    "Phase",
    "Pool",
    "Port",
    "PowerMeter",
    "Process",
    "Quota",
    "Rack",
    "Resources",
    "Site",
    "SourceRun",
    "System",
    "Taint",
    "Template",
    "Workload",
]

Cause: TypeAlias = Literal[
    "timeout",
    "unreachable",
    "unauthenticated",
    "denied",
    "missing",
    "unsupported",
    "invalid",
    "truncated",
    "interrupted",
    "limited",
    "failed",
]
"""Why a source gave no answer. `unauthenticated` is 401 or a refused key, `denied` is 403 or EACCES; what is
`limited` was left out because the user said so."""

Part: TypeAlias = Literal["", "nodes", "work", "devices"]
"""`nodes`: which nodes there are; more may exist than are listed. `work`: who runs what, and with which
requests. `devices`: the accelerators and their readings."""

Moment: TypeAlias = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""Unix time, up to the end of the year 9999."""

MAX_PORT = 65535
Port: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_PORT)]
"""A TCP port."""


class Gap(Fact, frozen=True):
    """Something that was asked and gave no answer."""

    source: str
    """Name of the source, e.g. `ssh` or `kubernetes:prod`."""
    subject: str
    """What it was asked about, for people: a node, a resource list, a file."""
    reason: str
    """One line for a person."""
    cause: Cause = "failed"
    hint: str = ""
    """The next command to type, or empty."""
    node: str = ""
    """The node that it is about, or empty: no node in particular."""
    part: Part = ""
    """What is not wholly known because of it, on that node, or else on every node of the source."""


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
    cluster: str | None = None
    """What tells this cluster from every other: the UID of its namespace kube-system."""


class Taint(Fact, frozen=True):
    """A Kubernetes taint, or what another scheduler uses to keep work away."""

    key: str
    effect: str
    value: str = ""


class NodeUse(Fact, frozen=True):
    """What a node was measured to be doing."""

    cpu_milli: Natural | None = None
    memory_bytes: Natural | None = None
    """In use: total less available."""
    load1_milli: Natural | None = None
    """Load average over one minute, in thousandths."""
    cpu_pressure_milli: Natural | None = None
    memory_pressure_milli: Natural | None = None
    io_pressure_milli: Natural | None = None
    """PSI `some avg60`, in thousandths of the time."""
    power_mw: Natural | None = None


class System(Fact, frozen=True):
    """Hardware and operating system facts of a node."""

    vendor: str | None = None
    product: str | None = None
    serial: str | None = None
    cpu_model: str | None = None
    sockets: Natural | None = None
    cores: Natural | None = None
    threads: Natural | None = None
    numa_nodes: Natural | None = None
    architecture: str | None = None
    kernel: str | None = None
    os: str | None = None
    uptime_s: Natural | None = None
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
    login_user: str | None = None
    """Who to log in as, where an inventory says so."""
    login_port: Port | None = None
    ready: bool | None = None
    schedulable: bool | None = None
    """False when cordoned or draining."""
    cordon: Cordon | None = None
    """Who took it out of service, where it tells."""
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
    accelerator_counts: dict[str, Natural] = field(default_factory=dict)
    """How many boards each view counts: `pci`, `nvml`, `kubernetes`, … They should agree."""
    nics: tuple[Nic, ...] | None = None
    disks: tuple[Disk, ...] | None = None
    mounts: tuple[Mount, ...] | None = None


class Site(Fact, frozen=True):
    """A data centre."""

    name: str
    pue_limit_milli: Natural | None = None
    power_limit_mw: Natural | None = None
    timezone: str | None = None
    energy_price_milli_per_mwh: int | None = None
    """Thousandths of the currency for a MWh, on average; below zero where one is paid to take it."""
    carbon_mg_per_kwh: Natural | None = None
    """Grams of CO2 for a kWh by the grid that the site hangs on (location-based), in thousandths."""
    currency: str | None = None


class Rack(Fact, frozen=True):
    """A rack and what feeds it."""

    name: str
    site: str | None = None
    power_limit_mw: Natural | None = None


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
    power_mw: Natural | None = None
    """What flows at the metering point: of a UPS at its output, of everything else at its input."""
    energy_mj: Natural | None = None
    """A register that only grows."""
    read_at_s: int | None = None
    """Unix time."""
    energy_from_s: int | None = None
    """When the register stood at 0; None: not known, so one reading tells no energy of any period."""
    wraps_at_mj: Natural | None = None
    """Where the register starts again from 0."""
    input_mw: Natural | None = None
    """Of a UPS: what it draws."""
    nominal_mw: Natural | None = None
    """What it is built for: the nameplate, never a measurement."""
    load_milli: Natural | None = None
    """Of what it is built for, in thousandths, as it tells it."""
    efficiency_milli: Natural | None = None
    """Output over input in thousandths, as it tells it."""
    status: str = ""
    """What a UPS says of itself, in the words of NUT: `OL CHRG`; empty: it does not say."""


class Fleet(Fact, frozen=True):
    """Everything known at one moment, from every source that was asked, and what could not be learned."""

    name: str = ""
    taken_at_s: Moment | None = None
    """Unix time."""
    sites: tuple[Site, ...] = ()
    racks: tuple[Rack, ...] = ()
    nodes: tuple[Node, ...] = ()
    pools: tuple[Pool, ...] = ()
    links: tuple[Link, ...] = ()
    workloads: tuple[Workload, ...] = ()
    templates: dict[str, Template] = field(default_factory=dict)
    """What members may need of a node, by key: the same content has the same key (placement.key_of)."""
    disruptions: dict[str, Disruption] = field(default_factory=dict)
    """What decides about evictions of members, by key: the same content has the same key."""
    meters: tuple[PowerMeter, ...] = ()
    gaps: tuple[Gap, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    sources: tuple[SourceRun, ...] = ()
    quotas: tuple[Quota, ...] = ()
    left_out: LeftOut = LeftOut()
