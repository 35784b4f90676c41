"""What happens if nodes are lost or work is taken away: tried on a plan's own state, and undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.problem import Job, Running, Task

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Held
    from dcctl.packing.solve import Solution

_NOTHING = Running()


class Hit(NamedTuple):
    """What becomes of one job that loses members."""

    job: str
    lost: int
    """Members that stood on what was lost."""
    stopped: int
    """Members that stop: of a gang that falls below its minimum all of them."""
    placed: Placed
    """Where those find room elsewhere."""

    @property
    def homeless(self) -> int:
        """Members that find none."""
        return self.placed.missing


class Loss(NamedTuple):
    """What becomes of all work that stood on some bins."""

    bins: tuple[int, ...]
    hits: tuple[Hit, ...]
    gone: int = 0
    """Members that belong to their node and go with it."""

    @property
    def homeless(self) -> int:
        """Members that find no room elsewhere."""
        return sum(hit.homeless for hit in self.hits)


class Scene:
    """A solved problem to ask questions of. Every question leaves it as it was."""

    def __init__(self, solution: Solution) -> None:
        """Know who stands where."""
        self.problem, self.placer = solution.problem, solution.placer
        self._on: dict[int, list[Held]] = {}
        self._of: dict[str, list[Held]] = {}
        for one in self.problem.held:
            self._on.setdefault(one.bin, []).append(one)
            self._of.setdefault(one.job, []).append(one)

    def running(self, job: str) -> Running:
        """What is known of a job that holds something."""
        return self.problem.running.get(job, _NOTHING)

    def on(self, at: int) -> Sequence[Held]:
        """Who stands in a bin."""
        return self._on.get(at, ())

    def of(self, job: str) -> Sequence[Held]:
        """Where the members of a job stand."""
        return self._of.get(job, ())

    def lose(self, bins: Collection[int], *, keep: bool = False) -> Loss:
        """These bins are gone: what stops, what fits elsewhere (the most urgent first), what does not.

        `keep`: they stay gone until the placer is undone.
        """
        mark = self.placer.mark()
        self.close(bins)
        lost: dict[str, list[Held]] = {}
        gone = 0
        for at in sorted(bins):
            for one in self.on(at):
                if self.running(one.job).fixed:
                    gone += 1
                else:
                    lost.setdefault(one.job, []).append(one)
        stopped = {job: self._stopped(job, members) for job, members in lost.items()}
        for members in stopped.values():
            self.release(members)
        again = sorted((self.again(job, members) for job, members in stopped.items()), key=_urgent)
        hits = [Hit(job.id, len(lost[job.id]), job.size, self.placer.place(job)) for job in again]
        if not keep:
            self.placer.undo(mark)
        return Loss(tuple(sorted(bins)), tuple(hits), gone)

    def close(self, bins: Iterable[int]) -> None:
        """Nothing more is placed there, until the placer is undone."""
        closed = np.zeros(len(self.problem.bins), np.bool_)
        closed[list(bins)] = True
        old = self.placer.closed
        self.placer.closed = closed if old is None else closed | old

    def release(self, members: Iterable[Held]) -> None:
        """They no longer stand anywhere, until the placer is undone."""
        from dcctl.packing.greedy.engine import Put

        for one in members:
            self.placer.engine.take(one.of, Put(one.bin, one.devices))
            self.placer.ledger.count(self.running(one.job).quotas, (one.of,), -1)

    def _stopped(self, job: str, lost: list[Held]) -> Sequence[Held]:
        """Those that stop: all of a gang that has too few left."""
        known, all_ = self.running(job), self.of(job)
        gang = known.minimum > 1 and len(all_) - len(lost) < known.minimum
        return all_ if gang else lost

    def again(self, job: str, members: Sequence[Held]) -> Job:
        """The stopped members as a job that waits."""
        known = self.running(job)
        tasks: dict[int, list[str]] = {}
        for one in members:
            tasks.setdefault(one.of, []).append(one.member)
        return Job(
            job,
            tuple(Task(of, tuple(names)) for of, names in sorted(tasks.items())),
            minimum=known.minimum if len(members) >= known.minimum else 0,
            within=known.within,
            priority=known.priority,
            preemptible=known.preemptible,
            quotas=known.quotas,
        )


def _urgent(job: Job) -> tuple[int, int, str]:
    return -job.priority, -job.size, job.id
