"""Who stands in the way: the least work, of all nodes, with all that keeps a member out."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from dcctl.inventory.placement import HostPort, Neighbours, Selector, Template
from dcctl.packing.preemption.blocking import in_the_way
from dcctl.packing.preemption.preempt import preempting
from dcctl.packing.preemption.stoppable import Stoppable
from dcctl.packing.problem import Bin, Held, ItemClass, Job, Problem, Quota, Running
from dcctl.packing.scene import Scene
from dcctl.packing.solve import Options, solved
from tests.unit.packing.problems import SPACE, a_bin, device, job, need

HOST = "kubernetes.io/hostname"
MINE = Selector({"app": "a"})


def scene(bins: tuple[Bin, ...], classes: tuple[ItemClass, ...], *held: Held, **running: Running) -> Scene:
    return Scene(solved(Problem(SPACE, bins, classes, (), held, running)))


def names(found: Scene, wanted: Job, **other: Any) -> list[str]:
    return sorted(f"{one.job}/{one.member}" for unit in in_the_way(found, wanted, **other) for one in unit)


@pytest.mark.parametrize(
    "template",
    [
        Template(ports=(HostPort(80),)),
        Template(labels={"app": "a"}, neighbours=(Neighbours(HOST, MINE, apart=True),)),
    ],
    ids=["port", "anti-affinity"],
)
def test_who_keeps_others_out_by_a_rule_stands_in_the_way(template: Template) -> None:
    home = a_bin("a", 8000, (), labels={HOST: "a"})
    found = scene((home,), (ItemClass(need(), template),), Held("w", "0", 0, 0))
    assert names(found, job("j", 0)) == ["w/0"]


def crowd(count: int, **known: Any) -> Problem:
    """So many nodes with one device, each held by a job of its own: w0, w1, …"""
    bins = tuple(a_bin(f"n{at:03}", 8000, (device(0, 0),)) for at in range(count))
    held = tuple(Held(f"w{at}", "0", at, 0, (0,)) for at in range(count))
    running = {f"w{at}": known.get(f"w{at}", Running(preemptible=True)) for at in range(count)}
    return Problem(SPACE, bins, (ItemClass(need(devices=1)),), (), held, running)


def test_those_who_may_not_be_stopped_hide_nobody() -> None:
    spared = {f"w{at}": Running(spared=True) for at in range(299)}
    found = Scene(solved(crowd(300, **spared)))
    stoppable = Stoppable(found, lambda one: not found.running(one.job).spared)
    assert names(found, job("j", 0), stoppable=stoppable) == ["w299/0"]


def test_as_many_are_pushed_out_as_there_are_urgent_jobs() -> None:
    urgent = tuple(job(f"u{at}", 0, priority=9) for at in range(300))
    found = preempting(replace(crowd(300), jobs=urgent), Options())
    assert len(found.victims) == len(found.plan.assignments) == 300


def test_a_job_may_push_out_any_number() -> None:
    found = Scene(solved(crowd(300)))
    assert len(names(found, job("j", 0, 300, minimum=300))) == 300


@pytest.mark.parametrize(
    ("minimum", "asked", "stopped"), [(0, 1, 1), (3, 1, 1), (3, 3, 3), (3, 4, 6), (6, 1, 6)]
)
def test_a_gang_loses_those_it_can_do_without_first(minimum: int, asked: int, stopped: int) -> None:
    bins = tuple(a_bin(name, 8000, (device(0, 0), device(1, 0))) for name in "abc")
    held = tuple(Held("w", str(at), at // 2, 0, (at % 2,)) for at in range(6))
    found = scene(bins, (ItemClass(need(devices=1)),), *held, w=Running(minimum=minimum))
    assert len(names(found, job("j", 0, asked, minimum=asked))) == stopped


def test_what_went_before_counts_for_the_gang() -> None:
    bins = (a_bin("a", 8000, tuple(device(at, 0) for at in range(4))),)
    held = tuple(Held("w", str(at), 0, 0, (at,)) for at in range(4))
    running = {"w": Running(minimum=3, preemptible=True)}
    urgent = tuple(job(name, 0, priority=9) for name in "xy")
    one = Problem(SPACE, bins, (ItemClass(need(devices=1)),), urgent, held, running)
    assert [len(victims.members) for victims in preempting(one, Options()).victims] == [1, 3]


def test_one_large_job_rather_than_many_small_ones() -> None:
    home = a_bin("a", 8000, tuple(device(at, 0) for at in range(4)))
    other = a_bin("b", 8000, tuple(device(at, 0) for at in range(4)))
    classes = (ItemClass(need(devices=1)), ItemClass(need(devices=3)))
    small = (Held(f"s{at}", "0", 1, 0, (at,)) for at in range(4))
    found = scene(
        (home, other), classes, Held("s4", "0", 0, 0, (0,)), Held("l", "0", 0, 1, (1, 2, 3)), *small
    )
    assert names(found, job("j", 1)) == ["l/0"]


def test_nobody_stands_in_the_way_of_a_job_that_its_quota_refuses() -> None:
    found = Scene(solved(replace(crowd(2), quotas=(Quota("t", {"gpu": 0}),))))
    assert names(found, job("j", 0, quotas=("t",))) == []


def test_a_gang_that_goes_makes_room_in_all_of_its_bins() -> None:
    """Of a gang of two in one site and one of four in another, the small one goes."""
    whole = (device(0, 0),)
    bins = (
        *(a_bin(f"a{at}", 8000, whole, path=("", "", "", "", "dc1")) for at in range(4)),
        *(a_bin(f"b{at}", 8000, whole, path=("", "", "", "", "dc2")) for at in range(2)),
    )
    held = (
        *(Held("large", str(at), at, 0, (0,)) for at in range(4)),
        *(Held("small", str(at), 4 + at, 0, (0,)) for at in range(2)),
    )
    running = {"large": Running(minimum=4, priority=1), "small": Running(minimum=2)}
    found = scene(bins, (ItemClass(need(devices=1)),), *held, **running)
    assert names(found, job("j", 0, 2, minimum=2)) == ["small/0", "small/1"]
