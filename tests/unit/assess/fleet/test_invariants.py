"""What holds for every fleet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.assess.fleet.capacity import group, merged, total
from dcctl.assess.fleet.idle import Rule
from dcctl.assess.fleet.judge import judge_fleet
from dcctl.assess.fleet.report import Options, report
from dcctl.inventory.model import (
    Accelerator,
    Fleet,
    Gap,
    Member,
    Node,
    NodeUse,
    Process,
    Resources,
    Taint,
    Workload,
)
from tests.examples import examples
from tests.unit.assess.fleet.build import GPU, NOW_S

_NAMES = ("n0", "n1", "n2", "n3")
_MIG = "nvidia.com/mig-3g.40gb"
_maybe = st.none() | st.integers(0, 1000)


@st.composite
def _accelerators(draw: st.DrawFn) -> tuple[Accelerator, ...] | None:
    if draw(st.integers(0, 5)) == 0:
        return None
    made: list[Accelerator] = []
    for index in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(("whole", "whole", "shared", "mig")))
        users = draw(st.sampled_from((None, (), (Process(1, pod_uid="u1"),))))
        shares = 4 if kind == "shared" else None
        board = Accelerator(
            index,
            f"b{index}",
            kind="shared" if shares else "whole",
            replicas=shares,
            busy_milli=draw(_maybe),
            processes=users,
        )
        made.append(board)
        if kind == "mig":
            made += [
                Accelerator(
                    2 * index + i,
                    f"m{index}{i}",
                    resource=_MIG,
                    kind="mig",
                    parent=f"b{index}",
                    processes=users,
                )
                for i in range(2)
            ]
    return tuple(made)


_amounts = st.none() | st.builds(
    Resources,
    cpu_milli=_maybe,
    memory_bytes=_maybe,
    pods=_maybe,
    devices=st.dictionaries(st.sampled_from((GPU, _MIG, "rdma/hca")), st.integers(0, 9), max_size=2),
)


@st.composite
def _node(draw: st.DrawFn, name: str) -> Node:
    return Node(
        name,
        pools=draw(st.sampled_from(((), ("a",), ("b",)))),
        sources=(draw(st.sampled_from(("kubernetes:k", "ssh:s"))),),
        site=draw(st.sampled_from((None, "x", "y"))),
        ready=draw(st.sampled_from((None, True, False))),
        schedulable=draw(st.sampled_from((None, True, False))),
        taints=draw(st.sampled_from(((), (Taint("t", "NoSchedule"),)))),
        capacity=draw(_amounts),
        allocatable=draw(_amounts),
        use=draw(st.none() | st.builds(NodeUse, cpu_milli=_maybe, memory_bytes=_maybe)),
        accelerators=draw(_accelerators()),
    )


_member = st.builds(
    Member,
    name=st.just("m"),
    node=st.none() | st.sampled_from(_NAMES),
    phase=st.sampled_from(("pending", "running", "succeeded", "unknown")),
    requests=_amounts.map(lambda amount: amount or Resources()),
    devices=st.lists(st.sampled_from(("b0", "m10")), max_size=2).map(tuple),
    uid=st.sampled_from((None, "u1")),
)


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Small fleets of every kind, odd ones included."""
    workloads = tuple(
        Workload(
            f"w{i}",
            kind=draw(st.sampled_from(("Job", "DaemonSet"))),
            members=tuple(draw(st.lists(_member, max_size=3))),
            started_at_s=draw(st.sampled_from((None, NOW_S, NOW_S - 9999))),
        )
        for i in range(draw(st.integers(0, 4)))
    )
    gaps = draw(st.sampled_from(((), (Gap("kubernetes:k", "pods", "403", part="work"),))))
    return Fleet("h", nodes=tuple(draw(_node(name)) for name in _NAMES), workloads=workloads, gaps=gaps)


@given(fleets())
@examples(200)
def test_every_board_is_in_exactly_one_state_and_nothing_is_negative(fleet: Fleet) -> None:
    whole = total("", judge_fleet(fleet, Rule(), NOW_S))
    parts = (whole.allocated, whole.free, whole.stranded, whole.unavailable, whole.unknown)
    assert min(parts) >= 0
    assert sum(parts) == whole.boards == sum(whole.resources.values())
    assert 0 <= whole.idle <= whole.idle_measured <= whole.allocated
    for sums in whole.dimensions.values():
        for value in (sums.capacity, sums.allocatable, sums.requested, sums.used, sums.free):
            assert value is None or value >= 0


@given(fleets(), st.sampled_from(("pool", "site", "rack", "node", "model")))
@examples(100)
def test_groups_that_part_the_fleet_add_up_to_it(fleet: Fleet, by: str) -> None:
    states = judge_fleet(fleet, Rule(), NOW_S)
    groups = group(states, by)  # type: ignore[arg-type]  # one of By
    summed, whole = merged("", groups), total("", states)
    summed.states = whole.states
    assert summed == whole


@given(fleets())
@examples(100)
def test_the_same_fleet_gives_the_same_report(fleet: Fleet) -> None:
    assert report(fleet, Options(), NOW_S) == report(fleet, Options(), NOW_S)


@given(fleets())
@examples(100)
def test_the_order_of_nodes_and_workloads_changes_no_sum(fleet: Fleet) -> None:
    turned = Fleet("h", nodes=fleet.nodes[::-1], workloads=fleet.workloads[::-1], gaps=fleet.gaps)
    one, other = report(fleet, Options(), NOW_S), report(turned, Options(), NOW_S)
    keys = ("accelerators", "allocated", "free", "stranded", "unavailable", "unknown")
    assert [one.summary[key] for key in keys] == [other.summary[key] for key in keys]


@pytest.mark.parametrize("key", ["cpu_milli", "memory_bytes", "storage_bytes", "pods"])
def test_none_in_is_none_out(key: str) -> None:
    fleet = Fleet(
        nodes=(Node("x", sources=("kubernetes:k",), capacity=Resources(), allocatable=Resources()),)
    )
    sums = total("", judge_fleet(fleet, Rule(), NOW_S)).dimensions[key]
    assert (sums.capacity, sums.allocatable, sums.requested, sums.used, sums.free) == (None,) * 5
