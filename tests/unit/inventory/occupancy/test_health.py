"""What a reading says is wrong with a board."""

from __future__ import annotations

import pytest

from dcctl.inventory.model import Accelerator, Ecc, NvLink, Pcie
from dcctl.inventory.occupancy.health import is_faulty, must_be_replaced, signs_of

_NARROW = "PCIe link narrower than the board's"


@pytest.mark.parametrize(
    ("reading", "faults", "faulty"),
    [
        (Accelerator(0), [], False),
        (Accelerator(0, pcie=Pcie(width=8, max_width=16)), [_NARROW], False),
        (Accelerator(0, pcie=Pcie(width=16, max_width=8)), [], False),
        (Accelerator(0, pcie=Pcie(width=8)), [], False),
        (Accelerator(0, throttle=("SwPowerCap",)), [], False),
        (Accelerator(0, throttle=("HwThermalSlowdown",)), ["slowed down: cooling"], True),
        (Accelerator(0, nvlinks=(NvLink(0, up=True), NvLink(1, up=False))), ["NVLink down"], True),
        (Accelerator(0, ecc=Ecc(remap_pending=True)), ["row remapping pending: reset the board"], True),
        (Accelerator(0, ecc=Ecc(remap_failed=True)), ["row remapping failed: replace the board"], True),
        (Accelerator(0, ecc=Ecc(volatile_uncorrected=1)), ["uncorrectable memory errors"], True),
        (Accelerator(0, ecc=Ecc(volatile_corrected=9)), [], False),
    ],
)
def test_only_what_a_reading_states(reading: Accelerator, faults: list[str], faulty: bool) -> None:
    assert [sign.fault for sign in signs_of(reading)] == faults
    assert is_faulty(reading) is faulty
    assert must_be_replaced(reading) is ("replace" in "".join(faults))


def test_a_board_without_an_index_is_called_by_its_position() -> None:
    down = (NvLink(0, up=False),)
    assert [sign.where for sign in signs_of(Accelerator(3, nvlinks=down), 5)] == ["gpu3"]
    assert [sign.where for sign in signs_of(Accelerator(-1, nvlinks=down), 5)] == ["gpu5"]
