"""Reads the PCI functions that may be accelerators from sysfs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.probes.rules import ACCELERATOR_CLASSES, LISTED_VENDORS
from dcctl.inventory.sources.machine.facts import PciFacts
from dcctl.inventory.sources.machine.sysfs import link_name, text

if TYPE_CHECKING:
    from pathlib import Path


def read_pci(root: Path) -> tuple[PciFacts, ...] | None:
    """Functions in order of address; empty without a PCI bus, None without a sysfs to look in."""
    if not (root / "sys/bus").is_dir():
        return None
    base = root / "sys/bus/pci/devices"
    if not base.is_dir():
        return ()
    functions = (_function(path) for path in sorted(base.iterdir()))
    return tuple(function for function in functions if function is not None)


def _function(path: Path) -> PciFacts | None:
    pci_class, vendor = text(path / "class"), text(path / "vendor")
    if pci_class is None or vendor is None:
        return None
    if not pci_class.startswith(ACCELERATOR_CLASSES) and vendor not in LISTED_VENDORS:
        return None
    return PciFacts(
        address=path.name,
        vendor=vendor,
        device=text(path / "device") or "",
        pci_class=pci_class,
        driver=link_name(path / "driver"),
        numa_node=text(path / "numa_node"),
        link_speed=text(path / "current_link_speed"),
        link_width=text(path / "current_link_width"),
        max_link_speed=text(path / "max_link_speed"),
        max_link_width=text(path / "max_link_width"),
        virtual_function=(path / "physfn").exists(),
    )
