"""Local search from a schedule: one task at a time gets another worker or another turn."""

from __future__ import annotations

from math import exp
from random import Random
from typing import TYPE_CHECKING

from dcctl.packing.dag.lists import by_rank
from dcctl.packing.dag.problem import Schedule
from dcctl.packing.dag.ranks import upward

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.packing.dag.graph import Graph

_ROUND = 1000
"""Steps of a round of annealing."""
_HOT, _COLD = 0.01, 0.001
"""What a step may cost at the start and at the end of a round, as a share of the makespan."""
_SPREAD = 0.5
"""By how much the ranks of other starts differ, as a share of them."""
_STARTS = 100
"""Other starts, divided by the number of workers, of which a round takes the best."""
_CRITICAL = 0.6
"""Share of the moves that take a task from the chain that the makespan stands on."""
_AWAY = 0.6
"""Share of the moves that take a task to another worker."""


def improved(graph: Graph, start: Schedule, bound_ms: int, steps: int, seed: int) -> Schedule:
    """Return the best schedule found in at most that many steps; never longer than `start`.

    Rounds of simulated annealing (Kirkpatrick et al., Science 220, 1983) over an order of the tasks and the
    worker of each, in turn from the best schedule so far and from HEFT with its ranks disturbed. The same
    arguments give the same schedule; the search ends at `bound_ms`.
    """
    random = Random(seed)  # noqa: S311 - repeatable on purpose, and no secret
    ranks = upward(graph)
    best = _Line.of(graph, start)
    for number, done in enumerate(range(0, steps, _ROUND)):
        if best.makespan_ms <= bound_ms:
            break
        first = _disturbed(graph, ranks, random) if number % 2 else best
        found = _cooled(first, min(_ROUND, steps - done), random)
        best = min(best, found, key=lambda line: line.makespan_ms)
    return best.schedule()


def _disturbed(graph: Graph, ranks: Sequence[float], random: Random) -> _Line:
    """Return the best of some schedules by ranks near those given."""
    tries = max(1, _STARTS // len(graph.problem.workers))
    spread = ([rank * (1 + _SPREAD * (random.random() - 0.5)) for rank in ranks] for _ in range(tries))
    best = min((by_rank(graph, each) for each in spread), key=lambda schedule: schedule.makespan_ms)
    return _Line.of(graph, best)


def _cooled(best: _Line, steps: int, random: Random) -> _Line:
    """Return the best line of one round of annealing that starts from `best`."""
    line, allowed_ms = best, _HOT * best.makespan_ms
    cooling = (_COLD / _HOT) ** (1 / steps)
    for _ in range(steps):
        other = line.moved(random)
        worse_ms = other.makespan_ms - line.makespan_ms
        if worse_ms <= 0 or random.random() < exp(-worse_ms / allowed_ms):
            line = other
        if line.makespan_ms < best.makespan_ms:
            best = line
        allowed_ms *= cooling
    return best


class _Line:
    """An order of the tasks and the worker of each; every task starts as early as these allow."""

    __slots__ = ("ends", "graph", "makespan_ms", "order", "workers")

    def __init__(self, graph: Graph, order: list[int], workers: list[int]) -> None:
        self.graph, self.order, self.workers = graph, order, workers
        self.ends = _ends(graph, order, workers)
        self.makespan_ms = max(self.ends)

    @classmethod
    def of(cls, graph: Graph, schedule: Schedule) -> _Line:
        """Return the line of a schedule: the tasks in the order in which they start."""
        rank = {task: at for at, task in enumerate(graph.order)}
        order = sorted(graph.order, key=lambda task: (schedule.starts_ms[task], rank[task]))
        return cls(graph, order, list(schedule.workers))

    def schedule(self) -> Schedule:
        """Return the schedule that this line stands for."""
        lengths = [self.graph.times[task][worker] for task, worker in enumerate(self.workers)]
        starts = tuple(end - length for end, length in zip(self.ends, lengths, strict=True))
        return Schedule(tuple(self.workers), starts, tuple(self.ends))

    def moved(self, random: Random) -> _Line:
        """Return the line with one task on another worker, or at another place, or both."""
        task = _pick(random, self.critical() if random.random() < _CRITICAL else self.order)
        able = self.graph.able[task]
        workers = self.workers
        if len(able) > 1 and random.random() < _AWAY:
            workers = workers.copy()
            workers[task] = _pick(random, [worker for worker in able if worker != self.workers[task]])
        return _Line(self.graph, self._reordered(task, random), workers)

    def _reordered(self, task: int, random: Random) -> list[int]:
        """Return the order with the task at a random place between those before and after it."""
        order = self.order.copy()
        at = order.index(task)
        before = {each for each, _ in self.graph.before[task]}
        after = {each for each, _ in self.graph.after[task]}
        low = high = at
        while low > 0 and order[low - 1] not in before:
            low -= 1
        while high < len(order) - 1 and order[high + 1] not in after:
            high += 1
        del order[at]
        order.insert(low + int(random.random() * (high - low + 1)), task)
        return order

    def critical(self) -> list[int]:
        """Return a chain of tasks without slack, from one that ends last back to one that starts at 0."""
        graph, ends, workers = self.graph, self.ends, self.workers
        by_end = {(workers[task], ends[task]): task for task in self.order}
        task = max(self.order, key=ends.__getitem__)
        chain = [task]
        while True:
            worker = workers[task]
            start = ends[task] - graph.times[task][worker]
            waited = [
                each
                for each, transfer_ms in graph.before[task]
                if ends[each] + transfer_ms[graph.problem.links[workers[each]][worker]] == start
            ]
            task = waited[0] if waited else by_end.get((worker, start), -1)
            if task < 0:
                return chain
            chain.append(task)


def _pick(random: Random, among: Sequence[int]) -> int:
    return among[int(random.random() * len(among))]


def _ends(graph: Graph, order: list[int], workers: list[int]) -> list[int]:
    """Return when each task ends, if each worker runs its tasks in that order and none waits needlessly."""
    ends, free = [0] * len(order), [0] * len(graph.problem.workers)
    links, times, before = graph.problem.links, graph.times, graph.before
    for task in order:
        worker = workers[task]
        start = free[worker]
        for each, transfer_ms in before[task]:
            arrived = ends[each] + transfer_ms[links[workers[each]][worker]]
            start = max(start, arrived)
        ends[task] = free[worker] = start + times[task][worker]
    return ends
