"""What makes the numbers doubtful is said below them."""

from __future__ import annotations

from io import StringIO

import pytest
from msgspec.structs import replace

from dcctl.assess.fleet.report import Options, report
from dcctl.inventory.model import Conflict, Fleet, Resources
from dcctl.render.style import Style
from dcctl.render.table import as_table
from tests.unit.assess.fleet.build import GIB, GPU, NOW_S, asks, boards, node, size, work


def _told(fleet: Fleet) -> dict[str, tuple[str, str]]:
    notes = report(fleet, Options(), NOW_S).notes
    return {note.label: (note.text, note.severity) for note in notes if note.label != "busy"}


def _screen(fleet: Fleet, output: str) -> str:
    out = StringIO()
    as_table(report(fleet, Options(), NOW_S), Style(output, terminal=True), out)
    return out.getvalue()


def test_sources_that_disagree_are_on_the_screen() -> None:
    conflict = Conflict("n1", "rack", (("ssh", "r1"), ("terraform", "r2")))
    fleet = Fleet(nodes=(node(),), conflicts=(conflict,))
    assert _told(fleet)["sources disagree"] == ("on 1 fact about n1", "warn")
    evidence = "rack  ssh: r1, terraform: r2"
    assert "sources disagree: on 1 fact about n1\n  n1     " + evidence in _screen(fleet, "table")
    assert evidence in _screen(fleet, "wide")


def test_many_conflicts_are_told_in_one_sentence() -> None:
    many = tuple(Conflict(f"n{i}", "rack", (("a", "1"), ("b", "2"))) for i in range(5))
    told = _told(Fleet(nodes=(node(),), conflicts=many))["sources disagree"]
    assert told == ("on 5 facts about n0, n1, n2, and 2 more", "warn")


def test_more_asked_for_than_a_node_has_is_told() -> None:
    small = node(capacity=size(gpus=4), allocatable=size(gpus=4), accelerators=boards(4))
    fleet = Fleet(nodes=(small,), workloads=(work("a", asks(gpus=8)),))
    assert _told(fleet)["requests"] == (f"more requested than there is on n1: 8 of 4 {GPU}", "warn")


@pytest.mark.parametrize("gpus", [0, 4])
def test_a_resource_that_the_node_lacks_is_told_unless_others_may_be_the_same(gpus: int) -> None:
    bare = node(capacity=size(gpus=gpus), allocatable=size(gpus=gpus), accelerators=boards(gpus))
    told = _told(Fleet(nodes=(bare,), workloads=(work("a", asks(gpus=2, resource="amd.com/gpu")),)))
    assert ("requests" in told) == (gpus == 0)


@pytest.mark.parametrize("units", [8, 32])
def test_what_a_node_has_may_be_asked_for(units: int) -> None:
    shares = tuple(replace(board, kind="shared", replicas=units // 8) for board in boards(8))
    room = size(gpus=units)
    full = node(capacity=room, allocatable=size(gpus=units - 1), accelerators=shares)
    assert "requests" not in _told(Fleet(nodes=(full,), workloads=(work("a", asks(gpus=1), count=units),)))


def test_work_on_a_node_that_nobody_lists_is_told() -> None:
    lost = work("a", asks(gpus=8), where="n9", count=2)
    told = _told(Fleet(nodes=(node(),), workloads=(lost, work("b", asks()))))
    assert told["requests"] == ("2 pods bound to n9, which no source lists: not counted", "warn")


def test_work_that_spans_chosen_and_other_nodes_is_no_such_finding() -> None:
    """Of a selection only the chosen nodes are left, and the work on them is left whole."""
    here, there = work("a", asks()), work("a", asks(), where="n2")
    spanning = replace(here, members=(*here.members, *there.members))
    assert "requests" not in _told(Fleet(nodes=(node(),), workloads=(spanning,)))


def test_neither_is_finished_or_waiting_work() -> None:
    done = work("a", asks(), where="n9")
    done = replace(done, members=tuple(replace(one, phase="succeeded") for one in done.members))
    waits = work("b", asks(), where=None)
    assert "requests" not in _told(Fleet(nodes=(node(),), workloads=(done, waits)))


def test_sums_say_which_nodes_they_leave_out() -> None:
    dumb = node("n2", capacity=Resources(pods=110, devices={GPU: 8}))
    half = node("n3", capacity=Resources(memory_bytes=GIB, devices={GPU: 8}))
    apart = "CPU unknown on 2 of 3 nodes, memory unknown on 1 of 3 nodes: left out"
    assert _told(Fleet(nodes=(node(), dumb, half)))["sums"] == (apart, "info")
    assert _told(Fleet(nodes=(node(), dumb)))["sums"][0] == "CPU and memory unknown on 1 of 2 nodes: left out"
    assert "sums" not in _told(Fleet(nodes=(node(), node("n2"))))
    assert "sums" not in _told(Fleet(nodes=(dumb,)))
