"""What counts as requested."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.inventory.model import Fleet, Gap, Member, Phase, Resources
from dcctl.inventory.occupancy.demand import demand_of, requested, waiting
from tests.unit.assess.fleet.build import GIB, asks, node, work


@pytest.mark.parametrize(
    ("phase", "counts"),
    [("running", True), ("unknown", True), ("pending", True), ("succeeded", False), ("failed", False)],
)
def test_bound_members_count_until_they_have_finished(phase: Phase, counts: bool) -> None:
    one = work("a", asks(cpus=3))
    one = replace(one, members=tuple(replace(m, phase=phase) for m in one.members))
    assert (("n1" in requested((one,))) is counts) is True


def test_a_member_without_a_node_takes_nothing_and_waits() -> None:
    one = work("a", asks(gpus=4), where=None, count=2)
    assert requested((one,)) == {}
    (row,) = waiting((one,))
    assert (row.members, row.accelerators) == (2, 8)


def test_requests_are_summed_by_dimension() -> None:
    both = requested((work("a", asks(cpus=3, gib=5), count=2), work("d", asks(gpus=0), kind="DaemonSet")))[
        "n1"
    ]
    assert (both.cpu_milli, both.memory_bytes, both.pods) == (14_000, 18 * GIB, 3)
    assert both.devices == {"nvidia.com/gpu": 2}
    assert (both.daemons().cpu_milli, both.daemons().pods) == (8000, 1)


def test_devices_that_are_no_accelerators_hold_none() -> None:
    wants = Resources(devices={"rdma/hca": 4, "hugepages-2Mi": 512})
    demand = requested((work("a", wants),))["n1"]
    assert demand.holding == []
    assert demand.devices["rdma/hca"] == 4


def test_requests_are_unknown_where_pods_could_not_be_listed() -> None:
    fleet = Fleet(nodes=(node(),), gaps=(Gap("kubernetes:t", "pods", "403", "denied", part="work"),))
    assert demand_of(fleet) == {"n1": None}


def test_a_gap_of_another_source_or_subject_hides_no_requests() -> None:
    gaps = (
        Gap("kubernetes:other", "pods", "403", part="work"),
        Gap("kubernetes:t", "pods jobs workloads", "timed out", part="devices"),
        Gap("kubernetes:t", "jobs/one", "no quantity", part="work", node="n9"),
    )
    (demand,) = demand_of(Fleet(nodes=(node(),), gaps=gaps)).values()
    assert demand is not None
    assert (demand.cpu_milli, demand.complete) == (0, True)


def test_a_gap_in_the_work_of_one_node_makes_its_sums_lower_bounds() -> None:
    gap = Gap("kubernetes:t", "jobs/one", "no quantity", part="work", node="n1")
    nodes, works = (node(), node("n2")), (work("a", asks(cpus=3)),)
    first, second = demand_of(Fleet(nodes=nodes, workloads=works, gaps=(gap,))).values()
    assert first is not None
    assert second is not None
    assert (first.cpu_milli, first.complete, second.complete) == (3000, False, True)


def test_requests_that_nobody_could_read_are_unknown_in_the_queue() -> None:
    unread = replace(work("a", asks(), where=None), members=(Member("a-0", None, "pending", None),))
    (row,) = waiting((unread,))
    assert (row.members, row.accelerators, row.cpu_milli, row.memory_bytes) == (1, None, None, None)


def test_a_cgroup_limit_is_no_scheduler() -> None:
    limited = node(sources=("local",), allocatable=Resources(4000, GIB))
    assert demand_of(Fleet(nodes=(limited,))) == {"n1": None}


def test_a_slurm_node_without_devices_is_scheduled() -> None:
    plain = node(sources=("slurm:x",), allocatable=Resources(4000, GIB), accelerators=())
    assert demand_of(Fleet(nodes=(plain,)))["n1"] is not None


def test_phase_of_every_member_is_looked_at() -> None:
    mixed = replace(
        work("a", asks()), members=(Member("x", "n1", "running", asks()), Member("y", "n1", "failed", asks()))
    )
    assert requested((mixed,))["n1"].pods == 1


@pytest.mark.parametrize("phase", ["succeeded", "failed", "unknown", "running"])
def test_only_pending_members_wait(phase: Phase) -> None:
    one = work("a", asks(gpus=4), where=None, count=2)
    one = replace(one, members=(replace(one.members[0], phase=phase), one.members[1]))
    (row,) = waiting((one,))
    assert (row.members, row.accelerators) == (1, 4)


def test_a_member_is_as_many_pods_as_it_says() -> None:
    none, some = (work(name, replace(asks(), pods=pods)) for name, pods in (("a", 0), ("b", 3)))
    assert requested((none, some))["n1"].pods == 3
