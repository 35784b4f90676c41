"""Reasons as bits: the lowest one counts a bin, and every bin is counted once."""

from __future__ import annotations

import numpy as np
import pytest

from dcctl.packing.reasons import Reason, counted, first


def test_every_bin_is_counted_once_under_its_lowest_bit() -> None:
    bits = np.array([0, Reason.CPU, Reason.TAINT | Reason.CPU, Reason.TAINT, 0], np.int64)
    assert counted(bits) == {Reason.TAINT: 2, Reason.CPU: 1}
    assert counted(np.zeros(0, np.int64)) == {}


def test_the_first_reason() -> None:
    assert first(Reason.TAINT | Reason.CPU) == Reason.TAINT
    with pytest.raises(ValueError, match="nothing is refused"):
        first(0)
