"""HEFT, PEFT and CPOP give what their papers say."""

from __future__ import annotations

import pytest
from hypothesis import given

from dcctl.packing.dag.graph import Graph
from dcctl.packing.dag.lists import cpop, heft, optimistic_costs, peft
from dcctl.packing.dag.problem import Edge, Problem, Task
from dcctl.packing.dag.ranks import downward, upward
from dcctl.packing.dag.verify import faults
from tests.unit.packing.dag.workflows import TOPCUOGLU, problems

GRAPH = Graph.of(TOPCUOGLU)


def test_upward_ranks_of_topcuoglu() -> None:
    told = [108, 77, 80, 80, 69, 63.3, 42.7, 35.7, 44.3, 14.7]
    assert upward(GRAPH) == pytest.approx(told, abs=0.05)


def test_downward_ranks_of_topcuoglu() -> None:
    told = [0, 31, 25, 22, 24, 27, 62.3, 66.7, 63.7, 93.3]
    assert downward(GRAPH) == pytest.approx(told, abs=0.05)


def test_heft_of_topcuoglu() -> None:
    schedule = heft(GRAPH)
    told = [(3, 9), (1, 40), (3, 28), (2, 26), (3, 38), (2, 42), (3, 49), (1, 62), (2, 68), (2, 80)]
    assert [(w + 1, end) for w, end in zip(schedule.workers, schedule.ends_ms, strict=True)] == told
    assert schedule.makespan_ms == 80


def test_peft_and_cpop_of_topcuoglu() -> None:
    assert peft(GRAPH).makespan_ms == 85
    assert cpop(GRAPH).makespan_ms == 86


def test_nothing_is_ahead_of_the_last_task() -> None:
    assert optimistic_costs(GRAPH)[9] == [0, 0, 0]


def test_a_gap_is_filled() -> None:
    """The short task fits before the long one that waits for its data."""
    tasks = (Task("a", (10, 10)), Task("b", (50, 90)), Task("c", (90, 15)))
    problem = Problem(("x", "y"), tasks, (Edge(0, 1, (0, 5)), Edge(0, 2, (0, 5))), ((0, 1), (1, 0)))
    schedule = heft(Graph.of(problem))
    assert schedule.makespan_ms == 60
    assert not faults(problem, schedule)


@given(problems())
def test_every_schedule_can_be_carried_out(problem: Problem) -> None:
    graph = Graph.of(problem)
    for schedule in (heft(graph), peft(graph), cpop(graph)):
        assert faults(problem, schedule) == ()
