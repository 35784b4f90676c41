"""Which PCI functions are accelerators: a vendor is a row of this table, not a branch in the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.sources.machine.facts import PciFacts


class Vendor(Struct, frozen=True):
    """How the accelerators of one vendor are recognised and called."""

    pci_id: str
    name: str
    resource: str
    """Default name under which Kubernetes hands them out."""
    classes: tuple[str, ...] = ()
    """Prefixes of the PCI class that count."""
    devices: tuple[str, ...] = ()
    """When given, only these device ids count: the vendor uses a class that says nothing."""


# Classes: 0300 VGA, 0302 3D controller, 0380 other display controller, 1200 processing accelerator (PCI Code
# and ID Assignment). Ids from pci.ids. Where a class would take in something else it is left out: Huawei's
# 0300 is the console of its iBMC, Intel's 0300 the graphics of a desktop processor, NVIDIA's 0680 an
# NVSwitch.
VENDORS = (
    Vendor("0x10de", "nvidia", "nvidia.com/gpu", ("0x0300", "0x0302", "0x12")),
    Vendor("0x1002", "amd", "amd.com/gpu", ("0x0300", "0x0302", "0x0380", "0x12")),
    Vendor("0x19e5", "huawei", "huawei.com/Ascend910", ("0x12",)),
    Vendor("0x1da3", "habana", "habana.ai/gaudi", ("0x12",)),
    Vendor("0x8086", "intel", "gpu.intel.com/i915", ("0x0380", "0x12")),
    # TPU v2/v3, v4, v5p, v5e, v6e, v7x; the other Google functions are gVNIC and a disk.
    Vendor(
        "0x1ae0", "google", "google.com/tpu", (), ("0x0027", "0x005e", "0x0062", "0x0063", "0x006f", "0x0076")
    ),
    # Inferentia, Trainium, Inferentia2, Trainium2.
    Vendor("0x1d0f", "aws", "aws.amazon.com/neuron", (), ("0x7064", "0x7164", "0x7264", "0x7364")),
    Vendor("0xcabc", "cambricon", "cambricon.com/mlu", ("0x0302", "0x12")),
    Vendor("0x1d94", "hygon", "hygon.com/dcu", ("0x0300", "0x0302", "0x0380", "0x12")),
    Vendor("0x1ed5", "mthreads", "mthreads.com/gpu", ("0x0300", "0x0302", "0x12")),
    Vendor("0x1e36", "enflame", "enflame.com/gcu", ("0x12",)),
    Vendor("0x1d22", "kunlunxin", "kunlunxin.com/xpu", ("0x12",)),
)
_BY_ID = {vendor.pci_id: vendor for vendor in VENDORS}


def vendor_of(function: PciFacts) -> Vendor | None:
    """The vendor whose accelerator this PCI function is; None when it is none, or a virtual function.

    A virtual function as seen on the host of its board is a share of that board, not another board.
    """
    vendor = _BY_ID.get(function.vendor.strip().lower())
    if vendor is None or function.virtual_function:
        return None
    if vendor.devices:
        return vendor if function.device.strip().lower() in vendor.devices else None
    return vendor if function.pci_class.strip().lower().startswith(vendor.classes) else None


PASSTHROUGH_DRIVERS = ("vfio-pci", "pci-stub", "xen-pciback")
"""Kernel drivers of a board that was handed to a virtual machine: no other driver is expected here."""


def on_bus(functions: Iterable[PciFacts] | None, vendor: str = "nvidia") -> int | None:
    """Number of boards of `vendor` that this machine itself should be using; None when nobody looked."""
    if functions is None:
        return None
    own = (function for function in functions if function.driver not in PASSTHROUGH_DRIVERS)
    names = (found.name for found in map(vendor_of, own) if found is not None)
    return sum(1 for name in names if name == vendor)
