"""What is wrong with a schedule, found from its problem alone: shares no code with what makes schedules."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.packing.dag.problem import Edge, Problem, Schedule


def faults(problem: Problem, schedule: Schedule) -> tuple[str, ...]:
    """Return one sentence for each rule that the schedule breaks; nothing when it can be carried out."""
    sizes = {len(schedule.workers), len(schedule.starts_ms), len(schedule.ends_ms)}
    if sizes != {len(problem.tasks)}:
        return ("the schedule is not about the tasks of the problem",)
    lone = [fault for task in range(len(problem.tasks)) for fault in _of_task(problem, schedule, task)]
    if lone:
        return tuple(lone)
    early = (_of_edge(problem, schedule, edge) for edge in problem.edges)
    return (*filter(None, early), *_overlaps(problem, schedule))


def _of_task(problem: Problem, schedule: Schedule, task: int) -> Iterator[str]:
    """Yield what is wrong with one task alone."""
    name, worker = problem.tasks[task].name, schedule.workers[task]
    start, end = schedule.starts_ms[task], schedule.ends_ms[task]
    if not 0 <= worker < len(problem.workers):
        yield f"{name} runs on no worker"
        return
    length = problem.tasks[task].times_ms[worker]
    if length is None:
        yield f"{name} cannot run on {problem.workers[worker]}"
    elif end - start != length:
        yield f"{name} runs for {end - start} ms, not {length} ms"
    if start < 0:
        yield f"{name} starts before the beginning"


def _of_edge(problem: Problem, schedule: Schedule, edge: Edge) -> str:
    """Return what is wrong when a task starts before what it waits for has arrived."""
    link = problem.links[schedule.workers[edge.before]][schedule.workers[edge.after]]
    arrived = schedule.ends_ms[edge.before] + edge.transfer_ms[link]
    start = schedule.starts_ms[edge.after]
    if start >= arrived:
        return ""
    before, after = problem.tasks[edge.before].name, problem.tasks[edge.after].name
    return f"{after} starts at {start} ms, but what {before} sends arrives at {arrived} ms"


def _overlaps(problem: Problem, schedule: Schedule) -> Iterator[str]:
    """Yield the pairs of tasks that one worker would run at the same time."""
    for worker, name in enumerate(problem.workers):
        own = [task for task, where in enumerate(schedule.workers) if where == worker]
        own.sort(key=lambda task: schedule.starts_ms[task])
        for first, second in pairwise(own):
            if schedule.starts_ms[second] < schedule.ends_ms[first]:
                both = f"{problem.tasks[first].name} and {problem.tasks[second].name}"
                yield f"{both} run at the same time on {name}"
