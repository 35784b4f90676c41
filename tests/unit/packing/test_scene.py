"""What stops when nodes are lost, and as what it comes back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.inventory.model import Dataset, Fleet, PowerMeter
from dcctl.packing.changed import standing, without
from dcctl.packing.fit.parts import parts_of
from dcctl.packing.preemption.preempt import preempting
from dcctl.packing.preemption.stoppable import Stoppable
from dcctl.packing.problem import Allowance, Held, ItemClass, Job, Problem, Quota, Running, Task
from dcctl.packing.questions.ask import Change, ask
from dcctl.packing.questions.defrag import movable
from dcctl.packing.scene import Scene
from dcctl.packing.solve import Options, solved
from dcctl.packing.verify.verify import verify
from tests.unit.packing.problems import SPACE, a_bin, device, job, need

NOW = 100
BINS = tuple(a_bin(name, 8000, (device(0, 0), device(1, 0))) for name in "abc")


def problem(known: Running, members: int = 6, *jobs: Job) -> Problem:
    """Two members of w on each of three full nodes."""
    held = tuple(Held("w", str(at), at // 2, 0, (at % 2,)) for at in range(members))
    return Problem(SPACE, BINS, (ItemClass(need(devices=1)),), jobs, held, {"w": known}, now_s=NOW)


def scene(known: Running, members: int = 6) -> Scene:
    return Scene(solved(problem(known, members)))


@pytest.mark.parametrize(
    ("minimum", "lost", "stopped"),
    [(0, 1, 1), (1, 2, 2), (4, 2, 2), (4, 3, 6), (6, 1, 6)],
    ids=["alone", "each alone", "enough are left", "below its minimum", "whole"],
)
def test_a_gang_stops_as_a_whole_only_below_its_minimum(minimum: int, lost: int, stopped: int) -> None:
    found = scene(Running(minimum=minimum))
    assert len(found.stops_with(found.of("w")[:lost])) == stopped


@pytest.mark.parametrize(("minimum", "stopped"), [(4, 2), (5, 6)])
def test_what_is_asked_follows_the_rule(minimum: int, stopped: int) -> None:
    answer = ask(problem(Running(minimum=minimum)), Change(removed=frozenset((0,))), Options())
    assert [(one.lost, one.placed.job.size, one.homeless) for one in answer.loss.hits] == [
        (2, stopped, stopped)
    ]


@pytest.mark.parametrize(("minimum", "least"), [(0, 1), (5, 1), (6, 6), (7, 6)])
def test_what_it_takes_to_stop_one_of_a_gang(minimum: int, least: int) -> None:
    """All of it, if it can miss nobody."""
    trouble, _ = next(Stoppable(scene(Running(minimum=minimum))).units(()))
    assert trouble == (0, 0, least, least * 1000)


def test_those_that_a_gang_can_do_without_come_back_one_by_one() -> None:
    found = scene(Running(minimum=4))
    assert found.again("w", found.of("w")[:2]).minimum == 0
    assert found.again("w", found.of("w")).minimum == 4


@pytest.mark.parametrize(
    ("ends_s", "duration_s", "left_s"), [(150, 80, 50), (None, 80, 80), (90, 80, 80), (None, None, None)]
)
def test_what_stops_comes_back_as_the_same_job(
    ends_s: int | None, duration_s: int | None, left_s: int | None
) -> None:
    data = (Dataset("corpus", sites=("s",)),)
    known = Running(
        owner="t",
        quotas=("t",),
        ends_s=ends_s,
        duration_s=duration_s,
        deadline_s=900,
        data=data,
        preemptible=True,
    )
    found = scene(known, 1)
    assert found.again("w", found.of("w")) == Job(
        "w",
        (Task(0, ("0",)),),
        owner="t",
        quotas=("t",),
        duration_s=left_s,
        deadline_s=900,
        data=data,
        preemptible=True,
    )


def test_who_is_pushed_out_ends_and_frees_its_node_again() -> None:
    known = Running(ends_s=NOW + 50, preemptible=True)
    jobs = (job("urgent", 0, 6, priority=9, duration_s=20), job("later", 0, 6, priority=-1, duration_s=10))
    found = preempting(problem(known, 6, *jobs), Options())
    assert verify(found.plan, found.problem) == ()
    starts = {one.job: one.start_s for one in found.plan.assignments}
    assert starts == {"urgent": NOW, "w": NOW + 20, "later": NOW + 70}


def test_what_stops_no_longer_counts_for_its_quota() -> None:
    quotas = (Quota("t", {"gpu": 2000}, {"gpu": 2000}),)
    one = replace(problem(Running(quotas=("t",)), 2), quotas=quotas)
    mine = job("j", 0, quotas=("t",))
    found = Scene(solved(one))
    mark = found.placer.mark()
    assert [each.lacking for each in found.placer.ledger.short(mine)] == [1000]
    found.release(found.of("w")[:1])
    assert found.placer.ledger.short(mine) == ()
    found.placer.undo(mark)
    assert [each.lacking for each in found.placer.ledger.short(mine)] == [1000]
    less = without(one, one.held[:1])
    assert less.quotas[0].used["gpu"] == 1000
    assert standing(less, one.held[:1]).quotas[0].used["gpu"] == 2000


def test_who_stands_again_uses_no_more_of_a_quota_than_before() -> None:
    """Less is recorded as used than those who stand hold."""
    quotas = (Quota("t", {"gpu": 2000}, {"gpu": 1000}),)
    found = Scene(solved(replace(problem(Running(quotas=("t",)), 2), quotas=quotas)))
    mine = job("j", 0, quotas=("t",))
    found.release(found.of("w"))
    assert found.placer.ledger.quotas[0].used["gpu"] == 0
    found.stand(found.of("w"))
    assert found.placer.ledger.quotas[0].used["gpu"] == 1000
    found.release(found.of("w"))
    assert [found.placer.place(mine).missing for _ in range(3)] == [0, 0, 1]


def test_what_is_lost_finds_room_within_its_own_quota() -> None:
    free = a_bin("d", 8000, (device(0), device(1)))
    quotas = (Quota("t", {"gpu": 2000}, {"gpu": 2000}),)
    one = problem(Running(quotas=("t",)), 2)
    loss = Scene(solved(replace(one, bins=(*BINS, free), quotas=quotas))).lose((0,))
    assert loss.homeless == 0


@pytest.mark.parametrize(
    ("allowed", "may_move"), [((), True), ((1,), True), ((0,), False), ((None,), False), ((1, 0), False)]
)
def test_a_budget_that_allows_none_to_be_missing_keeps_them(
    allowed: tuple[int | None, ...], may_move: bool
) -> None:
    found = scene(Running(budgets=tuple(Allowance(f"b{one}", one) for one in allowed)))
    assert movable(found, found.of("w")[0]) is may_move


def test_a_feed_takes_down_only_the_nodes_that_no_other_of_its_kind_feeds() -> None:
    meters = (
        PowerMeter("p1", "pdu", nodes="a,b"),
        PowerMeter("p2", "pdu", nodes="b,c"),
        PowerMeter("u1", "ups", nodes="a,b,c"),
    )
    feeds = {one.name: one.bins for one in parts_of(BINS, Fleet(meters=meters)) if one.level == "feed"}
    assert feeds == {"p1": {0}, "p2": {2}, "u1": {0, 1, 2}}
