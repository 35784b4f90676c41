"""Workflows that the tests of the core share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from dcctl.packing.dag.problem import Edge, Problem, Task

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMES = (
    (14, 13, 11, 13, 12, 13, 7, 5, 18, 21),
    (16, 19, 13, 8, 13, 16, 15, 11, 12, 7),
    (9, 18, 19, 17, 10, 9, 11, 14, 20, 16),
)
_EDGES = (
    *((1, 2, 18), (1, 3, 12), (1, 4, 9), (1, 5, 11), (1, 6, 14), (2, 8, 19), (2, 9, 16), (3, 7, 23)),
    *((4, 8, 27), (4, 9, 23), (5, 9, 13), (6, 8, 15), (7, 10, 17), (8, 10, 11), (9, 10, 13)),
)
TOPCUOGLU = Problem(
    ("p1", "p2", "p3"),
    tuple(Task(f"t{number}", times) for number, times in enumerate(zip(*_TIMES, strict=True), 1)),
    tuple(Edge(before - 1, after - 1, (0, cost)) for before, after, cost in _EDGES),
    tuple(tuple(int(a != b) for b in range(3)) for a in range(3)),
)
"""The example of Topcuoglu et al. (2002), Figure 2, in its own units of time."""


@st.composite
def problems(draw: Callable[..., object], most_tasks: int = 8, most_workers: int = 3) -> Problem:
    """Any workflow: workers that cannot run a task, links of two classes, transfers of no time."""

    def number(least: int, most: int) -> int:
        drawn = draw(st.integers(least, most))
        assert isinstance(drawn, int)
        return drawn

    tasks, workers = number(1, most_tasks), number(1, most_workers)
    rows = []
    for task in range(tasks):
        times: list[int | None] = [number(1, 30) if number(0, 3) else None for _ in range(workers)]
        if not any(times):
            times[number(0, workers - 1)] = number(1, 30)
        rows.append(Task(f"t{task}", tuple(times)))
    edges = tuple(
        Edge(before, after, (0, number(0, 20), number(0, 40)))
        for after in range(tasks)
        for before in range(after)
        if not number(0, 2)
    )
    links = tuple(tuple(0 if a == b else number(1, 2) for b in range(workers)) for a in range(workers))
    return Problem(tuple(f"w{at}" for at in range(workers)), tuple(rows), edges, links)


def brute_force(problem: Problem) -> int:
    """The shortest makespan there is, by trying every order and every worker."""
    best = 1 << 60

    def go(placed: dict[int, tuple[int, int]], free: tuple[int, ...]) -> None:
        nonlocal best
        if len(placed) == len(problem.tasks):
            best = min(best, max(end for _, end in placed.values()))
            return
        for task, row in enumerate(problem.tasks):
            waits = [edge for edge in problem.edges if edge.after == task]
            if task in placed or any(edge.before not in placed for edge in waits):
                continue
            for worker, length in enumerate(row.times_ms):
                if length is None:
                    continue
                start = free[worker]
                for edge in waits:
                    where, end = placed[edge.before]
                    start = max(start, end + edge.transfer_ms[problem.links[where][worker]])
                end = start + length
                if end < best:
                    after = (*free[:worker], end, *free[worker + 1 :])
                    go({**placed, task: (worker, end)}, after)

    go({}, (0,) * len(problem.workers))
    return best
