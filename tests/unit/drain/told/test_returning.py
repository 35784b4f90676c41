"""Which nodes may go back into service."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.drain.told.returning import (
    Back,
    Health,
    State,
    by_check,
    judged,
    question,
    return_report,
    told,
    unasked,
)
from dcctl.inventory.disruption import Cordon
from dcctl.inventory.model import Fleet, Gap, Node, SourceRun

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
    "nobody was asked": (node(), Health(unasked=True), "returned", ""),
    "nobody was asked of others": (
        node(), Health((), ("NOD-18: 403",), unasked=True), "unknown", "NOD-18: 403"
    ),
    "nobody was asked, and not ready": (
        node(ready=None), Health(unasked=True), "unknown", "nobody tells whether it is ready"
    ),
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


def test_a_check_says_the_same_once() -> None:
    told = [("GPU-02", "no ECC")] * 8 + [("GPU-05", "a is hot"), ("GPU-05", "b is hot"), ("GPU-07", "x")]
    assert by_check(told) == ("GPU-02: no ECC (8 times)", "GPU-05: a is hot (and 1 more)", "GPU-07: x")
    many = Health((), tuple(f"GPU-{number:02d}: x" for number in range(5)))
    assert judged(node(), many).says == "GPU-00: x; GPU-01: x; GPU-02: x; and 2 checks more"


GAP = Gap("dcgm", "metrics", "timed out", "timeout")


@pytest.mark.parametrize(
    ("looking", "gaps", "left"),
    [
        ((), (), {"gpu1", "gpu2"}),
        (("ssh",), (), set()),
        (("local",), (), {"gpu1"}),
        ((), (GAP,), set()),
        ((), (replace(GAP, node="gpu2"),), {"gpu1"}),
        ((), (replace(GAP, source="k8s"),), {"gpu1", "gpu2"}),
        ((), (replace(GAP, cause="limited"),), {"gpu1", "gpu2"}),
    ],
)
def test_whom_nobody_was_asked_to_look_into(
    looking: tuple[str, ...], gaps: tuple[Gap, ...], left: set[str]
) -> None:
    nodes = (Node("gpu1", sources=("k8s",)), Node("gpu2", sources=("k8s", "local")))
    fleet = Fleet(nodes=nodes, sources=(SourceRun("k8s", "kubernetes", True, 1, 2),), gaps=gaps)
    assert unasked(looking, fleet, ("gpu1", "gpu2")) == left


def test_what_nobody_looked_at_is_told_in_one_line() -> None:
    backs = (Back("a", "returned", unasked=True), Back("b", "returned", unasked=True))
    report = return_report(backs)
    assert [one.label for one in report.notes] == ["health", "network"]
    assert "no ssh source is named" in report.notes[0].text
    assert (report.gaps, report.level) == ((), "ok")
    assert question(backs)[0] == report.notes[0].text


def test_the_question_names_what_stays() -> None:
    lines = question(
        (Back("gpu1", "returned"), Back("gpu2", "returned"), Back("gpu3", "faulty", "GPU-05: x"))
    )
    assert lines == (
        "gpu3 stays as it is: faulty: GPU-05: x", "back in service: gpu[1-2]", "Return 2 nodes?"
    )  # fmt: skip


def test_taints_of_others_are_told_for_what_goes_back() -> None:
    taints = ("example.com/x:NoSchedule",)
    well, faulty = judged(node(), WELL, taints), judged(node(), Health(("GPU-05: x",), (), 3), taints)
    assert (well.taints, faulty.taints) == (taints, ())
    backs = (well, well._replace(node="gpu2"), faulty._replace(node="gpu3"))
    told = "gpu[1-2]: example.com/x:NoSchedule was left as it is: somebody else keeps work away"
    assert [one.text for one in return_report(backs).notes if one.label == "taint"] == [told]
    assert told in question(backs)
