"""The state of a node, in words."""

from __future__ import annotations

import pytest

from dcctl.inventory.model import Fleet, Node, System
from dcctl.inventory.nodeset import groups_of
from dcctl.inventory.occupancy.unavailable import out_of_service
from dcctl.inventory.states import state_of


@pytest.mark.parametrize(
    ("node", "printed", "reason", "groups"),
    [
        (Node("n", ready=True, schedulable=True, state="Ready"), "Ready", "", {"ready"}),
        (
            Node("n", ready=True, schedulable=False, state="Ready,SchedulingDisabled"),
            *("Ready,SchedulingDisabled", "cordoned", {"cordoned"}),
        ),
        (
            Node("n", ready=True, schedulable=False, state="idle+drain"),
            "idle+drain",
            "cordoned",
            {"cordoned"},
        ),
        (Node("n", ready=True, schedulable=False, state="Ready"), "Ready,cordoned", "cordoned", {"cordoned"}),
        (Node("n", schedulable=False), "cordoned", "cordoned", {"cordoned"}),
        (
            Node("n", ready=False, schedulable=False, state="NotReady,SchedulingDisabled"),
            *("NotReady,SchedulingDisabled", "NotReady,SchedulingDisabled", {"notready", "cordoned"}),
        ),
        (Node("n", ready=False), "NotReady", "NotReady", {"notready"}),
        (Node("n", system=System()), "up", "", {"unknown"}),
        (Node("n"), None, "", {"unknown"}),
    ],
)
def test_a_node_is_printed_grouped_and_passed_over_by_one_state(
    node: Node, printed: str | None, reason: str, groups: set[str]
) -> None:
    assert state_of(node) == printed
    assert out_of_service(node) == reason
    assert {group for group in groups_of(Fleet(nodes=(node,))) if "state" in group} == {
        f"state:{word}" for word in groups
    }


def test_a_word_that_another_source_contradicts_is_not_repeated() -> None:
    assert state_of(Node("n", state="Ready", ready=False)) == "NotReady"
    assert state_of(Node("n", state="DOWN*", ready=False)) == "DOWN*"
