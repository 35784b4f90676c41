"""Every rule that a schedule can break is told."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.packing.dag.problem import Edge, Problem, Schedule, Task
from dcctl.packing.dag.verify import faults

TWO = Problem(("x", "y"), (Task("a", (5, None)), Task("b", (5, 3))), (Edge(0, 1, (0, 4)),), ((0, 1), (1, 0)))
GOOD = Schedule((0, 1), (0, 9), (5, 12))


def test_a_good_one() -> None:
    assert faults(TWO, GOOD) == ()


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (Schedule((0,), (0,), (5,)), "not about the tasks"),
        (replace(GOOD, workers=(0, 2)), "b runs on no worker"),
        (replace(GOOD, workers=(1, 1)), "a cannot run on y"),
        (replace(GOOD, ends_ms=(5, 13)), "b runs for 4 ms, not 3 ms"),
        (Schedule((0, 1), (-1, 9), (4, 12)), "a starts before the beginning"),
        (Schedule((0, 1), (0, 8), (5, 11)), "b starts at 8 ms, but what a sends arrives at 9 ms"),
        (Schedule((0, 0), (0, 4), (5, 9)), "a and b run at the same time on x"),
    ],
)
def test_a_bad_one(schedule: Schedule, said: str) -> None:
    assert any(said in fault for fault in faults(TWO, schedule))
