"""The same problem with one thing changed: nothing else is, and nothing is made of nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.inventory.model import Taint
from dcctl.packing.changed import empty_copy, uncordoned, with_more, without
from dcctl.packing.intake.seats import seated
from dcctl.packing.problem import Device, Held, ItemClass, Problem, Running
from dcctl.packing.reasons import NONE, Reason
from dcctl.packing.solve import solve
from tests.unit.packing.problems import GIB, SPACE, a_bin, device, job, need

CLASSES = (
    ItemClass(need(1000, devices=2)),
    ItemClass(need(500, share=300, device_memory_bytes=10 * GIB)),
    ItemClass(need(2000)),
)
HELD = (Held("whole", "0", 0, 0), Held("share", "0", 0, 1), Held("plain", "0", 1, 2))


def standing() -> Problem:
    """Node a: two devices are held whole, a third in part; node b: CPU alone."""
    a = a_bin("a", 8000, (device(0, 0), device(1, 0), device(2, memory_bytes=80 * GIB)))
    a, b = replace(a, free=(6500, *a.free[1:])), a_bin("b", 8000)
    b = replace(b, free=(6000, *b.free[1:]))
    bins, held = seated((a, b, a_bin("c")), HELD, CLASSES)
    return Problem(SPACE, bins, CLASSES, (job("j", 2),), held)


def amounts(one: Problem, at: int) -> tuple[int, list[int], list[int | None]]:
    home = one.bins[at]
    return (
        home.free[0],
        [each.free_milli for each in home.devices],
        [each.free_memory_bytes for each in home.devices],
    )


@pytest.mark.parametrize(
    ("gone", "a", "b"),
    [
        ((), (6500, [0, 0, 700], [None, None, 70 * GIB]), 6000),
        (("whole",), (7500, [1000, 1000, 700], [None, None, 70 * GIB]), 6000),
        (("share",), (7000, [0, 0, 1000], [None, None, 80 * GIB]), 6000),
        (("plain",), (6500, [0, 0, 700], [None, None, 70 * GIB]), 8000),
        (("whole", "share", "plain"), (8000, [1000, 1000, 1000], [None, None, 80 * GIB]), 8000),
    ],
)
def test_who_is_gone_has_freed_what_it_held(
    gone: tuple[str, ...], a: tuple[int, list[int], list[int | None]], b: int
) -> None:
    before = standing()
    after = without(before, [one for one in before.held if one.job in gone])
    assert (amounts(after, 0), amounts(after, 1)[0]) == (a, b)
    assert [one.job for one in after.held] == [one.job for one in before.held if one.job not in gone]
    assert after.bins[2] == before.bins[2]
    assert replace(after, bins=before.bins, held=before.held) == before


def test_one_more_is_a_node_of_its_own_on_which_nothing_stands() -> None:
    used = Device(0, 0, 300, 80 * GIB, id="GPU-1", holder="x", held_memory_bytes=10 * GIB)
    one = replace(
        a_bin("a", 8000, (used,)),
        free=(1000, *a_bin("a").free[1:]),
        held_count=1,
        closed=Reason.CORDONED,
        labels={"kubernetes.io/hostname": "a", "pool": "p"},
        taints=(Taint("node.kubernetes.io/unschedulable", "NoSchedule"), Taint("pool", "NoSchedule", "x")),
        path=("", "", "r1", "z", "s"),
    )
    assert with_more(Problem(SPACE, (one,), (), ()), 1, 0).bins[1] == replace(
        one,
        name="new-a-1",
        free=one.total,
        devices=(Device(0, 0, 1000, 80 * GIB),),
        held_count=0,
        closed=NONE,
        labels={"kubernetes.io/hostname": "new-a-1", "pool": "p"},
        taints=(Taint("pool", "NoSchedule", "x"),),
    )


_CORDONED = Taint("node.kubernetes.io/unschedulable", "NoSchedule")


def _full() -> Problem:
    """A node of ten CPUs: a DaemonSet takes three, other work the rest."""
    one = a_bin("n0", 10_000)
    return Problem(
        SPACE,
        (replace(one, free=(0, *one.free[1:])),),
        (ItemClass(need(3_000)), ItemClass(need(7_000)), ItemClass(need(8_000))),
        (job("wants-8", 2),),
        held=(Held("agent", "agent-n0", 0, 0), Held("work", "work-0", 0, 1)),
        running={"agent": Running(fixed=True), "work": Running()},
    )


def test_a_new_node_has_the_daemons_of_the_one_that_it_is_like() -> None:
    assert empty_copy(_full(), 0).free[0] == 7_000
    assert solve(with_more(_full(), 1, 0)).placed == 0
    smaller = replace(_full(), jobs=(job("wants-7", 1),))
    assert solve(with_more(smaller, 1, 0)).placed == 1


def test_nodes_are_uncordoned_whether_a_taint_says_so_or_the_node() -> None:
    by_taint = a_bin("a", taints=(_CORDONED,))
    by_node = a_bin("b", closed=Reason.CORDONED)
    sick = a_bin("c", closed=Reason.CORDONED | Reason.NOT_READY, taints=(_CORDONED,))
    problem = Problem(SPACE, (by_taint, by_node, sick), (ItemClass(need()),), ())
    found, count = uncordoned(problem)
    assert count == 2
    assert [(one.closed, one.taints) for one in found.bins[:2]] == [(NONE, ()), (NONE, ())]
    assert found.bins[2] is sick
