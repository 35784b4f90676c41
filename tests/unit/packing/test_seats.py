"""On which devices those are who stand already, and that nothing is given back that they did not take."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.packing.changed import without
from dcctl.packing.intake.seats import promised, seated
from dcctl.packing.plan import Assignment, Plan
from dcctl.packing.problem import Bin, Device, Held, ItemClass, Need, Problem, Running
from dcctl.packing.reasons import Reason
from dcctl.packing.scene import Scene
from dcctl.packing.solve import solved
from dcctl.packing.timed.backfill import planned
from dcctl.packing.verify.verify import verify
from tests.unit.packing.problems import GIB, SPACE, a_bin, device, job, need

BUSY = device(1, 0)
BIG = need(share=100, device_memory_bytes=60 * GIB)


def seats(devices: tuple[Device, ...], *standing: Need) -> tuple[list[tuple[int, ...]], tuple[Device, ...]]:
    """Who holds which device of one node, and what is left of each."""
    held = [Held(f"j{at}", "0", 0, at) for at in range(len(standing))]
    (one,), found = seated((a_bin("a", devices=devices),), held, [ItemClass(each) for each in standing])
    return [each.devices for each in found], one.devices


@pytest.mark.parametrize(
    ("free", "shares", "where"),
    [
        ((1000, 400, 700), (300,), [(1,)]),  # the fullest that has room
        ((1000, 400, 700), (500,), [(2,)]),
        ((1000, 1000), (300, 300), [(0,), (0,)]),  # and so on the one that was begun
        ((1000, 700), (300, 700), [(0,), (1,)]),  # the largest first
        ((200,), (300,), [()]),
    ],
)
def test_a_share_is_on_the_fullest_device(
    free: tuple[int, ...], shares: tuple[int, ...], where: list[tuple[int, ...]]
) -> None:
    devices = tuple(device(at, milli) for at, milli in enumerate(free))
    found, left = seats(devices, *(need(share=milli) for milli in shares))
    assert found == where
    taken = [
        sum(milli for milli, at in zip(shares, where, strict=True) if (d,) == at) for d in range(len(free))
    ]
    assert [one.free_milli for one in left] == [a - b for a, b in zip(free, taken, strict=True)]


def test_what_is_given_back_is_never_more_than_there_is() -> None:
    """Work that uses less than it asks for, where what is free was measured: in time, and once it is gone."""
    classes = (ItemClass(need(3000)), ItemClass(need(7000)))
    used = replace(a_bin("a", 8000), free=(7500, *a_bin("a").free[1:]))
    standing = (Held("old", "0", 0, 0),)
    bins = promised((used,), standing, classes)
    assert bins[0].free[0] == 5000
    assert promised((replace(used, free=(-500, *used.free[1:])),), standing, classes)[0].free[0] == -500
    one = Problem(
        SPACE,
        bins,
        classes,
        (job("x", 1, duration_s=10), job("y", 1, duration_s=10)),
        standing,
        {"old": Running(ends_s=50)},
    )
    plan = planned(one)
    assert [each.start_s for each in plan.assignments] == [50, 60], "8000 and no more are free from 50 on"
    assert verify(plan, one) == ()
    assert without(one, standing).bins[0].free[0] == 8000
    scene = Scene(solved(replace(one, jobs=())))
    scene.release(standing)
    assert scene.placer.engine.state.free[0, 0] == 8000


def test_a_share_takes_its_memory_and_goes_where_that_is() -> None:
    small, large, unknown = device(0, memory_bytes=40 * GIB), device(1, memory_bytes=80 * GIB), device(2)
    found, left = seats((small, large), BIG, BIG)
    assert found == [(1,), (1,)]  # the second has room nowhere: on the fullest, all the same
    assert [one.free_memory_bytes for one in left] == [40 * GIB, -40 * GIB]
    assert [one.memory_bytes for one in left] == [40 * GIB, 80 * GIB]
    assert seats((unknown,), BIG)[1][0].free_memory_bytes is None


def test_whole_devices_are_those_that_the_job_is_known_to_hold() -> None:
    devices = (device(0), replace(device(1, 0), holder="x"), device(2, 0), replace(device(3, 0), holder="j0"))
    assert seats(devices, need(devices=2))[0] == [(3, 1)]
    assert seats(devices, need(devices=1), need(devices=1), need(devices=2)) == ([(3,), (1,), (2,)], devices)


def board(ends_s: int | None = None) -> Problem:
    """A board of 80 GiB of which a share holds 60; another such share waits."""
    bins, held = seated(
        (a_bin("a", devices=(device(memory_bytes=80 * GIB),)),), [Held("old", "0", 0, 0)], [ItemClass(BIG)]
    )
    running = {"old": Running(ends_s=ends_s)}
    jobs = (job("j", 0, duration_s=10),)
    return Problem(SPACE, bins, (ItemClass(BIG),), jobs, held, running, now_s=1000)


def memory(one: Bin) -> list[int | None]:
    return [each.free_memory_bytes for each in one.devices]


def test_no_share_takes_memory_that_another_holds() -> None:
    full = board()
    solution = solved(full)
    assert (solution.plan.placed, verify(solution.plan, full)) == (0, ())
    assert int(solution.placer.engine.refusals(0)[0]) == Reason.DEVICE_MEMORY
    forced = Plan((Assignment("j", "j-0", "a", (0,), 100),), placed=1, gpu_milli=100)
    assert verify(forced, full) == ("accelerator 0 of a is given more than once, or too small",)
    empty = without(full, full.held)
    assert (memory(empty.bins[0]), empty.held) == ([80 * GIB], ())
    assert verify(forced, empty) == ()


def test_a_share_gives_back_what_it_took() -> None:
    scene = Scene(solved(board()))
    state, mark = scene.placer.engine.state, scene.placer.mark()
    before = state.memory.tolist()
    assert before == [[20 * GIB]]
    scene.release(scene.problem.held)
    assert (state.memory.tolist(), state.milli.tolist()) == ([[80 * GIB]], [[1000]])
    scene.placer.undo(mark)
    assert state.memory.tolist() == before


def test_memory_that_nobody_tells_is_not_known_when_a_share_is_given_back() -> None:
    bins, held = seated((a_bin("a", devices=(device(),)),), [Held("old", "0", 0, 0)], [ItemClass(BIG)])
    small = ItemClass(need(share=100, device_memory_bytes=1))
    one = Problem(SPACE, bins, (ItemClass(BIG), small), (), held)
    scene = Scene(solved(one))
    scene.release(held)
    assert int(scene.placer.engine.refusals(1)[0]) == Reason.DEVICE_MEMORY
    assert memory(without(one, held).bins[0]) == [None]


def test_the_memory_is_there_when_the_share_ends() -> None:
    one = board(ends_s=1050)
    plan = planned(one)
    assert [(each.start_s, each.end_s) for each in plan.assignments] == [(1050, 1060)]
    assert verify(plan, one) == ()
    early = replace(plan, assignments=(replace(plan.assignments[0], start_s=1000, end_s=1010),))
    assert verify(early, one)
