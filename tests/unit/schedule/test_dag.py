"""A workflow as numbers, the workers of a fleet, and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.model import Fleet, Gap, Node
from dcctl.inventory.workflow import Crew, Step, Wait, Workflow
from dcctl.packing.dag.problem import Edge
from dcctl.packing.dag.solve import solve
from dcctl.schedule.dag import crew, problem_of, transfer_ms
from dcctl.schedule.dag_report import dag_report
from tests.bench.dags import problem

if TYPE_CHECKING:
    from dcctl.render.report import Report

FLOW = Workflow(
    "x",
    ("p1", "p2", "p3"),
    ((None, 8000, 8000), (8000, None, 1000), (8000, 1000, None)),
    (
        Step("a", {"p1": 1000}),
        Step("b", {"p2": 2000}, (Wait("a", size_bytes=1001),)),
        Step("c", {"p1": 1, "p3": 5}, (Wait("a", delay_ms=7), Wait("b", size_bytes=1))),
    ),
)


def told(flow: Workflow = FLOW, gaps: tuple[Gap, ...] = ()) -> Report:
    numbers = problem_of(flow)
    return dag_report(flow, numbers, solve(numbers), 0, gaps)


def test_links_are_classes_of_their_rates() -> None:
    numbers = problem_of(FLOW)
    assert numbers.links == ((0, 1, 1), (1, 0, 2), (1, 2, 0))
    assert numbers.edges == (Edge(0, 1, (0, 1001, 8008)), Edge(0, 2, (0, 7, 7)), Edge(1, 2, (0, 1, 8)))
    assert [task.times_ms for task in numbers.tasks] == [(1000, None, None), (None, 2000, None), (1, None, 5)]


def test_bytes_over_an_unknown_rate_take_no_known_time() -> None:
    assert transfer_ms(Wait("a", delay_ms=3), None) == 3
    with pytest.raises(ValueError, match="unknown"):
        transfer_ms(Wait("a", size_bytes=1), None)


def test_workers_are_the_nodes_that_take_work() -> None:
    fleet = Fleet(
        nodes=(
            Node("n10", pools=("a",)),
            Node("n9", pools=("a", "b")),
            Node("n2", pools=("b",), ready=False),
            Node("n3", pools=("c",), schedulable=False),
        )
    )
    assert crew(fleet, "node") == Crew(("n9", "n10"), {"@pool:a": ("n9", "n10"), "@pool:b": ("n9",)})
    assert crew(fleet, "pool") == Crew(("a", "b"))


def test_the_report_says_when_and_where() -> None:
    report = told()
    assert report.headline == "done after 4 s on 2 workers; HEFT 4 s, proven bound 4 s, gap 0 %"
    assert report.items.rows == (
        ("a", "p1", 0, 1000, 1000, 0, ()),
        ("b", "p2", 2001, 4001, 2000, 2001, ("a",)),
        ("c", "p1", 4002, 4003, 1, 4002, ("a", "b")),
    )
    assert report.summary["makespan_ms"] == report.summary["bound_ms"] == 4003
    assert [name for name, _ in report.gantts[0].rows] == ["p1", "p2", "p3"]
    assert report.notes[-1].text == "no schedule is shorter: critical path"


def test_a_proof_that_was_not_tried_is_told() -> None:
    pytest.importorskip("ortools")
    made = problem("layered", workers=8, ccr=1.0, heterogeneity=1.0, seed=0)
    found = solve(made, steps=1, prove=True)
    report = dag_report(Workflow(), made, found, prove=True)
    assert [note.label for note in report.notes] == ["found", "bound", "proof"]


def test_what_gave_no_answer_is_passed_on() -> None:
    gap = Gap("ssh", "n1", "timed out", "timeout")
    assert told(gaps=(gap,)).gaps == (gap,)


def test_on_one_worker_nothing_is_sent() -> None:
    wait = Wait("a", size_bytes=10**12)
    flow = Workflow("x", ("p",), ((None,),), (Step("a", {"p": 1000}), Step("b", {"p": 2000}, (wait,))))
    assert solve(problem_of(flow)).schedule.makespan_ms == 3000
