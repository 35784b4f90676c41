"""The best of all algorithms: 73 on Topcuoglu's example, never worse than HEFT, never below the bound."""

from __future__ import annotations

from graphlib import CycleError

import pytest
from hypothesis import given

from dcctl.packing.dag.bound import lower_bound
from dcctl.packing.dag.graph import Graph
from dcctl.packing.dag.lists import heft
from dcctl.packing.dag.problem import Edge, Problem, Task
from dcctl.packing.dag.search import improved
from dcctl.packing.dag.solve import default_steps, solve
from dcctl.packing.dag.verify import faults
from tests.bench.dags import SHAPES, problem
from tests.examples import examples
from tests.unit.packing.dag.workflows import TOPCUOGLU, brute_force, problems


def test_search_alone_finds_the_optimum_of_topcuoglu() -> None:
    solution = solve(TOPCUOGLU)
    assert dict(solution.tried) == {"HEFT": 80, "PEFT": 85, "CPOP": 86, "search": 73}
    assert (solution.schedule.makespan_ms, solution.found_by) == (73, "search")


@pytest.mark.parametrize("seed", [1, 2])
def test_from_any_seed(seed: int) -> None:
    assert solve(TOPCUOGLU, seed=seed).schedule.makespan_ms == 73


def test_the_optimum_of_topcuoglu_is_proved() -> None:
    pytest.importorskip("ortools")
    solution = solve(TOPCUOGLU, prove=True)
    assert (solution.schedule.makespan_ms, solution.bound_ms, solution.bound_by) == (73, 73, "CP-SAT")
    assert solution.gap_milli == 0


@examples(60)
@given(problems())
def test_what_holds_for_every_workflow(problem: Problem) -> None:
    solution = solve(problem, steps=200)
    assert faults(problem, solution.schedule) == ()
    assert solution.bound_ms <= solution.schedule.makespan_ms <= heft(Graph.of(problem)).makespan_ms
    assert solve(problem, steps=200) == solution
    assert 0 <= solution.gap_milli < 1000
    assert (solution.gap_milli == 0) == (solution.schedule.makespan_ms == solution.bound_ms)


@examples(60)
@given(problems(most_tasks=4))
def test_no_schedule_is_below_the_bound(problem: Problem) -> None:
    best = brute_force(problem)
    assert lower_bound(Graph.of(problem))[0] <= best
    assert solve(problem, steps=100).schedule.makespan_ms >= best


@examples(15)
@given(problems(most_tasks=4))
def test_what_is_proved_is_the_best_there_is(problem: Problem) -> None:
    pytest.importorskip("ortools")
    solution = solve(problem, steps=20, prove=True)
    assert solution.schedule.makespan_ms == solution.bound_ms == brute_force(problem)


def test_larger_workflows_get_shorter() -> None:
    found, by_heft = 0, 0
    for shape in SHAPES:
        made = problem(shape, workers=4, ccr=1.0, heterogeneity=1.0, seed=0)
        solution = solve(made, steps=3000)
        assert faults(made, solution.schedule) == ()
        found += solution.schedule.makespan_ms
        by_heft += dict(solution.tried)["HEFT"]
    assert found < 0.97 * by_heft


def test_no_steps_no_search() -> None:
    assert [name for name, _ in solve(TOPCUOGLU, steps=0).tried] == ["HEFT", "PEFT", "CPOP"]
    start = heft(Graph.of(TOPCUOGLU))
    assert improved(Graph.of(TOPCUOGLU), start, 0, 0, seed=0) == start


def test_a_single_task_is_proved_at_once() -> None:
    one = Problem(("a", "b"), (Task("t", (None, 7)),), (), ((0, 1), (1, 0)))
    solution = solve(one)
    assert (solution.schedule.workers, solution.bound_ms, solution.found_by) == ((1,), 7, "HEFT")


def test_equal_tasks_on_equal_workers_are_bounded_by_their_work() -> None:
    tasks = tuple(Task(f"t{at}", (10, 10)) for at in range(5))
    assert lower_bound(Graph.of(Problem(("a", "b"), tasks, (), ((0, 1), (1, 0))))) == (
        25,
        "work on all workers",
    )


def test_a_cycle_is_refused() -> None:
    tasks = (Task("a", (1,)), Task("b", (1,)))
    with pytest.raises(CycleError):
        solve(Problem(("w",), tasks, (Edge(0, 1, (0,)), Edge(1, 0, (0,))), ((0,),)))


def test_fewer_steps_for_more_tasks() -> None:
    assert default_steps(10) > default_steps(100) > default_steps(10**6) > 0
