"""Which nodes may go back into service."""

from __future__ import annotations

import pytest

from dcctl.drain.returning import Back, Health, State, judged, question, return_report, told
from dcctl.inventory.disruption import Cordon
from dcctl.inventory.model import Node

OURS = Cordon("dcctl", run="r1", reason="PDU swap", was_schedulable=True)
WELL = Health(looked=3)


def node(cordon: Cordon | None = OURS, ready: bool | None = True, schedulable: bool | None = False) -> Node:
    return Node("gpu1", cordon=cordon, ready=ready, schedulable=schedulable)


CASES: dict[str, tuple[Node, Health | None, State, str]] = {
    "well": (node(), WELL, "returned", ""),
    "not checked": (node(), None, "returned", "not checked"),
    "slight faults are told": (node(), Health(looked=3, slight=("NOD-20: x",)), "returned", "NOD-20: x"),
    "faults": (node(), Health(("GPU-05: x",), ("GPU-01: y",), 3), "faulty", "GPU-05: x"),
    "doubts": (node(), Health((), ("GPU-01: timed out",), 3), "unknown", "GPU-01: timed out"),
    "nobody looked": (node(), Health(), "unknown", "no source tells of its health"),
    "not ready": (node(ready=False), None, "not ready", "says that it is not ready"),
    "nobody tells": (node(ready=None), None, "unknown", "nobody tells whether it is ready"),
    "of nobody": (node(None), WELL, "foreign", "somebody took it"),
    "of another tool": (node(Cordon("kured")), WELL, "foreign", "kured took it"),
    "in service": (node(None, schedulable=True), WELL, "in service", "it is in service"),
    "unknown service": (node(None, schedulable=None), WELL, "unknown", "nobody tells"),
    "was out": (
        node(Cordon("dcctl", run="r1", was_schedulable=False)), WELL, "returned", "it stays cordoned"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_one_node(name: str) -> None:
    one, health, state, says = CASES[name]
    found = judged(one, health)
    assert found.state == state
    assert says in found.says


def test_findings_are_exit_1_and_unknown_health_is_a_gap() -> None:
    good, bad, dark = Back("a", "returned"), Back("b", "faulty", "x"), Back("c", "unknown", "y")
    report = return_report((good, bad, dark))
    assert report.headline == "1 of 3 nodes back in service; 2 stay as they are"
    assert (report.level, [gap.node for gap in report.gaps]) == ("crit", ["c"])
    assert report.notes[0].text == "b: x"
    assert return_report((good,)).level == "ok"
    assert return_report((Back("a", "in service"),)).headline == "nothing to return: 1 node in service"
    assert report.summary["kept"] == 2


def test_nodes_that_somebody_changed_are_told_as_left() -> None:
    backs = told(
        (Back("a", "returned", stays_cordoned=True), Back("b", "returned")), {"a": "it is gone", "b": ""}
    )
    assert [one.state for one in backs] == ["changed", "returned"]


def test_the_question_names_what_stays() -> None:
    lines = question(
        (Back("gpu1", "returned"), Back("gpu2", "returned"), Back("gpu3", "faulty", "GPU-05: x"))
    )
    assert lines == (
        "gpu3 stays as it is: faulty: GPU-05: x", "back in service: gpu[1-2]", "Return 2 nodes?"
    )  # fmt: skip
