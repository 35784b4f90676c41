"""The best schedule of a workflow as a report: when each task runs where, and how good that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.render.report import Bar, Column, Gantt, Note, Report, Shape, Table
from dcctl.units import elapsed, percent, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.model import Gap
    from dcctl.inventory.workflow import Workflow
    from dcctl.packing.dag.problem import Edge, Problem, Schedule, Solution
    from dcctl.render.report import Row

_TASKS = (
    Column("task", "TASK", keep=9),
    Column("worker", "WORKER", keep=8),
    Column("start_ms", "START", "elapsed_ms", keep=8),
    Column("end_ms", "END", "elapsed_ms", keep=8),
    Column("duration_ms", "TAKES", "elapsed_ms", keep=4),
    Column("ready_ms", "DATA THERE", "elapsed_ms", keep=3, wide=True),
    Column("waits_for", "WAITS FOR", keep=6),
)
_TRIED = (Column("algorithm", "ALGORITHM", keep=9), Column("makespan_ms", "DONE AFTER", "elapsed_ms", keep=8))
_SUMMARY = (
    Column("name", "Name of the workflow"),
    Column("tasks", "Tasks", "count"),
    Column("workers", "Workers that run any of them", "count"),
    Column("makespan_ms", "End of the last task", "elapsed_ms"),
    Column("found_by", "What found the schedule: HEFT, PEFT, CPOP, search or CP-SAT"),
    Column("bound_ms", "No schedule ends before", "elapsed_ms"),
    Column("bound_by", "What proves that"),
    Column("gap_milli", "By how much a better schedule could be shorter, at most", "percent_milli"),
    Column("seed", "Seed of the search", "count"),
)
GANTT = "workers"
DAG = Shape(
    "schedule-dag",
    "The best schedule of tasks that wait for each other; times count from the start of the first task.",
    _TASKS,
    (("tried", _TRIED),),
    _SUMMARY,
    ((GANTT, "elapsed_ms"),),
)


def dag_report(
    workflow: Workflow,
    problem: Problem,
    solution: Solution,
    seed: int = 0,
    gaps: tuple[Gap, ...] = (),
    *,
    prove: bool = False,
) -> Report:
    """Return the report: tasks in the order in which they start, and a chart of the workers.

    `seed` and `prove` are those of the solution.
    """
    schedule = solution.schedule
    order = _order(schedule)
    return Report(
        kind=DAG.kind,
        headline=_headline(solution),
        items=Table("items", _TASKS, _rows(problem, schedule, order), fold=False),
        details=(Table("tried", _TRIED, solution.tried, "ALGORITHMS"),),
        summary={
            "name": workflow.name or None,
            "tasks": len(problem.tasks),
            "workers": len(set(schedule.workers)),
            "makespan_ms": schedule.makespan_ms,
            "found_by": solution.found_by,
            "bound_ms": solution.bound_ms,
            "bound_by": solution.bound_by,
            "gap_milli": solution.gap_milli,
            "seed": seed,
        },
        gantts=(_gantt(problem, schedule, order),),
        notes=_notes(solution, prove),
        gaps=gaps,
        name_key="task",
    )


def _headline(solution: Solution) -> str:
    """`done after 73 s on 3 workers; HEFT 80 s, proven bound 73 s, gap 0 %`."""
    schedule = solution.schedule
    done = f"done after {elapsed(schedule.makespan_ms)} on {plural(len(set(schedule.workers)), 'worker')}"
    heft = next(ms for name, ms in solution.tried if name == "HEFT")
    bound = elapsed(solution.bound_ms)
    return f"{done}; HEFT {elapsed(heft)}, proven bound {bound}, gap {percent(solution.gap_milli)}"


def _notes(solution: Solution, prove: bool) -> tuple[Note, ...]:
    """Return who found the schedule, and what the bound means."""
    others = ", ".join(f"{name} {elapsed(ms)}" for name, ms in solution.tried)
    found = Note("found", f"by {solution.found_by}; {others}", "ok")
    if not solution.gap_milli:
        return found, Note("best", f"no schedule is shorter: {solution.bound_by}", "ok")
    more = f"a better schedule could be {percent(solution.gap_milli)} shorter at most: {solution.bound_by}"
    if prove and "CP-SAT" not in dict(solution.tried):
        too_large = Note("proof", "not tried: the model would be too large for CP-SAT", "warn")
        return found, Note("bound", more), too_large
    return found, Note("bound", more)


def _waits(problem: Problem) -> list[list[Edge]]:
    """Return what each task waits for."""
    found: list[list[Edge]] = [[] for _ in problem.tasks]
    for edge in problem.edges:
        found[edge.after].append(edge)
    return found


def _order(schedule: Schedule) -> list[int]:
    """Return the tasks in the order in which they start."""
    times = list(zip(schedule.starts_ms, schedule.ends_ms, strict=True))
    return sorted(range(len(times)), key=times.__getitem__)


def _rows(problem: Problem, schedule: Schedule, order: Sequence[int]) -> tuple[Row, ...]:
    waits = _waits(problem)
    return tuple(_row(problem, schedule, task, waits[task]) for task in order)


def _row(problem: Problem, schedule: Schedule, task: int, waits: Sequence[Edge]) -> Row:
    start, end, worker = schedule.starts_ms[task], schedule.ends_ms[task], schedule.workers[task]
    there = (
        schedule.ends_ms[edge.before] + edge.transfer_ms[problem.links[schedule.workers[edge.before]][worker]]
        for edge in waits
    )
    names = tuple(problem.tasks[edge.before].name for edge in waits)
    return (
        problem.tasks[task].name,
        problem.workers[worker],
        start,
        end,
        end - start,
        max(there, default=0),
        names,
    )


def _gantt(problem: Problem, schedule: Schedule, order: Sequence[int]) -> Gantt:
    """Return a row per worker, idle ones too."""
    bars: list[list[Bar]] = [[] for _ in problem.workers]
    for task in order:
        bar = Bar(schedule.starts_ms[task], schedule.ends_ms[task], problem.tasks[task].name)
        bars[schedule.workers[task]].append(bar)
    rows = tuple((name, tuple(row)) for name, row in zip(problem.workers, bars, strict=True))
    return Gantt(GANTT, "what each worker runs", rows)
