"""Which assignments of a plan hold no more: each is put in, so the next one sees it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.packing.plan import Assignment
from dcctl.packing.problem import ItemClass, Problem, Quota
from dcctl.packing.reasons import Reason
from dcctl.schedule.drift import Drift, drift, told
from tests.unit.packing.problems import SPACE, a_bin, device, job, need

NODES = tuple(a_bin(name, 4000, (device(0), device(1, 500))) for name in "abc")


def drifted(one: Problem, *places: tuple[str, str]) -> list[tuple[str, str]]:
    """(member, why) of those that do not hold."""
    asked = [Assignment("j", member, node) for member, node in places]
    return [(each.member, each.why) for each in drift(asked, one)]


@pytest.mark.parametrize(
    ("cpu", "devices", "share", "why"),
    [
        (3000, 0, 0, "too little CPU"),
        (1000, 1, 0, "too few free accelerators"),
        (1000, 0, 800, "no accelerator with so large a share left"),
    ],
)
def test_what_holds_is_there_when_the_next_one_is_put_in(
    cpu: int, devices: int, share: int, why: str
) -> None:
    one = Problem(SPACE, NODES, (ItemClass(need(cpu, devices, share)),), (job("j", 0, 2),))
    assert drifted(one, ("j-0", "a")) == drifted(one, ("j-1", "a")) == []
    assert drifted(one, ("j-0", "a"), ("j-1", "a")) == [("j-1", why)]
    assert drifted(one, ("j-0", "a"), ("j-1", "b")) == []


def test_what_does_not_hold_takes_nothing() -> None:
    classes = (ItemClass(need(5000)), ItemClass(need(4000)))
    one = Problem(
        SPACE, NODES, classes, (replace(job("j", 0), tasks=(*job("j", 0).tasks, *job("i", 1).tasks)),)
    )
    assert drifted(one, ("j-0", "a"), ("i-0", "a")) == [("j-0", "too little CPU")]


def test_nodes_and_work_that_are_gone_and_the_first_of_many_reasons() -> None:
    shut = (replace(NODES[0], closed=Reason.CORDONED), *NODES[1:])
    one = Problem(SPACE, shut, (ItemClass(need(9000)),), (job("j", 0, 2),))
    assert drifted(one, ("j-0", "x"), ("k-0", "b"), ("j-1", "a")) == [
        ("j-0", "the node is not there any more"),
        ("k-0", "is not waiting any more"),
        ("j-1", "cordoned"),
    ]


def test_boards_are_those_that_are_told() -> None:
    """The policy would spare the board of 600 for others that wait."""
    node = a_bin("a", devices=(device(0, 600), device(1, 500)))
    classes = tuple(ItemClass(need(share=milli)) for milli in (100, 500, 600))
    one = Problem(SPACE, (node,), classes, (job("i", 0), job("j", 1, 2), job("others", 2, 90)))
    rows = (("i", "i-0", 0, 100), ("j", "j-0", 0, 500), ("j", "j-1", 1, 500))
    told = [Assignment(name, member, "a", (number,), milli) for name, member, number, milli in rows]
    assert drift(told, one) == ()
    assert drift([replace(told[0], devices=(7,))], one) == ()  # the scheduler takes another board


def test_members_lie_in_one_part_and_within_their_quota() -> None:
    racks = tuple(replace(each, path=("", "", rack, "", "")) for each, rack in zip(NODES, "rrq", strict=True))
    classes = (ItemClass(need(1000, 1)),)
    one = Problem(SPACE, racks, classes, (job("j", 0, 2, within="rack"),))
    assert drifted(one, ("j-0", "a"), ("j-1", "b")) == []
    assert drifted(one, ("j-0", "a"), ("j-1", "c")) == [("j-1", "not within one rack with the others")]
    home = replace(one, jobs=(replace(one.jobs[0], homes=(0,)),))
    assert [member for member, _ in drifted(home, ("j-0", "c"))] == ["j-0"]
    quota = Quota("q", {"gpu": 1000}, name="quota q")
    limited = replace(one, jobs=(job("j", 0, 2, quotas=("q",)),), quotas=(quota,))
    assert drifted(limited, ("j-0", "a")) == []
    why = "quota q: 0 of 1 GPU used, 2 asked for"
    assert drifted(limited, ("j-0", "a"), ("j-1", "b")) == [("j-0", why), ("j-1", why)]


def test_in_one_sentence_the_nodes_with_most_members_first() -> None:
    rows = [Drift("j", f"m{at}", node, "why") for at, node in enumerate("abbcd")]
    assert told(rows, 2) == "b: why (j m1 and 1 more); a: why (j m0); 2 more"
    assert told(rows[:1]) == "a: why (j m0)"
