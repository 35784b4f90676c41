"""Tasks put on workers one by one, each into the first gap that is long enough: insertion."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from dcctl.packing.dag.problem import Schedule

if TYPE_CHECKING:
    from dcctl.packing.dag.graph import Graph


class Placing:
    """A schedule in the making. A task is placed after all those before it."""

    def __init__(self, graph: Graph) -> None:
        """No task is placed yet."""
        self._graph = graph
        self._busy: list[tuple[list[int], list[int]]] = [([], []) for _ in graph.problem.workers]
        self._workers = [-1] * len(graph.order)
        self._starts, self._ends = self._workers.copy(), self._workers.copy()

    def start_ms(self, task: int, worker: int) -> int:
        """Return the earliest time at which the task could start on that worker."""
        ready = 0
        links = self._graph.problem.links
        for before, transfer_ms in self._graph.before[task]:
            arrived = self._ends[before] + transfer_ms[links[self._workers[before]][worker]]
            ready = max(ready, arrived)
        return self._gap(worker, ready, self._graph.times[task][worker])

    def end_ms(self, task: int, worker: int) -> int:
        """Return the earliest time at which the task could end on that worker."""
        return self.start_ms(task, worker) + self._graph.times[task][worker]

    def place(self, task: int, worker: int) -> None:
        """Put the task on that worker, as early as it can be."""
        start = self.start_ms(task, worker)
        end = start + self._graph.times[task][worker]
        starts, ends = self._busy[worker]
        at = bisect_right(starts, start)
        starts.insert(at, start)
        ends.insert(at, end)
        self._workers[task], self._starts[task], self._ends[task] = worker, start, end

    def done(self) -> Schedule:
        """Return the schedule; every task was placed."""
        return Schedule(tuple(self._workers), tuple(self._starts), tuple(self._ends))

    def _gap(self, worker: int, ready: int, length: int) -> int:
        """Return the start of the first gap of that length on a worker that is not before `ready`."""
        starts, ends = self._busy[worker]
        start = ready
        for at in range(bisect_right(ends, ready), len(ends)):
            if start + length <= starts[at]:
                break
            start = max(start, ends[at])
        return start
