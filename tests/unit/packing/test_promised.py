"""What is promised to those who stand on a node already is not free, in every dimension."""

from __future__ import annotations

import pytest

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Fleet, Member, Node, Resources, Workload
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.problem import BASIC, UNLIMITED

ALL = Resources(cpu_milli=8000, memory_bytes=800, storage_bytes=80, pods=10, bandwidth_bps=1000, power_mw=500)


def free(offered: Resources, *asked: Resources) -> dict[str, int]:
    """What is left of each dimension of one node of a cluster."""
    members = tuple(Member(f"m{at}", node="n", phase="running", requests=one) for at, one in enumerate(asked))
    whole = Fleet(
        nodes=(Node("n", capacity=offered, allocatable=offered),), workloads=(Workload("w", members=members),)
    )
    (one,) = problem_of(whole, whole.nodes, Asked()).bins
    return dict(zip(BASIC, one.free, strict=True))


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"bandwidth_bps": 300}, {"bandwidth_bps": 700, "power_mw": 500}),
        ({"power_mw": 200}, {"bandwidth_bps": 1000, "power_mw": 300}),
        ({"bandwidth_bps": 1200}, {"bandwidth_bps": -200}),
        ({"cpu_milli": 1000, "memory_bytes": 100}, {"cpu_milli": 7000, "memory_bytes": 700, "pods": 9}),
    ],
)
def test_what_is_promised_is_not_free(asked: dict[str, int], left: dict[str, int]) -> None:
    found = free(ALL, Resources(**asked))  # type: ignore[arg-type]
    assert {name: found[name] for name in left} == left


def test_all_members_count_and_nobody_counts_what_is_not_told() -> None:
    two = Resources(cpu_milli=1, bandwidth_bps=100, power_mw=50), Resources(cpu_milli=1, bandwidth_bps=200)
    found = free(ALL, *two)
    assert (found["bandwidth_bps"], found["power_mw"]) == (700, 450)
    found = free(Resources(cpu_milli=8000, memory_bytes=1, storage_bytes=1, pods=10), *two)
    assert (found["bandwidth_bps"], found["power_mw"]) == (UNLIMITED, UNLIMITED)
