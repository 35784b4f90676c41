"""What a site wants of its accelerators and fabric ports: limits, and one profile for each pool."""

from msgspec import Struct, field

from dcctl.inventory.devices import Natural

DAY_S = 86_400


class PoolProfile(Struct, frozen=True, forbid_unknown_fields=True):
    """What the nodes of a pool have to be. What is None is not prescribed, and the vendor's value holds."""

    boards: Natural | None = None
    model: str | None = None
    """How the model has to begin."""
    nvlinks: Natural | None = None
    nvlink_mbps: Natural | None = None
    """MB/s of one link in one direction, as nvidia-smi tells it."""
    power_cap_w: Natural | None = None
    sm_clock_mhz: Natural | None = None
    compute_mode: str | None = None
    mig: bool | None = None
    modules: tuple[str, ...] | None = None
    """Kernel modules for GPUDirect RDMA. None: nvidia_peermem, or dma-buf."""
    acs_redirect: bool = False
    """Peer traffic may go by way of the root complex, as virtual machines need it."""
    ports: Natural | None = None
    port_gbps: Natural | None = None
    lanes: Natural | None = None
    mtu: Natural | None = None
    trust: str | None = None
    pfc: tuple[Natural, ...] | None = None
    ecn: tuple[Natural, ...] | None = None
    traffic_class: Natural | None = None
    rails: dict[str, str] = field(default_factory=dict)
    """By PCI address of the port: how its far end (switch and port), or its GUID, has to begin."""
    bus_bandwidth_gbs: Natural | None = None
    """The least that an all-reduce reaches, in GB/s."""


class GpuPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """The section [audit.gpu]. Limits are those of gcm, AzureHPC's node health checks, and NVIDIA's."""

    profiles: dict[str, PoolProfile] = field(default_factory=dict)
    """By name of the pool."""
    ecc_corrected_per_day: Natural = 10_000
    """Errors of a board that ECC corrected, at most, in a day."""
    ecc_corrected_total: Natural = 50_000_000
    """Over the life of the board."""
    remapped_uncorrected: Natural = 512
    """Rows of a board that may have been remapped for errors that ECC could not correct."""
    retired_pages: Natural = 10
    """Pages of a board that may be retired."""
    busy_milli: Natural = 500
    """A board that is as busy as this is under load: only then its clocks and links tell anything."""
    temperature_margin_c: Natural = 5
    """So many degrees below its limit a board has to stay."""
    temperature_outlier_c: Natural = 15
    """Above the median of busy boards of its model in its pool."""
    least_peers: Natural = 8
    """So many peers make a median."""
    held_back_milli: Natural = 50
    """Share of the time since the last run that heat or power may hold a board back, in thousandths."""
    power_cap_slack_w: Natural = 1
    """By so much a power cap may differ from what it should be."""
    xid_look_back_s: Natural = DAY_S
    """How far back the log counts where there was no run before."""
    diagnostic_r2_s: Natural = 30 * DAY_S
    """How old the last `dcgmi diag -r 2` may be."""
    diagnostic_r3_s: Natural = 180 * DAY_S
    """How old the last `dcgmi diag -r 3` may be."""


class FabricPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """The section [audit.fabric]. Counters are compared with the last run; 0 of them may have grown."""

    growth: dict[str, Natural] = field(
        default_factory=lambda: {"symbol_error": 10, "port_rcv_errors": 10, "link_error_recovery": 1}
    )
    """By how much a counter may grow between two runs, where it is not 0."""
    flaps: Natural = 0
    """How often a port may lose its carrier between two runs."""
    bandwidth_share_milli: Natural = 950
    """Of the median of the pool."""
    bandwidth_age_s: Natural = 30 * DAY_S
    """How old the last all-reduce may be."""


class DriftPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """The section [audit.drift]."""

    canaries: tuple[str, ...] = ()
    """Names and globs of nodes that run ahead of their pool, and are not compared with it."""
    rollout_share_milli: Natural = 250
    """A value that more of the pool than this share has is no deviation but a rollout under way."""
    accepted: dict[str, str] = field(default_factory=dict)
    """Digest of the profile that was accepted, by pool."""
