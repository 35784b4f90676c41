"""Gangs that stand in one part of the data centre, and no longer do once they are moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.drain.campaign import Leave, Unit, Wave
from dcctl.drain.plan import plan
from dcctl.drain.request import Request
from dcctl.drain.waves.split import splits
from tests.unit.drain.fleets import NOTHING_DONE, NOW_S, fleet, work

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet

LEAF, DOMAIN = "topology.dcctl.io/leaf", "topology.dcctl.io/domain"


def labelled(one: Fleet, label: str, *values: str) -> Fleet:
    """Its first nodes with a label of these values."""
    pairs = zip(one.nodes, values, strict=False)
    nodes = tuple(replace(node, labels={**node.labels, label: value}) for node, value in pairs)
    return replace(one, nodes=(*nodes, *one.nodes[len(values) :]))


def says(one: Fleet, gone: dict[int, int], to: str | None = None) -> list[str]:
    """What is told of a/g, of which members leave nodes for others, by their numbers."""
    (work,) = one.workloads
    names = {member.node: member.name for member in work.members}
    moves = {names[f"n{old:02}"]: f"n{new:02}" for old, new in gone.items()}
    leaves = tuple(Leave(f"a/{name}", "", to=new if to is None else to) for name, new in moves.items())
    wave = Wave(1, (), (Unit("a/g", "Job", leaves, gang=True),))
    found = list(splits(one, (wave,), {("a/g", name): new for name, new in moves.items()}))
    assert not any(finding.blocks for finding in found)
    return [f"{finding.subject}: {finding.says} ({','.join(finding.nodes)})" for finding in found]


IN_R0 = fleet(9, work("g", [0, 3, 6], gang=True))


def test_members_that_leave_their_rack_are_counted() -> None:
    assert says(IN_R0, {3: 4}) == [
        "a/g: 1 of its 3 members moves to r1, the rest stays in r0: no longer in one rack (n03)"
    ]
    assert says(IN_R0, {0: 1, 3: 5}) == [
        "a/g: 2 of its 3 members move to r[1-2], the rest stays in r0: no longer in one rack (n00,n03)"
    ]
    assert says(IN_R0, {0: 1, 3: 4, 6: 5}) == [
        "a/g: its 3 members move to r[1-2]: no longer in one rack (n00,n03,n06)"
    ]


def test_the_widest_part_is_told() -> None:
    """Both its leaf and its domain are lost; the rack is not."""
    one = labelled(fleet(9, work("g", [0, 3], gang=True)), LEAF, *("l1", "", "", "l1", "", "", "l2"))
    one = labelled(one, DOMAIN, *("d1", "", "", "d1", "", "", "d2"))
    assert says(one, {3: 6}) == [
        (
            "a/g: 1 of its 2 members moves to l2, the rest stays in l1: "
            "no longer behind one leaf, so it crosses the spine (n03)"
        )
    ]


@pytest.mark.parametrize(
    ("one", "gone"),
    [
        (fleet(9, work("g", [0, 3], gang=True)), {3: 6}),  # in its rack
        (fleet(9, work("g", [0, 3], gang=True)), {0: 1, 3: 4}),  # the whole of it
        (fleet(9, work("g", [0, 4], gang=True)), {4: 5}),  # it was in two already
        (
            replace(IN_R0, nodes=tuple(replace(node, rack=None) for node in IN_R0.nodes)),
            {3: 4},
        ),  # nobody tells
    ],
)
def test_what_is_not_split_is_not_told(one: Fleet, gone: dict[int, int]) -> None:
    assert says(one, gone) == []


def test_what_finds_no_place_is_told_elsewhere() -> None:
    assert says(IN_R0, {3: 4}, to="") == []


def test_a_plan_tells_it_and_is_not_blocked() -> None:
    """No node of its rack has room for the member that leaves."""
    full = work("full", [6, 7], gpus=8)
    campaign = plan(
        fleet(9, work("g", [0, 3], gpus=8, gang=True), full), Request(("n03",)), NOTHING_DONE, NOW_S
    )
    (finding,) = (one for one in campaign.findings if one.why == "split")
    assert finding.subject == "a/g"
    assert finding.says.endswith("the rest stays in r0: no longer in one rack")
    assert campaign.blocked == ()
