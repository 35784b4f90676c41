"""Accelerators in their slots, and what their nodes tell of drivers, services and logs."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import field

from dcctl.inventory.devices import Fact, Natural
from dcctl.inventory.evidence.base import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping


class BoardLink(Fact, frozen=True):
    """One NVLink of a board. Its number is that of the port on the chip: it does not move."""

    number: Natural
    up: bool | None = None
    speed_bps: Natural | None = None
    crc: Natural | None = None
    replays: Natural | None = None
    recoveries: Natural | None = None
    """Counters since the driver was loaded."""


@lru_cache(maxsize=256)
def _counted(links: tuple[BoardLink, ...]) -> Mapping[str, int]:
    """The counters of links that were told, by name: most boards have the same, 54 at 0."""
    return {
        f"link {link.number} {name}": value
        for link in links
        for name, value in (("crc", link.crc), ("replays", link.replays), ("recoveries", link.recoveries))
        if value is not None
    }


class Board(Subject, frozen=True, kw_only=True):
    """A board in its slot, with its counters and modes as they were read."""

    node: str
    uuid: str | None = None
    slot: str | None = None
    """PCI address."""
    index: Natural = 0
    """As the driver counts today: for people, never part of a key that a UUID or a slot can make."""
    vendor: str = "nvidia"
    model: str | None = None
    guest: bool = False
    """Handed to this machine by a hypervisor, which keeps its counters and modes."""
    busy_milli: Natural | None = None
    performance_state: Natural | None = None
    """0 is full speed; NVML's P-state."""
    ecc_enabled: bool | None = None
    ecc_pending: bool | None = None
    """The mode after the next reset."""
    ecc_uncorrected: Natural | None = None
    """Since the driver was loaded, wherever they were."""
    ecc_dram_uncorrected: Natural | None = None
    ecc_sram_uncorrected: Natural | None = None
    ecc_corrected: Natural | None = None
    """Over the life of the board."""
    remapped_corrected: Natural | None = None
    remapped_uncorrected: Natural | None = None
    remap_pending: bool | None = None
    remap_failed: bool | None = None
    remap_histogram: tuple[Natural, ...] | None = None
    """Banks by how many spare rows are left: all, most, some, few, none."""
    retired_pages: Natural | None = None
    retire_pending: bool | None = None
    throttle: tuple[str, ...] | None = None
    """Active reasons by NVML's names; empty: it runs free."""
    violations_ns: dict[str, Natural] | None = None
    """Time held back since the driver was loaded, by reason."""
    temperature_c: int | None = None
    memory_temperature_c: int | None = None
    slowdown_c: int | None = None
    memory_max_c: int | None = None
    pcie_generation: Natural | None = None
    pcie_width: Natural | None = None
    pcie_max_generation: Natural | None = None
    pcie_max_width: Natural | None = None
    pcie_replays: Natural | None = None
    aer: dict[str, Natural] | None = None
    """Errors that the PCI port reported since boot: correctable, nonfatal, fatal."""
    nvlinks: tuple[BoardLink, ...] | None = None
    """Empty: the board has none."""
    fabric_state: Natural | None = None
    """NVML: 0 not supported, 1 not started, 2 in progress, 3 completed."""
    fabric_status: Natural | None = None
    """How the last registration ended: 0 is success."""
    fabric_degraded: bool | None = None
    nvlink_domain: str | None = None
    """Where NVLink spans nodes."""
    persistence: bool | None = None
    power_cap_mw: Natural | None = None
    power_default_cap_mw: Natural | None = None
    app_sm_clock_hz: Natural | None = None
    default_sm_clock_hz: Natural | None = None
    compute_mode: str | None = None
    mig_enabled: bool | None = None
    mig_pending: bool | None = None
    inforom_valid: bool | None = None
    recovery_action: str | None = None
    """What the driver asks for: none, gpu_reset, node_reboot, …"""
    vbios: str | None = None
    gsp: str | None = None
    """Firmware of the GPU system processor."""

    @property
    def bus_counted(self) -> dict[str, int]:
        """The error counters of its link to the host, by name."""
        found = {f"aer {name}": value for name, value in (self.aer or {}).items()}
        return found if self.pcie_replays is None else {"replays": self.pcie_replays, **found}

    @property
    def links_counted(self) -> Mapping[str, int]:
        """The counters of all its NVLinks, by name."""
        return _counted(self.nvlinks or ())

    @property
    def counted(self) -> dict[str, int]:
        """Every counter that an audit compares with the last run, by name."""
        held = {f"violation {name}": value for name, value in (self.violations_ns or {}).items()}
        ecc = {} if self.ecc_corrected is None else {"ecc_corrected": self.ecc_corrected}
        return {**ecc, **held, **self.bus_counted, **self.links_counted}

    @property
    def name(self) -> str:
        """UUID, else the slot, else the index."""
        return self.uuid or self.slot or f"index {self.index}"

    @property
    def key(self) -> str:
        """`gpu017/GPU-0b2f…`: what it is called although drivers count anew at each start."""
        return f"{self.node}/{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its node."""
        return (self.node,)


