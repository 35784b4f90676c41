"""A problem with its edges at hand from both ends, as every algorithm on it needs them."""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from dcctl.packing.dag.problem import Problem

Neighbours = tuple[tuple[int, tuple[int, ...]], ...]
"""(task, transfer in ms by class of link)."""


class Graph(Struct, frozen=True):
    """The tasks of a problem, each with those before and after it."""

    problem: Problem
    before: tuple[Neighbours, ...]
    after: tuple[Neighbours, ...]
    order: tuple[int, ...]
    """The tasks, each behind all those before it."""
    able: tuple[tuple[int, ...], ...]
    """The workers that can run each task."""
    times: tuple[tuple[int, ...], ...]
    """`times_ms` of each task; 0 where it cannot run."""

    @classmethod
    def of(cls, problem: Problem) -> Graph:
        """Return the graph of a problem. graphlib.CycleError when tasks wait for each other."""
        before: list[list[tuple[int, tuple[int, ...]]]] = [[] for _ in problem.tasks]
        after: list[list[tuple[int, tuple[int, ...]]]] = [[] for _ in problem.tasks]
        for edge in problem.edges:
            before[edge.after].append((edge.before, edge.transfer_ms))
            after[edge.before].append((edge.after, edge.transfer_ms))
        sorter = TopologicalSorter({task: [each for each, _ in waits] for task, waits in enumerate(before)})
        rows = [task.times_ms for task in problem.tasks]
        return cls(
            problem,
            tuple(map(tuple, before)),
            tuple(map(tuple, after)),
            tuple(sorter.static_order()),
            tuple(tuple(worker for worker, ms in enumerate(row) if ms is not None) for row in rows),
            tuple(tuple(ms or 0 for ms in row) for row in rows),
        )

    def mean_ms(self, task: int) -> float:
        """Return how long a task takes on average over the workers that can run it."""
        able = self.able[task]
        return sum(self.times[task][worker] for worker in able) / len(able)


def mean_transfer(problem: Problem) -> tuple[float, ...]:
    """Return the share of each class among the links between two different workers: 0 for class 0."""
    classes = [each for row in problem.links for each in row if each]
    most = max((len(edge.transfer_ms) for edge in problem.edges), default=1)
    return tuple(classes.count(each) / len(classes) if classes else 0.0 for each in range(most))


def weighed(transfer_ms: tuple[int, ...], shares: tuple[float, ...]) -> float:
    """Return the mean time of a transfer between two different workers."""
    return sum(ms * share for ms, share in zip(transfer_ms, shares, strict=True))
