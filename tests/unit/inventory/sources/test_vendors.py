"""Which PCI functions are accelerators."""

import pytest

from dcctl.inventory.probes.rules import ACCELERATOR_CLASSES, LISTED_VENDORS
from dcctl.inventory.sources.machine.facts import PciFacts
from dcctl.inventory.sources.machine.vendors import VENDORS, on_bus, vendor_of


def _function(vendor: str, pci_class: str, device: str = "0x0001", *, physfn: bool = False) -> PciFacts:
    return PciFacts("0000:01:00.0", vendor, device, pci_class, virtual_function=physfn)


@pytest.mark.parametrize(
    ("vendor", "pci_class", "device", "name"),
    [
        ("0x10de", "0x030200", "0x2330", "nvidia"),
        ("0x10de", "0x030000", "0x2684", "nvidia"),
        ("0x10DE\n", "0x030200\n", "0x2330", "nvidia"),
        ("0x10de", "0x068000", "0x22a3", None),
        ("0x10de", "0x040300", "0x22ba", None),
        ("0x1002", "0x120000", "0x74a1", "amd"),
        ("0x19e5", "0x120000", "0xd802", "huawei"),
        ("0x19e5", "0x030000", "0x1711", None),
        ("0x1da3", "0x120000", "0x1020", "habana"),
        ("0x8086", "0x030000", "0x4680", None),
        ("0x1ae0", "0x088000", "0x0063", "google"),
        ("0x1ae0", "0x020000", "0x0042", None),
        ("0x1d0f", "0x088000", "0x7164", "aws"),
        ("0x1d0f", "0x010802", "0x8061", None),
        ("0x1a03", "0x030000", "0x2000", None),
    ],
)
def test_boards_are_told_from_the_rest(vendor: str, pci_class: str, device: str, name: str | None) -> None:
    found = vendor_of(_function(vendor, pci_class, device))
    assert (found.name if found else None) == name


def test_a_virtual_function_on_its_host_is_no_further_board() -> None:
    assert vendor_of(_function("0x10de", "0x030200", physfn=True)) is None


def test_readers_list_every_function_that_the_table_knows() -> None:
    for vendor in VENDORS:
        assert not vendor.devices or vendor.pci_id in LISTED_VENDORS
        assert all(pci_class.startswith(ACCELERATOR_CLASSES) for pci_class in vendor.classes)


def test_boards_of_guests_are_not_expected_to_have_a_driver() -> None:
    own = PciFacts("0000:01:00.0", "0x10de", "0x2330", "0x030200", driver="nvidia")
    guest = PciFacts("0000:02:00.0", "0x10de", "0x2330", "0x030200", driver="vfio-pci")
    assert on_bus((own, guest, _function("0x1002", "0x120000"))) == 1
    assert on_bus(None) is None
