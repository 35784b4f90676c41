"""How short no schedule can be: bounds on the makespan, each with the argument that proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.packing.dag.graph import Graph

_ROUNDS = 200
"""Steps towards the best prices; any prices give a valid bound."""
_UNIT = 10**6
"""Prices are integers of this size, so that no rounding makes a bound invalid."""
_CUTS = 40
"""Most different heads and tails that subsets of the tasks are cut at."""

Windows = tuple[list[list[int]], list[list[int]]]
"""By task and worker: the least time before the task starts there, and from its start there to the end."""


def lower_bound(graph: Graph) -> tuple[int, str]:
    """Return a time in ms before which no schedule ends, and why: the largest of those known here."""
    windows = head_and_tail(graph)
    return max(
        (critical_path(graph, windows), "critical path"),
        (work(graph, windows), "work on all workers"),
        key=lambda bound: bound[0],
    )


def head_and_tail(graph: Graph) -> Windows:
    """Return the windows of all tasks.

    A task starts on a worker at the earliest when the data of each task before it has come from that one's
    best worker; the same from the other end. Nothing is said of tasks that compete for a worker.
    """
    outward = graph.problem.links
    inward = tuple(zip(*outward, strict=True))
    head = [[0 for _ in outward] for _ in graph.order]
    tail = [list(times) for times in graph.times]
    for task in graph.order:
        for before, transfer_ms in graph.before[task]:
            ends = {w: head[before][w] + graph.times[before][w] for w in graph.able[before]}
            for worker in graph.able[task]:
                head[task][worker] = max(head[task][worker], _soonest(ends, inward[worker], transfer_ms))
    for task in reversed(graph.order):
        rest = [0 for _ in outward]
        for after, transfer_ms in graph.after[task]:
            left = {w: tail[after][w] for w in graph.able[after]}
            for worker in graph.able[task]:
                rest[worker] = max(rest[worker], _soonest(left, outward[worker], transfer_ms))
        tail[task] = [own + least for own, least in zip(tail[task], rest, strict=True)]
    return head, tail


def _soonest(times: dict[int, int], links: Sequence[int], transfer_ms: tuple[int, ...]) -> int:
    """Return the least of some workers' times, each with the transfer over the link to its worker."""
    return min(ms + transfer_ms[links[worker]] for worker, ms in times.items())


def critical_path(graph: Graph, windows: Windows) -> int:
    """Return the length of the longest path, each task of it on the worker that is best for the path."""
    head, tail = windows
    return max(
        min(head[task][worker] + tail[task][worker] for worker in graph.able[task]) for task in graph.order
    )


def work(graph: Graph, windows: Windows) -> int:
    """Return how long the workers need for the work of some tasks, with the least time before and after.

    For any prices of the workers that sum up to 1, the mean load at these prices is at most the makespan, and
    at least the sum of what each task costs where it is cheapest (the dual of the assignment relaxation). Of
    some tasks none starts before the least head, and none ends later than the least tail before the end.
    """
    head, tail = windows
    heads = [min(head[task][w] for w in able) for task, able in enumerate(graph.able)]
    tails = [min(tail[task][w] - graph.times[task][w] for w in able) for task, able in enumerate(graph.able)]
    everything = range(len(graph.order))
    best = 0
    for prices in (_equal(graph), _balanced(graph)):
        costs = [_cheapest(graph, prices, task) for task in everything]
        for cut in _cuts(heads):
            inside = sorted(
                (task for task in everything if heads[task] >= cut), key=lambda task: -tails[task]
            )
            total = 0
            for task in inside:
                total += costs[task]
                best = max(best, cut - (-total // sum(prices)) + tails[task])
    return best


def _cuts(heads: Sequence[int]) -> list[int]:
    """Return some of the different heads, evenly over their order."""
    distinct = sorted(set(heads))
    return distinct[:: -(-len(distinct) // _CUTS)]


def _cheapest(graph: Graph, prices: Sequence[int], task: int) -> int:
    """Return the cost of a task on the worker where it costs least."""
    return min(prices[worker] * graph.times[task][worker] for worker in graph.able[task])


def _equal(graph: Graph) -> list[int]:
    return [1] * len(graph.problem.workers)


def _balanced(graph: Graph) -> list[int]:
    """Return prices at which the bound is high: a worker whose load is above the mean gets dearer.

    Multiplicative weights (Arora, Hazan and Kale, Theory of Computing 8, 2012); the best prices met.
    """
    workers = len(graph.problem.workers)
    prices, best, best_bound = _equal(graph), _equal(graph), 0.0
    shares = [1.0] * workers
    for step in range(1, _ROUNDS + 1):
        loads, total = [0] * workers, 0
        for task, able in enumerate(graph.able):
            chosen = min(able, key=lambda worker: (prices[worker] * graph.times[task][worker], worker))
            loads[chosen] += graph.times[task][chosen]
            total += prices[chosen] * graph.times[task][chosen]
        if total / sum(prices) > best_bound:
            best, best_bound = prices, total / sum(prices)
        most = max(loads)
        shares = [share * (1 + load / most / step**0.5) for share, load in zip(shares, loads, strict=True)]
        scale = _UNIT / max(shares)
        prices = [max(1, round(share * scale)) for share in shares]
    return best
