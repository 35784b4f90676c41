"""The same problem with one thing changed: nothing else is, and nothing is made of nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.inventory.model import Taint
from dcctl.packing.changed import empty_copy, opened, without
from dcctl.packing.problem import Device, Held, ItemClass, Problem
from dcctl.packing.reasons import NONE, Reason
from dcctl.packing.seats import seated
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


def test_an_empty_copy_is_a_node_of_its_own_on_which_nothing_stands() -> None:
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
    assert empty_copy(one, "new") == replace(
        one,
        name="new",
        free=one.total,
        devices=(Device(0, 0, 1000, 80 * GIB),),
        held_count=0,
        closed=NONE,
        labels={"kubernetes.io/hostname": "new", "pool": "p"},
        taints=(Taint("pool", "NoSchedule", "x"),),
    )


def test_only_what_is_closed_for_one_reason_alone_is_opened() -> None:
    reasons = (NONE, Reason.CORDONED, Reason.CORDONED | Reason.NOT_READY, Reason.UNKNOWN)
    bins = tuple(a_bin(f"n{at}", closed=reason) for at, reason in enumerate(reasons))
    one = opened(Problem(SPACE, bins, (), ()), Reason.CORDONED)
    assert [each.closed for each in one.bins] == [NONE, NONE, *reasons[2:]]
