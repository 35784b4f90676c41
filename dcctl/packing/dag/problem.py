"""A workflow as numbers, a schedule of it, and what was found out about the best one."""

from __future__ import annotations

from msgspec import Struct


class Task(Struct, frozen=True):
    """One piece of work, which runs on one worker from start to end."""

    name: str
    times_ms: tuple[int | None, ...]
    """How long it takes on each worker, at least 1; None: it cannot run there. Some worker can run it."""


class Edge(Struct, frozen=True):
    """The task `after` starts when `before` has ended and its data has arrived."""

    before: int
    after: int
    transfer_ms: tuple[int, ...]
    """How long the data takes, by class of link; 0 in class 0."""


class Problem(Struct, frozen=True):
    """The tasks, the workers, and what lies between them. Tasks and workers are told by their position.

    A worker runs one task at a time. Links carry any number of transfers at once, which take nothing from
    the workers: the model of Topcuoglu et al. (2002).
    """

    workers: tuple[str, ...]
    tasks: tuple[Task, ...]
    edges: tuple[Edge, ...]
    """At most one from a task to another, and no cycle."""
    links: tuple[tuple[int, ...], ...]
    """Class of the link from a worker to a worker; 0 exactly from each to itself."""


class Schedule(Struct, frozen=True):
    """Where and when each task runs."""

    workers: tuple[int, ...]
    starts_ms: tuple[int, ...]
    ends_ms: tuple[int, ...]

    @property
    def makespan_ms(self) -> int:
        """When the last task ends."""
        return max(self.ends_ms)


class Solution(Struct, frozen=True):
    """The best schedule that was found."""

    schedule: Schedule
    found_by: str
    """The first algorithm that found it."""
    tried: tuple[tuple[str, int], ...]
    """(algorithm, makespan in ms), in the order in which they ran."""
    bound_ms: int
    """No schedule ends before."""
    bound_by: str
    """The argument that proves it."""

    @property
    def gap_milli(self) -> int:
        """By how many thousandths a better schedule could be shorter, at most; 0 only if none is shorter."""
        makespan_ms = self.schedule.makespan_ms
        return -(-1000 * (makespan_ms - self.bound_ms) // makespan_ms)
