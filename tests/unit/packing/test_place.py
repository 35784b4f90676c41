"""Gangs whole or not at all, and what a plan does not depend on."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Fleet, Member, Node, Resources, SourceRun, Workload
from dcctl.inventory.placement import HostPort, Neighbours, Selector, Template, level_key
from dcctl.packing.fit.feasibility import accepts
from dcctl.packing.intake.demand import Classes
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.problem import LEVELS, Held, ItemClass, Job, Problem, Task
from dcctl.packing.solve import Options, engine_of, solve
from dcctl.packing.verify.verify import verify
from tests.unit.packing.problems import GIB, SPACE, a_bin, device, job, need

if TYPE_CHECKING:
    from dcctl.inventory.placement import Level


def test_a_gang_of_which_members_are_missing_altogether_waits() -> None:
    """Two of four pods exist: they are not worth placing."""
    two = job("j", 0, 2, minimum=4)
    plan = solve(Problem(SPACE, (a_bin("n0"),), (ItemClass(need()),), (two,)))
    assert (plan.placed, plan.unplaced[0].members) == (0, 2)


def test_no_gang_goes_on_without_a_task() -> None:
    """Three workers fit, their master does not: a minimum of three is not met by workers alone."""
    bins = (a_bin("n0", 7_000, tuple(device(at) for at in range(3))),)
    classes = (ItemClass(need(8_000)), ItemClass(need(1_000, 1)))
    both = Job("j", (Task(0, ("master",)), Task(1, ("w0", "w1", "w2"))), minimum=3)
    assert solve(Problem(SPACE, bins, classes, (both,))).placed == 0
    assert solve(Problem(SPACE, (a_bin("n0", 10_000, bins[0].devices),), classes, (both,))).placed == 3


@pytest.mark.parametrize(("within", "stands"), [("rack", ["n2"]), ("node", []), (None, ["n0"])])
def test_members_that_join_others_stand_in_their_part(within: Level | None, stands: list[str]) -> None:
    """One member runs in n1 of the second rack: there, n2 has room, although n0 is the tighter fit."""
    rack = (("", "", "r1", "", ""), ("", "", "r2", "", ""))
    bins = (
        a_bin("n0", 1_000, path=rack[0]),
        a_bin("n1", 0, path=rack[1]),
        a_bin("n2", 2_000, path=rack[1]),
    )
    joins = job("j", 0, 1, within=within, homes=(1,))
    found = solve(Problem(SPACE, bins, (ItemClass(need()),), (joins,)), Options(policy="best-fit"))
    assert [one.node for one in found.assignments] == stands


@pytest.mark.parametrize("rack", ["r", ""])
def test_what_lies_within_one_zone_whichever_it_is(rack: str) -> None:
    """Nobody tells the zone of the node, nor, with no rack, anything else."""
    bins = (a_bin("n0", 2_000, path=("", "", rack, "", "")), a_bin("n1", 0, path=("", "", "", "z", "")))
    gang = job("j", 0, 2, minimum=2, within="zone")
    one = Problem(SPACE, bins, (ItemClass(need()),), (gang,))
    assert (solve(one).placed, verify(solve(one), one)) == (2, ())


def test_where_members_of_waiting_work_stand_is_known() -> None:
    """One member of two runs in n0, which is full: the other may not stand in n1, of another rack."""
    asks = Resources(1000, 1 << 30)
    nodes = tuple(
        Node(
            name,
            rack=rack,
            ready=True,
            schedulable=True,
            sources=("k",),
            allocatable=Resources(1000, 1 << 40),
        )
        for name, rack in (("n0", "r1"), ("n1", "r2"))
    )
    members = (
        Member("m0", node="n0", phase="running", requests=asks),
        Member("m1", phase="pending", requests=asks),
    )
    runs = (SourceRun("k", "kubernetes", ok=True, duration_ms=1, items=2),)
    cases: tuple[tuple[Level | None, int], ...] = (("rack", 0), (None, 1))
    for within, placed in cases:
        work = Workload("ns/w", source="k", members=members, gang_min=2, within=within)
        fleet = Fleet(nodes=nodes, workloads=(work,), sources=runs)
        plan = solve(problem_of(fleet, nodes, Asked(), pending=True))
        assert (plan.placed, len(plan.unplaced)) == (placed, 1 - placed)


@pytest.mark.parametrize(
    ("wanted", "model", "does"),
    [
        ("H100", "NVIDIA H100 80GB HBM3", True),
        ("h100", "NVIDIA-H100-80GB-HBM3", True),
        ("A100 80GB", "NVIDIA A100-SXM4-80GB", True),
        ("A100 40GB", "NVIDIA A100-SXM4-80GB", False),
        ("A10", "NVIDIA A100-SXM4-80GB", False),
        ("L4", "NVIDIA L40S", False),
        ("H20", "NVIDIA H200", False),
        ("H100", "", False),
    ],
)
def test_models_are_told_apart_by_whole_words(wanted: str, model: str, does: bool) -> None:
    assert accepts((wanted,), model) is does


@pytest.mark.parametrize("asked", [Resources(gpu_milli=250), Resources(gpu_memory_bytes=1 << 30)])
def test_a_share_is_of_a_gpu_as_whole_ones_are(asked: Resources) -> None:
    """None of an accelerator of another vendor, whose resource has a name of its own."""
    one = ItemClass(Classes((), {}, {}).need(replace(asked, pods=1)))
    for kind, placed in ((0, 1), (2, 0)):
        bins = (a_bin("n0", devices=(device(kind=kind, memory_bytes=1 << 36),)),)
        assert solve(Problem(SPACE, bins, (one,), (job("j", 0),))).placed == placed


def _fleet(seed: int) -> Fleet:
    """Twelve nodes and thirty workloads of unequal size, in some order."""
    nodes = [
        Node(
            f"n{at}",
            sources=("k",),
            ready=True,
            schedulable=True,
            allocatable=Resources(64_000, 256 << 30, pods=110, devices={"nvidia.com/gpu": 4}),
        )
        for at in range(12)
    ]
    work = [
        Workload(
            f"ns/w{at:02}",
            source="k",
            gang_min=3 if at % 4 == 0 else None,
            members=tuple(
                Member(
                    f"w{at:02}-{number}",
                    phase="pending",
                    requests=Resources(1000 * (at % 7 + 1), 1 << 30, devices={"nvidia.com/gpu": at % 3}),
                )
                for number in range(3)
            ),
        )
        for at in range(30)
    ]
    chance = random.Random(seed)
    chance.shuffle(nodes)
    chance.shuffle(work)
    runs = (SourceRun("k", "kubernetes", ok=True, duration_ms=1, items=12),)
    return Fleet(nodes=tuple(nodes), workloads=tuple(work), sources=runs)


def test_the_order_of_nodes_and_workloads_does_not_change_the_plan() -> None:
    fleets = [_fleet(seed) for seed in range(4)]
    plans = [solve(problem_of(fleet, fleet.nodes, Asked(), pending=True)) for fleet in fleets]
    assert plans[0].unplaced
    assert all(replace(one, snapshot="") == replace(plans[0], snapshot="") for one in plans)


_WEB = Selector({"app": "web"})


@pytest.mark.parametrize("within", ["node", "rack"])
def test_as_many_parts_as_there_are_are_tried_for_who_must_not_stand_beside_others(within: Level) -> None:
    """Nine nodes are fuller, each in its rack, and each holds whom it must not stand beside."""
    bins = [a_bin(f"n{at}", 2_000, (device(0, 0),), path=("", "", f"r{at}", "", "")) for at in range(9)]
    bins.append(a_bin("n9", 2_000, (device(),), path=("", "", "r9", "", "")))
    shy = Template(neighbours=(Neighbours(level_key(within), _WEB, apart=True),))
    classes = (ItemClass(need(), shy), ItemClass(need(), Template(labels=_WEB.labels)))
    held = tuple(Held("web", str(at), at, 1) for at in range(9))
    one = Problem(SPACE, tuple(bins), classes, (job("j", 0, 2, minimum=2, within=within),), held)
    assert [each.node for each in solve(one).assignments] == ["n9", "n9"]


def test_as_many_parts_as_there_are_are_tried_for_those_who_must_not_stand_together() -> None:
    """Nine racks have one node each with room for both, the tenth has two."""
    bins = [a_bin(f"n{at}", 2_000, path=("", "", f"r{at}", "", "")) for at in range(9)]
    bins += [a_bin(f"n9{at}", 2_000, (device(),), path=("", "", "r9", "", "")) for at in range(2)]
    alone = Template(labels=_WEB.labels, neighbours=(Neighbours(level_key("node"), _WEB, apart=True),))
    for template in (alone, Template(ports=(HostPort(80),))):
        gang = job("j", 0, 2, minimum=2, within="rack")
        one = Problem(SPACE, tuple(bins), (ItemClass(need(), template),), (gang,))
        assert [each.node for each in solve(one).assignments] == ["n90", "n91"]


def test_a_part_for_all_of_a_gang_rather_than_the_fullest_that_has_its_minimum() -> None:
    """Nine racks hold the leader and one worker, the tenth both workers."""
    bins = [a_bin(f"n{at}", 2_000, (device(),), path=("", "", f"r{at}", "", "")) for at in range(9)]
    bins.append(a_bin("n9", 3_000, (device(), device(1)), path=("", "", "r9", "", "")))
    one = Job("j", (Task(0, ("leader",)), Task(1, ("w0", "w1"))), minimum=2, within="rack")
    classes = (ItemClass(need()), ItemClass(need(devices=1)))
    assert solve(Problem(SPACE, tuple(bins), classes, (one,))).placed == 3
    assert solve(Problem(SPACE, tuple(bins[:9]), classes, (one,))).placed == 2


def test_as_many_shares_as_the_memory_of_a_device_holds() -> None:
    two = (device(0, memory_bytes=40 * GIB), device(1, memory_bytes=10 * GIB))
    one = ItemClass(need(share=100, device_memory_bytes=15 * GIB))
    engine = engine_of(Problem(SPACE, (a_bin("n0", devices=two),), (one,), ()), "first-fit")
    assert engine.items.wanted[0].copies(engine.state.view(), 99).tolist() == [2]


@pytest.mark.parametrize("level", ["rack", "leaf", "domain"])
def test_a_rack_is_one_though_a_node_of_it_does_not_tell_its_zone(level: Level) -> None:
    """Of two nodes in one rack one tells its zone: they are not apart by racks, and lie within one."""
    depth = LEVELS.index(level)

    def at(zone: str) -> tuple[str, ...]:
        path = ["", "", "", zone, "dc1"]
        path[depth] = "r1"
        return tuple(path)

    bins = (a_bin("a", 1_000, path=at("")), a_bin("b", 1_000, path=at("z1")))
    apart = Template(
        labels={"app": "x"},
        neighbours=(Neighbours(level_key(level), Selector({"app": "x"}), apart=True),),
    )
    for template, within, placed in ((apart, None, 0), (Template(), level, 2)):
        two = job("j", 0, 2, minimum=2, within=within)
        assert solve(Problem(SPACE, bins, (ItemClass(need(), template),), (two,))).placed == placed


def test_members_that_do_not_wait_for_each_other_still_lie_within_one_part() -> None:
    bins = tuple(a_bin(f"n{at}", 4_000, path=("", "", f"r{at // 2}", "", "")) for at in range(4))
    ten = job("j", 0, 10, within="rack")
    plan = solve(Problem(SPACE, bins, (ItemClass(need()),), (ten,)))
    assert (plan.placed, len({one.node for one in plan.assignments})) == (8, 2)


def test_a_node_without_a_site_holds_a_gang() -> None:
    bins = (a_bin("a", 2_000), *(a_bin(f"{site}", 0, path=("", "", "", "", site)) for site in ("dc1", "dc2")))
    plan = solve(Problem(SPACE, bins, (ItemClass(need()),), (job("j", 0, 2, minimum=2),)))
    assert plan.placed == 2
