"""Reads network ports and disks of this machine from sysfs, as `facts` wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.probes.rules import NIC_FILES, NOT_DISKS, NOT_NICS, PORT_COUNTERS, PORT_FILES
from dcctl.inventory.sources.machine.facts import DiskFacts, NicFacts
from dcctl.inventory.sources.machine.sysfs import entries, link_name, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_nics(root: Path) -> tuple[NicFacts, ...] | None:
    """Interfaces but lo, then InfiniBand ports without an interface; None where there is no sysfs."""
    if not (root / "sys/class/net").is_dir():
        return None
    interfaces = [_interface(path) for path in entries(root / "sys/class/net") if path.name not in NOT_NICS]
    return (*interfaces, *_bare_ports(root / "sys/class/infiniband"))


def _interface(path: Path) -> NicFacts:
    device = path / "device"
    hca = next(iter(entries(device / "infiniband")), None)
    port = int(text(path / "dev_port") or 0) + 1
    return NicFacts(
        name=path.name,
        files=texts(path, NIC_FILES),
        driver=link_name(device / "driver"),
        pci_address=_address(device),
        numa_node=text(device / "numa_node"),
        firmware=text(hca / "fw_ver") if hca else None,
        rdma=_rdma(hca, hca / "ports" / str(port)) if hca else {},
        virtual_function=(device / "physfn").exists(),
    )


def _address(device: Path) -> str | None:
    """The PCI address that a device link leads to. A virtio device is one step below its PCI function."""
    parts = reversed(device.resolve().parts) if device.exists() else ()
    return next((part for part in parts if len(part) == 12 and part[4] == part[7] == ":"), None)


def _rdma(hca: Path, port: Path) -> dict[str, str]:
    found = texts(port, PORT_FILES) | texts(hca, ("node_guid",)) | texts(port / "counters", PORT_COUNTERS)
    gid = text(port / "gids/0")
    if gid and gid.count(":") == 7:
        found["port_guid"] = ":".join(gid.split(":")[4:])
    return found


def _bare_ports(base: Path) -> Iterator[NicFacts]:
    for hca in entries(base):
        if entries(hca / "device/net"):
            continue
        for port in entries(hca / "ports"):
            yield NicFacts(
                name=f"{hca.name}/{port.name}",
                driver=link_name(hca / "device/driver"),
                pci_address=_address(hca / "device"),
                numa_node=text(hca / "device/numa_node"),
                firmware=text(hca / "fw_ver"),
                rdma=_rdma(hca, port),
                virtual_function=(hca / "device/physfn").exists(),
            )


def read_disks(root: Path) -> tuple[DiskFacts, ...] | None:
    """Block devices that are no loop, RAM, optical or stacked device; None where there is no sysfs."""
    if not (root / "sys/block").is_dir():
        return None
    return tuple(
        DiskFacts(
            name=path.name,
            sectors=text(path / "size"),
            rotational=text(path / "queue/rotational"),
            model=text(path / "device/model"),
        )
        for path in entries(root / "sys/block")
        if not path.name.startswith(NOT_DISKS)
    )
