"""List schedulers: the tasks in some order, each on the worker that looks best for it. Ties go to the first.

HEFT and CPOP: Topcuoglu et al., IEEE TPDS 13(3), 2002. PEFT: Arabnejad and Barbosa, List scheduling
algorithm for heterogeneous systems by an optimistic cost table, IEEE TPDS 25(3), 2014.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from dcctl.packing.dag.graph import mean_transfer, weighed
from dcctl.packing.dag.placing import Placing
from dcctl.packing.dag.ranks import downward, upward

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.packing.dag.graph import Graph
    from dcctl.packing.dag.problem import Schedule


def heft(graph: Graph) -> Schedule:
    """Return the schedule of HEFT: the task that is farthest from the end first, where it ends earliest."""
    return by_rank(graph, upward(graph))


def by_rank(graph: Graph, ranks: Sequence[float]) -> Schedule:
    """Return the schedule that takes the highest rank first and puts each task where it ends earliest."""
    placing = Placing(graph)
    for task in _by_priority(graph, ranks):
        placing.place(task, _earliest(graph, placing, task))
    return placing.done()


def peft(graph: Graph) -> Schedule:
    """Return the schedule of PEFT: HEFT that looks ahead at what each worker means for the tasks to come."""
    ahead = optimistic_costs(graph)
    ranks = [sum(ahead[task][w] for w in able) / len(able) for task, able in enumerate(graph.able)]
    placing = Placing(graph)
    for task in _by_priority(graph, ranks):
        costs = ahead[task]
        placing.place(
            task, min(graph.able[task], key=lambda worker: placing.end_ms(task, worker) + costs[worker])
        )
    return placing.done()


def optimistic_costs(graph: Graph) -> list[list[float]]:
    """Return PEFT's table: from the end of a task on a worker to the end of all, in ms, at the very best.

    The figure of a worker that cannot run the task means nothing.
    """
    shares = mean_transfer(graph.problem)
    workers = range(len(graph.problem.workers))
    table = [[0.0 for _ in workers] for _ in graph.order]
    for task in reversed(graph.order):
        for after, transfer_ms in graph.after[task]:
            mean = weighed(transfer_ms, shares)
            costs = {each: table[after][each] + graph.times[after][each] for each in graph.able[after]}
            elsewhere = min(costs.values()) + mean
            for worker in workers:
                best = min(elsewhere, costs.get(worker, elsewhere))
                table[task][worker] = max(table[task][worker], best)
    return table


def cpop(graph: Graph) -> Schedule:
    """Return the schedule of CPOP: the critical path on the one worker that runs it fastest."""
    up, down = upward(graph), downward(graph)
    ranks = [a + b for a, b in zip(up, down, strict=True)]
    path = _critical_path(graph, ranks)
    chosen = _worker_of(graph, path)
    placing = Placing(graph)
    for task in _by_priority(graph, ranks):
        critical = task in path and chosen in graph.able[task]
        placing.place(task, chosen if critical else _earliest(graph, placing, task))
    return placing.done()


def _critical_path(graph: Graph, ranks: Sequence[float]) -> frozenset[int]:
    """Return the tasks of the longest path in mean times: from each the highest rank that follows it."""
    first = [task for task in graph.order if not graph.before[task]]
    task = max(first, key=lambda each: (ranks[each], -each))
    path = {task}
    while graph.after[task]:
        task = max((after for after, _ in graph.after[task]), key=lambda each: (ranks[each], -each))
        path.add(task)
    return frozenset(path)


def _worker_of(graph: Graph, path: frozenset[int]) -> int:
    """Return the worker that can run most tasks of a path, and of those the one that is through it first."""

    def cost(worker: int) -> tuple[int, int]:
        able = [task for task in path if worker in graph.able[task]]
        return -len(able), sum(graph.times[task][worker] for task in able)

    return min(range(len(graph.problem.workers)), key=cost)


def _by_priority(graph: Graph, ranks: Sequence[float]) -> Iterator[int]:
    """Yield the tasks, of those whose predecessors were all yielded always the one of the highest rank."""
    waiting = [len(before) for before in graph.before]
    ready = [(-ranks[task], task) for task in graph.order if not waiting[task]]
    heapify(ready)
    while ready:
        _, task = heappop(ready)
        yield task
        for after, _ in graph.after[task]:
            waiting[after] -= 1
            if not waiting[after]:
                heappush(ready, (-ranks[after], after))


def _earliest(graph: Graph, placing: Placing, task: int) -> int:
    """Return the worker on which the task ends first."""
    return min(graph.able[task], key=lambda worker: placing.end_ms(task, worker))