class LoggedFault(Fact, frozen=True):
    """One kind of fault that the driver wrote to the kernel's log about one device."""

    number: Natural
    """XID, or SXID of a switch."""
    slot: str = ""
    at_s: Natural | None = None
    """Unix time of the last one; None: not told."""
    times: Natural = 1
    source: str = "gpu"
    """`gpu`, or `switch`."""
    fatal: bool | None = None
    """What the line itself says."""
    text: str = ""


class Service(Fact, frozen=True):
    """A unit of systemd."""

    load: str = ""
    """`loaded`, `masked`, or `not-found`."""
    active: str = ""
    """`active`, `activating`, `inactive`, `failed`."""
    since_s: Natural | None = None
    """When it came into this state."""


class Diagnostic(Fact, frozen=True):
    """A record of `dcgmi diag`."""

    level: Natural
    at_s: Natural
    passed: bool
    failed: tuple[str, ...] = ()
    """Names of the tests that failed."""


class BusBandwidth(Fact, frozen=True):
    """A record of an all-reduce by nccl-tests."""

    at_s: Natural
    bps: Natural
    """Bus bandwidth at the largest message, in bits per second."""


class GpuNode(Subject, frozen=True, kw_only=True):
    """A node with accelerators: what counts them, runs them, and wrote of them."""

    node: str
    vendor: str = "nvidia"
    model: str | None = None
    counts: dict[str, Natural] | None = None
    """How many boards each view has: `pci`, `nvml`, `kubernetes`."""
    unanswered: dict[str, str] | None = None
    """Boards that hung, are lost or were not read, by UUID, slot or index, and why."""
    switches: Natural | None = None
    """NVSwitches on the PCI bus."""
    services: dict[str, Service] | None = None
    """By the name of the unit, without `.service`."""
    fabric_states: dict[str, Natural] | None = None
    """Boards by the word of their fabric state; only of those that have one."""
    multi_node: bool | None = None
    """NVLink spans several nodes."""
    xids: tuple[LoggedFault, ...] | None = None
    """Since boot."""
    fallen: tuple[LoggedFault, ...] | None = None
    """Boards that the log says have fallen off the bus; `number` 79 with a XID, 0 without."""
    modules: tuple[str, ...] | None = None
    """Kernel modules that are loaded."""
    dma_buf: bool | None = None
    """The kernel and the driver hand memory of boards to NICs by dma-buf."""
    acs_redirects: tuple[str, ...] | None = None
    """PCI bridges that send peer traffic up to the root complex."""
    rdma: bool | None = None
    """It has InfiniBand or RoCE ports."""
    diagnostics: tuple[Diagnostic, ...] | None = None
    bandwidths: tuple[BusBandwidth, ...] | None = None
    versions: dict[str, str] | None = None
    """By what: driver, cuda, fabricmanager, ofed, kernel, cmdline, os, microcode, bios, containerd, …"""
    names: dict[str, str] = field(default_factory=dict)
    """UUID by slot: what a log line is about."""

    @property
    def key(self) -> str:
        """Its name."""
        return self.node

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Itself."""
        return (self.node,)
