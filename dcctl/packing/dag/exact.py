"""The best schedule there is, for few tasks, by CP-SAT of ortools: the extra `exact`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.packing import cpsat
from dcctl.packing.dag.problem import Schedule

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    from dcctl.packing.dag.graph import Graph

MOST_RULES = 2_000
"""Pairs of workers over all edges above which CP-SAT would get nowhere in the effort that it gets."""
_EFFORT = 2.0
"""Deterministic seconds of CP-SAT, which no clock measures: half a minute at most."""

_Starts = list["cp_model.IntVar"]
_Places = list[dict[int, "cp_model.IntVar"]]


def proved(graph: Graph, start: Schedule, bound_ms: int) -> tuple[Schedule, int] | None:
    """Return a schedule that is not longer than `start`, and a time before which none ends.

    None for a problem of more than MOST_RULES rules. The same arguments give the same answer. ImportError
    without ortools.
    """
    able = graph.able
    rules = sum(len(able[one]) * len(able[other]) for one in graph.order for other, _ in graph.before[one])
    if rules > MOST_RULES:
        return None
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    starts, places, makespan = _modelled(model, graph, start, bound_ms)
    model.minimize(makespan)
    solver = cpsat.solver(0, _EFFORT)
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return start, bound_ms
    found = _read(graph, solver, starts, places)
    best = found if found.makespan_ms < start.makespan_ms else start
    proven_ms = round(solver.best_objective_bound) if status == cp_model.FEASIBLE else best.makespan_ms
    return best, max(bound_ms, proven_ms)


def _modelled(
    model: cp_model.CpModel, graph: Graph, start: Schedule, bound_ms: int
) -> tuple[_Starts, _Places, cp_model.IntVar]:
    """Put the problem into the model, with `start` as its hint; return the variables to read."""
    horizon = start.makespan_ms
    makespan = model.new_int_var(bound_ms, horizon, "makespan")
    starts = [model.new_int_var(0, horizon, f"start{task}") for task in range(len(graph.order))]
    places: _Places = []
    busy: dict[int, list[cp_model.IntervalVar]] = {}
    for task, able in enumerate(graph.able):
        model.add_hint(starts[task], start.starts_ms[task])
        here = {worker: model.new_bool_var(f"on{task}_{worker}") for worker in able}
        model.add_exactly_one(here.values())
        for worker, chosen in here.items():
            length = graph.times[task][worker]
            model.add_hint(chosen, start.workers[task] == worker)
            busy.setdefault(worker, []).append(
                model.new_optional_fixed_size_interval_var(
                    starts[task], length, chosen, f"run{task}_{worker}"
                )
            )
            model.add(starts[task] + length <= makespan).only_enforce_if(chosen)
        places.append(here)
    for intervals in busy.values():
        model.add_no_overlap(intervals)
    _wait(model, graph, starts, places)
    return starts, places, makespan


def _wait(model: cp_model.CpModel, graph: Graph, starts: _Starts, places: _Places) -> None:
    """Make each task wait for the data of those before it."""
    for task in graph.order:
        for before, transfer_ms in graph.before[task]:
            for sender, sends in places[before].items():
                for receiver, receives in places[task].items():
                    delay = graph.times[before][sender] + transfer_ms[graph.problem.links[sender][receiver]]
                    model.add(starts[task] >= starts[before] + delay).only_enforce_if(sends, receives)


def _read(graph: Graph, solver: cp_model.CpSolver, starts: _Starts, places: _Places) -> Schedule:
    """Return the schedule that the solver found."""
    workers = [next(w for w, chosen in here.items() if solver.boolean_value(chosen)) for here in places]
    found = [solver.value(start) for start in starts]
    ends = [start + graph.times[task][workers[task]] for task, start in enumerate(found)]
    return Schedule(tuple(workers), tuple(found), tuple(ends))
