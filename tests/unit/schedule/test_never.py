"""What can never fit is said so: more at once than all nodes have."""

from __future__ import annotations

from typing import Any

import pytest

from dcctl.packing.problem import ItemClass, Problem
from dcctl.schedule.never import never
from tests.unit.packing.problems import SPACE, a_bin, device, job, need


def told(asked: int, *, devices: int = 1, models: tuple[str, ...] = (), **other: Any) -> list[str]:
    """Of a fleet of two A100 that are held, and an H100."""
    bins = (
        a_bin("a", devices=(device(0, 0), device(1, 0))),
        a_bin("b", devices=(device(0, kind=1),)),
    )
    one = job("j", 0, asked, **other)
    return never(Problem(SPACE, bins, (ItemClass(need(devices=devices, models=models)),), (one,)), one)


@pytest.mark.parametrize("minimum", [0, 4000])
def test_more_at_once_than_there_is(minimum: int) -> None:
    text = "4,000 accelerators asked for at once; all nodes together have 3"
    assert told(4000, minimum=minimum) == [text]
    text = "4 accelerators asked for at once; all nodes together have 2 of a100"
    assert told(4, minimum=minimum and 4, models=("a100",)) == [text]


def test_what_could_fit_is_not_called_so() -> None:
    assert told(3, minimum=3) == []
    assert told(4000, minimum=2) == []
    assert told(4000, duration_s=60) == []
    assert told(2, models=("a100",)) == []
