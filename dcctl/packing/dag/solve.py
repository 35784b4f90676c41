"""The best schedule that all algorithms together find, and how far it may be from the best there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.packing.dag.bound import lower_bound
from dcctl.packing.dag.exact import proved
from dcctl.packing.dag.graph import Graph
from dcctl.packing.dag.lists import cpop, heft, peft
from dcctl.packing.dag.problem import Solution
from dcctl.packing.dag.search import improved
from dcctl.packing.dag.verify import faults

if TYPE_CHECKING:
    from dcctl.packing.dag.problem import Problem, Schedule

_LISTS = (("HEFT", heft), ("PEFT", peft), ("CPOP", cpop))
_PLACEMENTS = 1_000_000
"""Tasks that the search may place, over all its steps: about a second."""
_FEWEST_STEPS = 200


def default_steps(tasks: int) -> int:
    """Return how many steps the search takes on so many tasks."""
    return max(_FEWEST_STEPS, _PLACEMENTS // tasks)


def solve(problem: Problem, steps: int | None = None, seed: int = 0, *, prove: bool = False) -> Solution:
    """Return the best schedule of HEFT, PEFT, CPOP and a local search, and with `prove` of CP-SAT.

    `steps` bounds the search, 0 leaves it out; None: as many as take about a second. The same arguments give
    the same solution. graphlib.CycleError when tasks wait for each other; ImportError for `prove` without
    ortools.
    """
    graph = Graph.of(problem)
    bound_ms, bound_by = lower_bound(graph)
    found: dict[str, Schedule] = {name: schedule(graph) for name, schedule in _LISTS}
    best = min(found.values(), key=lambda schedule: schedule.makespan_ms)
    if steps is None:
        steps = default_steps(len(problem.tasks))
    if steps and best.makespan_ms > bound_ms:
        found["search"] = best = improved(graph, best, bound_ms, steps, seed)
    if prove and best.makespan_ms > bound_ms and (exact := proved(graph, best, bound_ms)):
        found["CP-SAT"], proven_ms = exact
        if proven_ms > bound_ms:
            bound_ms, bound_by = proven_ms, "CP-SAT"
    return _checked(problem, found, bound_ms, bound_by)


def _checked(problem: Problem, found: dict[str, Schedule], bound_ms: int, bound_by: str) -> Solution:
    """Return the shortest schedule, of equal ones the first. AssertionError when it cannot be carried out."""
    name, best = min(found.items(), key=lambda each: each[1].makespan_ms)
    wrong = faults(problem, best)
    if wrong or best.makespan_ms < bound_ms:
        raise AssertionError(f"{name} made a schedule that cannot be: {wrong or bound_ms}")
    tried = tuple((name, schedule.makespan_ms) for name, schedule in found.items())
    return Solution(best, name, tried, bound_ms, bound_by)
