"""What happens if nodes are lost or work is taken away: tried on a plan's own state, and undone."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.fit.labels import takes_work
from dcctl.packing.problem import Job, Running, Task
from dcctl.packing.solve import urgency

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

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

    says: str = ""
    """What else keeps them from standing elsewhere, in words."""

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
    stopped: tuple[Held, ...] = ()
    """All members that stop."""

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

    @cached_property
    def takes_work(self) -> NDArray[np.bool_]:
        """Bins that take work which says nothing of taints."""
        tolerated = self.problem.tolerated
        return np.array([takes_work(one, tolerated) for one in self.placer.engine.items.bins], np.bool_)

    def running(self, job: str) -> Running:
        """What is known of a job that holds something."""
        return self.problem.running.get(job, _NOTHING)

    def on(self, at: int) -> Sequence[Held]:
        """Who stands in a bin."""
        return self._on.get(at, ())

    def of(self, job: str) -> Sequence[Held]:
        """Where the members of a job stand."""
        return self._of.get(job, ())

    def lose(self, bins: Collection[int], waiting: Iterable[Job] = ()) -> Loss:
        """These bins are gone: what stops, what fits elsewhere (in the order of a plan), what does not.

        `waiting`: jobs that take what they can get first where they are more urgent.
        """
        lost, gone = self.lost_with(bins)
        stopped = {job: self.stops_with(members) for job, members in lost.items()}
        with self.lost(bins, stopped):
            hits = self._placed_again(stopped, lost, waiting)
        return Loss(tuple(sorted(bins)), tuple(hits), gone, tuple(chain.from_iterable(stopped.values())))

    @contextmanager
    def lost(self, bins: Collection[int], stopped: Mapping[str, Iterable[Held]]) -> Iterator[None]:
        """For a while these bins are closed and those who stopped stand nowhere.

        What they held in bins that are lost is not made free: nobody can have it.
        """
        mark = self.placer.mark()
        self.close(bins)
        self.placer.give_back(chain.from_iterable(stopped.values()), frozenset(bins))
        try:
            yield
        finally:
            self.placer.undo(mark)

    def lost_with(self, bins: Iterable[int]) -> tuple[dict[str, list[Held]], int]:
        """Members that stand in these bins, by job, and how many others belong there and go with them."""
        lost: dict[str, list[Held]] = {}
        gone = 0
        for at in sorted(bins):
            for one in self.on(at):
                if self.running(one.job).fixed:
                    gone += 1
                else:
                    lost.setdefault(one.job, []).append(one)
        return lost, gone

    def placed_in_order(
        self, stopped: Mapping[str, Sequence[Held]], waiting: Iterable[Job] = ()
    ) -> list[tuple[Job, bool]]:
        """All these as jobs, and whether each is one that waited: the most urgent first.

        Of equally urgent ones, what ran before what waits.
        """
        again = [self.again(job, members) for job, members in stopped.items()]
        rows = [
            (-job.priority, late, self._key(job), job.id, job)
            for late, jobs in ((False, again), (True, waiting))
            for job in jobs
        ]
        return [(job, late) for _, late, _, _, job in sorted(rows, key=lambda row: row[:4])]

    @cached_property
    def _key(self) -> Callable[[Job], tuple[int, ...]]:
        return urgency(self.problem)

    def _placed_again(
        self,
        stopped: Mapping[str, Sequence[Held]],
        lost: Mapping[str, Sequence[Held]],
        waiting: Iterable[Job],
    ) -> list[Hit]:
        hits = []
        for job, late in self.placed_in_order(stopped, waiting):
            placed = self.placer.place(job)
            if not late:
                says = (placed.says or self.placer.apart(job)) if placed.missing else ""
                hits.append(Hit(job.id, len(lost[job.id]), job.size, placed, says))
        return hits

    def close(self, bins: Iterable[int]) -> None:
        """Nothing more is placed there, until the placer is undone."""
        closed = np.zeros(len(self.problem.bins), np.bool_)
        closed[list(bins)] = True
        old = self.placer.closed
        self.placer.closed = closed if old is None else closed | old

    def release(self, members: Iterable[Held]) -> None:
        """They no longer stand anywhere, until the placer is undone."""
        self.placer.give_back(members)

    def stand(self, members: Iterable[Held]) -> None:
        """They stand again where they stood."""
        self.placer.take_again(members)

    def settle(self, gone: Iterable[Held], more: Iterable[Held]) -> None:
        """From now on these stand nowhere, and those where they say: not undone any more."""
        gone, more = tuple(gone), tuple(more)
        self.placer.give_back(gone)
        self.placer.take_again(more)
        for one in gone:
            self._on[one.bin].remove(one)
            self._of[one.job].remove(one)
        for one in more:
            self._on.setdefault(one.bin, []).append(one)
            self._of.setdefault(one.job, []).append(one)

    def stops_with(self, lost: Iterable[Held]) -> list[Held]:
        """All that stop when these are lost, and they: a gang as a whole if it falls below its minimum."""
        by_job: dict[str, list[Held]] = {}
        for one in lost:
            by_job.setdefault(one.job, []).append(one)
        stopped: list[Held] = []
        for job, members in by_job.items():
            minimum = self.running(job).minimum
            broken = minimum > 1 and len(self.of(job)) - len(members) < minimum
            stopped += self.of(job) if broken else members
        return stopped

    def again(self, job: str, members: Sequence[Held]) -> Job:
        """The stopped members as a job that waits: it has as much left to do as it had."""
        known, staying = self.running(job), len(self.of(job)) - len(members)
        left_s = None if known.ends_s is None else known.ends_s - self.problem.now_s
        tasks: dict[int, list[str]] = {}
        for one in members:
            tasks.setdefault(one.of, []).append(one.member)
        return Job(
            job,
            tuple(Task(of, tuple(names)) for of, names in sorted(tasks.items())),
            minimum=max(0, known.minimum - staying),
            within=known.within,
            priority=known.priority,
            preemptible=known.preemptible,
            sites=self._split_over(job) if known.minimum > 1 else (),
            homes=self._homes(job, members) if staying and known.within else (),
            owner=known.owner,
            quotas=known.quotas,
            duration_s=left_s if left_s is not None and left_s > 0 else known.duration_s,
            deadline_s=known.deadline_s,
            data=known.data,
        )

    def _homes(self, job: str, gone: Iterable[Held]) -> tuple[int, ...]:
        """Bins in which members of a job stand, without these."""
        return tuple(sorted({one.bin for one in set(self.of(job)).difference(gone)}))

    def _split_over(self, job: str) -> tuple[str, ...]:
        """The two sites over which a job stands; empty: it does not stand in two."""
        sites = {self.problem.bins[one.bin].path[-1] for one in self.of(job)} - {""}
        return tuple(sorted(sites)) if len(sites) == 2 else ()
