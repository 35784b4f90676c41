"""What the raw readings of network ports, disks, mounts and PCI functions mean. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from dcctl.inventory.model import Accelerator, Disk, Mount, Nic, Pcie
from dcctl.inventory.sources.machine.figures import number, scaled
from dcctl.inventory.sources.machine.vendors import vendor_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.inventory.sources.machine.facts import DiskFacts, MountFacts, NicFacts, PciFacts

# include/uapi/linux/if_arp.h: ARPHRD_ETHER, ARPHRD_INFINIBAND.
_ETHERNET, _INFINIBAND = "1", "32"
_SECTOR_BYTES = 512
"""Unit of /sys/block/*/size, whatever the device's own sector is (Documentation/ABI/stable/sysfs-block)."""
_IB_WORD_BYTES = 4
"""Unit of port_rcv_data and port_xmit_data (InfiniBand PortCounters: data divided by 4)."""
# Transfer rate of a lane in GT/s and PCI Express generation (PCI Express Base Specification 6.0).
_PCIE_GENERATIONS = {"2.5": 1, "5.0": 2, "5": 2, "8.0": 3, "8": 3, "16.0": 4, "32.0": 5, "64.0": 6}


def parse_nics(rows: Iterable[NicFacts]) -> tuple[Nic, ...] | None:
    """Physical ports and bonds by name. None without any physical port: a container sees only its own."""
    ports = [row for row in rows if _is_port(row)]
    if not any(row.pci_address or row.rdma for row in ports):
        return None
    return tuple(_nic(row) for row in sorted(ports, key=lambda row: row.name))


def _is_port(row: NicFacts) -> bool:
    """Not lo, bridges, veth and tunnels; not the virtual functions that a host hands to its guests."""
    bond = "DEVTYPE=bond" in row.files.get("uevent", "").splitlines()
    return bond or (not row.virtual_function and bool(row.pci_address or row.driver or row.rdma))


def _nic(row: NicFacts) -> Nic:
    kind = _kind(row)
    counters = _ib_counters(row.rdma) if kind == "infiniband" else _counters(row.files)
    return Nic(
        name=row.name,
        kind=kind,
        up=_up(row),
        speed_bps=_speed_bps(row),
        mtu_bytes=number(row.files.get("mtu")),
        mac=row.files.get("address") if kind != "infiniband" else None,
        guid=_guid(row.rdma.get("port_guid")) or _guid(row.rdma.get("node_guid")),
        numa_node=numa(row.numa_node),
        pci_address=row.pci_address,
        driver=row.driver,
        firmware=row.firmware,
        **counters,
    )


def _kind(row: NicFacts) -> Literal["ethernet", "infiniband", "roce", "other"]:
    layer = row.rdma.get("link_layer", "").strip().lower()
    if row.files.get("type") == _INFINIBAND or layer == "infiniband":
        return "infiniband"
    if layer == "ethernet":
        return "roce"
    return "ethernet" if row.files.get("type") == _ETHERNET else "other"


def _up(row: NicFacts) -> bool | None:
    """An InfiniBand port by its own state, since its interface may be down while RDMA works."""
    state = row.rdma.get("state", "")
    if state and _kind(row) == "infiniband":
        return "ACTIVE" in state
    known = {"up": True, "down": False, "lowerlayerdown": False, "notpresent": False}
    up = known.get(row.files.get("operstate", "").strip())
    if up is None and "carrier" in row.files:
        return row.files["carrier"].strip() == "1"
    return up


def _speed_bps(row: NicFacts) -> int | None:
    """`rate` of an InfiniBand port (`400 Gb/sec (4X NDR)`), else `speed` in Mb/s: -1 when unknown."""
    rate = re.match(r"\s*([\d.]+)\s*Gb/sec", row.rdma.get("rate", ""))
    if rate and _kind(row) == "infiniband":
        return scaled(rate[1], 1_000_000_000)
    speed = number(row.files.get("speed"))
    return speed * 1_000_000 if speed else None


def _counters(files: Mapping[str, str]) -> dict[str, int | None]:
    names = ("rx_bytes", "tx_bytes", "rx_errors", "tx_errors")
    return {name: number(files.get(f"statistics/{name}")) for name in names}


def _ib_counters(rdma: Mapping[str, str]) -> dict[str, int | None]:
    received, sent = number(rdma.get("port_rcv_data")), number(rdma.get("port_xmit_data"))
    return {
        "rx_bytes": None if received is None else received * _IB_WORD_BYTES,
        "tx_bytes": None if sent is None else sent * _IB_WORD_BYTES,
        "rx_errors": number(rdma.get("port_rcv_errors")),
        "tx_errors": number(rdma.get("port_xmit_discards")),
    }


def _guid(text: str | None) -> str | None:
    """`0xb83fd20300a1b2c4`, as the InfiniBand tools write it, for the kernel's `b83f:d203:00a1:b2c4`."""
    digits = (text or "").strip().lower().removeprefix("0x").replace(":", "")
    return f"0x{digits}" if re.fullmatch(r"[0-9a-f]{16}", digits) and digits.strip("0") else None


def parse_disks(rows: Iterable[DiskFacts]) -> tuple[Disk, ...]:
    """Devices with data by name; an empty card reader and the hidden paths of a multipath NVMe are none."""
    found = (_disk(row) for row in sorted(rows, key=lambda row: row.name))
    return tuple(disk for disk in found if disk.size_bytes != 0 and not re.match(r"nvme\d+c\d+n", disk.name))


def _disk(row: DiskFacts) -> Disk:
    sectors = number(row.sectors)
    rotational = {"0": False, "1": True}.get((row.rotational or "").strip())
    kind: Literal["nvme", "ssd", "hdd", "other"] = "other"
    if row.name.startswith("nvme"):
        kind = "nvme"
    elif row.name.startswith(("sd", "hd")) and rotational is not None:
        kind = "hdd" if rotational else "ssd"
    size = None if sectors is None else sectors * _SECTOR_BYTES
    return Disk(
        name=row.name,
        size_bytes=size,
        model=(row.model or "").strip() or None,
        rotational=rotational,
        kind=kind,
    )


def parse_mounts(rows: Iterable[MountFacts]) -> tuple[Mount, ...]:
    """Mounts by path. Of several mounts of one block device (bind mounts, subvolumes) the first is kept."""
    seen: set[str] = set()
    kept: list[Mount] = []
    for row in rows:
        if row.device.startswith("/dev/") and row.device in seen:
            continue
        seen.add(row.device)
        kept.append(Mount(row.path, row.device, row.fstype, row.size_bytes, row.free_bytes))
    return tuple(sorted(kept, key=lambda mount: mount.path))


def parse_pci(rows: Iterable[PciFacts]) -> tuple[Accelerator, ...]:
    """The accelerators among PCI functions, in order of address: what the bus alone tells of each."""
    found = [(row, vendor_of(row)) for row in sorted(rows, key=lambda row: row.address)]
    known = [(row, vendor) for row, vendor in found if vendor is not None]
    return tuple(
        Accelerator(
            index=index,
            vendor=vendor.name,
            resource=vendor.resource,
            numa_node=numa(row.numa_node),
            pcie=Pcie(
                address=row.address,
                generation=_generation(row.link_speed),
                width=number(row.link_width) or None,
                max_generation=_generation(row.max_link_speed),
                max_width=number(row.max_link_width) or None,
            ),
        )
        for index, (row, vendor) in enumerate(known)
    )


def _generation(text: str | None) -> int | None:
    words = (text or "").split()
    return _PCIE_GENERATIONS.get(words[0]) if words else None


def numa(text: str | None) -> int | None:
    """A NUMA node; None for -1, the kernel's word for a machine that does not say."""
    return number(text)
