"""Ports of the fabric."""

from dcctl.inventory.devices import Natural
from dcctl.inventory.evidence.base import Subject


class FabricPort(Subject, frozen=True, kw_only=True):
    """An InfiniBand or RoCE port as its node sees it."""

    node: str
    name: str
    """Device and port as the kernel counts today: `mlx5_3/1`."""
    slot: str | None = None
    """PCI address."""
    port: Natural = 1
    netdev: str | None = None
    layer: str | None = None
    """`infiniband` or `ethernet` (RoCE)."""
    state: str | None = None
    """`ACTIVE`, `INIT`, `DOWN`, …"""
    physical: str | None = None
    """`LinkUp`, `Polling`, `Disabled`, …"""
    rate_bps: Natural | None = None
    lanes: Natural | None = None
    counters: dict[str, Natural] | None = None
    """As in /sys/class/infiniband, from when they were last cleared."""
    carrier_changes: Natural | None = None
    mtu_bytes: Natural | None = None
    trust: str | None = None
    """What a RoCE port sorts packets by: `dscp` or `pcp`."""
    pfc: tuple[Natural, ...] | None = None
    """Priorities with flow control."""
    ecn: tuple[Natural, ...] | None = None
    """Priorities with congestion notification."""
    traffic_class: Natural | None = None
    guid: str | None = None
    peer: str | None = None
    """Switch and port at the far end, by LLDP."""
    firmware: str | None = None
    psid: str | None = None
    """Board id: which firmware fits."""
    model: str | None = None

    @property
    def counted(self) -> dict[str, int]:
        """Every counter that an audit compares with the last run, by name."""
        flaps = {} if self.carrier_changes is None else {"carrier_changes": self.carrier_changes}
        return {**(self.counters or {}), **flaps}

    @property
    def key(self) -> str:
        """`gpu017/0000:9a:00.0`, with the port if it is not the first; names move, a slot does not."""
        port = f"/{self.port}" if self.port > 1 else ""
        return f"{self.node}/{self.slot}{port}" if self.slot else f"{self.node}/{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its node."""
        return (self.node,)
