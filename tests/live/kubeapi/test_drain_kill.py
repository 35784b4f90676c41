"""kill -9 at a sample of the writes of a drain; `bench_drain_kill.py` takes them all."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.live.kubeapi.killing import SCENARIOS, Killed, Scenario

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = 5


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_killed_at_a_write_and_resumed_the_end_is_the_same(scenario: Scenario, tmp_path: Path) -> None:
    killed = Killed(scenario, tmp_path)
    points, end = killed.undisturbed()
    for point in random.Random(points).sample(range(1, points + 1), SAMPLE):
        assert killed.at(point) == end, f"killed at point {point} of {points}"
