"""Held and doing nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.assess.fleet.capacity import total
from dcctl.assess.fleet.idle import Rule, idle_holders
from dcctl.assess.fleet.judge import judge_fleet
from dcctl.inventory.model import Accelerator, Fleet, Process, Resources, Workload
from tests.unit.assess.fleet.build import NOW_S, asks, boards, judged, node, size, words, work

_ALL = asks(gpus=8)


def test_idle_boards_are_told_with_holder_age_and_power() -> None:
    read = boards(8, busy=50, power_mw=70_000)
    states = judged(node(accelerators=read), work("a", _ALL, owner="lin"))
    (one,) = idle_holders(states, NOW_S)
    assert (one.who, one.owner, one.boards, one.nodes) == ("t/a", "lin", 8, ["n1"])
    assert (one.held_s, one.power_mw, one.model) == (7200, 560_000, "H100")


def test_one_above_the_threshold_is_at_work() -> None:
    states = judged(node(accelerators=boards(8, busy=51)), work("a", _ALL))
    assert (idle_holders(states, NOW_S), total("", states).idle_known) == ([], 0)


def test_what_was_not_measured_is_not_called_idle_nor_busy() -> None:
    states = judged(node(), work("a", _ALL))
    whole = total("", states)
    assert (idle_holders(states, NOW_S), whole.idle_known, whole.busy_milli) == ([], None, None)


def test_work_that_has_just_begun_is_not_idle() -> None:
    young = work("a", _ALL, started_at_s=NOW_S - 3599)
    old = work("a", _ALL, started_at_s=NOW_S - 3600)
    read = node(accelerators=boards(8, busy=0))
    assert idle_holders(judged(read, young), NOW_S) == []
    assert idle_holders(judged(read, old), NOW_S)[0].boards == 8


def test_a_member_that_was_restarted_counts_from_then() -> None:
    one = work("a", _ALL, started_at_s=NOW_S - 90_000)
    one = replace(one, members=tuple(replace(m, started_at_s=NOW_S - 60) for m in one.members))
    assert idle_holders(judged(node(accelerators=boards(8, busy=0)), one), NOW_S) == []


def test_an_unknown_start_is_idle_for_an_unknown_time() -> None:
    one = work("a", _ALL, started_at_s=None)
    (row,) = idle_holders(judged(node(accelerators=boards(8, busy=0)), one), NOW_S)
    assert (row.boards, row.held_s) == (8, None)


def test_free_boards_are_not_idle() -> None:
    states = judged(node(accelerators=boards(8, busy=0)), work("a", asks(gpus=3)))
    assert total("", states).idle == 3


def test_unnamed_holders_are_told_as_unknown() -> None:
    states = judged(node(accelerators=boards(8, busy=0)), work("a", asks(gpus=2)), work("b", asks(gpus=1)))
    (row,) = idle_holders(states, NOW_S)
    assert (row.who, row.boards) == ("", 3)


def test_the_threshold_is_a_choice() -> None:
    fleet = Fleet(nodes=(node(accelerators=boards(8, busy=200)),), workloads=(work("a", _ALL),))
    assert idle_holders(judge_fleet(fleet, Rule(busy_milli=200), NOW_S), NOW_S)[0].boards == 8


def test_a_slice_without_processes_is_idle_although_nothing_tells_how_busy_it_is() -> None:
    name = "nvidia.com/mig-3g.40gb"
    slices = tuple(
        Accelerator(i, f"m{i}", resource=name, kind="mig", parent=f"b{i}", profile="3g.40gb", processes=used)
        for i, used in enumerate(((), (Process(1),), None))
    )
    room = size(gpus=3, resource=name)
    states = judged(
        node(accelerators=slices, capacity=room, allocatable=room), work("a", asks(gpus=3, resource=name))
    )
    assert [board.idle for board in states[0].boards] == [True, None, None]


def test_without_scheduler_the_process_is_named() -> None:
    read = (Accelerator(0, "b0", busy_milli=0, power_mw=60_000, processes=(Process(77, "jupyter", "bob"),)),)
    (row,) = idle_holders(judged(node(sources=("local",), allocatable=None, accelerators=read)), NOW_S)
    assert (row.who, row.owner, row.kind, row.held_s) == ("jupyter[77]", "bob", "process", None)


def _of_ages(*ages_s: int, name: str = "web") -> Workload:
    """A Deployment of one-GPU pods that started so long ago."""
    one = work(name, asks(cpus=1, gib=1), count=len(ages_s))
    aged = zip(one.members, ages_s, strict=True)
    return replace(
        one,
        members=tuple(replace(m, started_at_s=NOW_S - age, uid=None) for m, age in aged),
        started_at_s=None,
    )


@pytest.mark.parametrize(
    ("ages", "idle"),
    [((90_000,) + (60,) * 7, 1), ((60,) + (90_000,) * 7, 7), ((60,) * 8, 0), ((90_000,) * 8, 8)],
)
def test_as_many_boards_may_be_idle_as_members_had_time_to_begin(ages: tuple[int, ...], idle: int) -> None:
    (state,) = judged(node(accelerators=boards(8, busy=0)), _of_ages(*ages))
    assert state.tally.idle == idle


def test_a_board_of_one_of_two_young_workloads_is_not_idle() -> None:
    young = (_of_ages(60, name="a"), _of_ages(60, name="b"))
    (state,) = judged(node(accelerators=boards(8, busy=0)), *young)
    assert (state.tally.idle, words(state)) == (0, "aaffffff")


def test_a_board_that_two_members_share_is_as_young_as_the_younger() -> None:
    old, new = _of_ages(90_000, name="old"), _of_ages(60, name="new")
    old = replace(old, members=(replace(old.members[0], devices=("b3",)),))
    shares = replace(new.members[0], devices=("b3",), requests=Resources(1000))
    (state,) = judged(node(accelerators=boards(8, busy=0)), old, replace(new, members=(shares,)))
    assert [one.workload.id for one in state.boards[3].holders] == ["t/old", "t/new"]
    assert state.tally.idle == 0
