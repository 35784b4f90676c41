"""What would help work that finds no room: the least of each sort, proved by placing it again."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from dcctl.drain.campaign import Relief
from dcctl.drain.fit.placing import by_size, replay
from dcctl.drain.fit.wave import emptied
from dcctl.inventory.nodeset import fold
from dcctl.packing.fit.quotas import GPU, amount
from dcctl.packing.greedy.place import left_of
from dcctl.packing.preemption.blocking import in_the_way, least
from dcctl.packing.preemption.budgets import Budgets
from dcctl.packing.preemption.stoppable import Stoppable
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dcctl.drain.fit.placing import Places
    from dcctl.drain.fit.wave import Wave
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Held, Job

_WORKLOADS = 3
"""Of more without room, nobody is told whom to stop."""
_TRIES = 16
"""Of more nodes to leave out, or works to wait for, not each is tried by itself."""
_ANEW = 1000
"""Of a wave of no more members all are placed again, to see whether more nodes are enough."""
_MOVED = 60_000
"""Members that are moved in all tries of a campaign;"""
_LOOKS = 8
"""so many that are only looked at count as one of them."""
_TOLD = 3
"""Works that are named in a sentence."""


class Effort:
    """What may still be tried for reliefs, counted in members that are moved: never by a clock."""

    def __init__(self, most: int = _MOVED) -> None:
        """`most`: members in all tries together."""
        self._left = most

    def allows(self, moved: int, looked_at: int = 0) -> bool:
        """Whether a try that moves so many, and looks at so many more, may be made; it counts then."""
        cost = moved + looked_at // _LOOKS
        if cost <= self._left:
            self._left -= cost
            return True
        return False


def reliefs_of(wave: Wave, found: Places, now_s: int, effort: Effort) -> tuple[Relief, ...]:
    """To wait, to stop other work, to leave out nodes, to have more of them: what so much effort finds."""
    jobs = [left_of(one.job, one) for one in found.placed if one.missing]
    if not jobs:
        return ()
    with emptied(wave):
        for one in (*found.ahead, *found.placed):
            replay(wave.scene.placer, one)
        search = _Search(wave, found, jobs, effort)
        sooner = (*search.waited(now_s), *search.stopped())
        more = tuple(search.widened())  # few tries tell; the nodes to leave out have what effort is left
        return (*sooner, *search.left_out(), *more)


class _Search:
    """The scene as the wave leaves it, and those who find no room in it."""

    def __init__(self, wave: Wave, found: Places, jobs: Sequence[Job], effort: Effort) -> None:
        """`jobs`: those of whom nobody is placed."""
        self._wave, self._scene, self._jobs, self._effort = wave, wave.scene, jobs, effort
        self._missing = sum(job.size for job in jobs)
        self._size = sum(map(len, wave.stopped.values()))
        self._ahead = found.ahead
        self._placed = {one.job.id: one for one in found.placed}
        self._whose = jobs[0].id if len(jobs) == 1 else ""

    @cached_property
    def _swaying(self) -> frozenset[int]:
        """Classes of which it matters where they stand to those who look for room."""
        relations = self._scene.placer.engine.relations
        classes = {stand.of for one in self._placed.values() for stand in one.stands}
        classes |= {task.of for job in self._jobs for task in job.tasks}
        related = (relations.swayed_by(of) for of in classes if relations.related[of])
        return frozenset(chain.from_iterable(related))

    def _fits(self, gone: Iterable[Held] = ()) -> bool:
        """Whether all of them find room now, beside the others or, of a small wave, with them.

        `gone`: who stood when the others were placed.
        """
        placer = self._scene.placer
        mark = placer.mark()
        same = self._swaying.isdisjoint(one.of for one in gone)
        fits = same and self._places(self._jobs)
        placer.undo(mark)
        if not fits and self._size <= _ANEW:
            for one in self._placed.values():
                placer.remove(one)
            fits = self._places([one.job for one in self._placed.values()])
            placer.undo(mark)
        return fits

    def _places(self, jobs: Sequence[Job]) -> bool:
        """Whether all find room, the largest first. They stand then."""
        placer = self._scene.placer
        return all(not placer.place(job).missing for job in by_size(self._scene.problem, jobs))

    def _fits_without(self, works: Sequence[str]) -> bool:
        placer = self._scene.placer
        gone = list(chain.from_iterable(map(self._scene.of, works)))
        if not self._may_try(len(gone)):
            return False
        mark = placer.mark()
        self._scene.release(gone)
        fits = self._fits(gone)
        placer.undo(mark)
        return fits

    def _may_try(self, moved: int, looked_at: int = 0) -> bool:
        """Whether those without room may be placed once more, and these moved."""
        again = self._size if self._size <= _ANEW else 0
        return self._effort.allows(moved + self._missing + again, looked_at)

    def waited(self, now_s: int) -> Iterator[Relief]:
        """The work that ends soonest of all that makes room enough."""
        running = self._scene.problem.running
        ends = sorted(
            (known.ends_s, job)
            for job, known in running.items()
            if known.ends_s is not None and known.ends_s > now_s and self._may_go(job)
        )
        number = _least(len(ends), lambda count: self._fits_without([job for _, job in ends[:count]]))
        if not number:
            return
        works = [job for _, job in ends[:number]]
        for job in works[-2::-1]:
            fewer = [one for one in works if one != job]
            works = fewer if len(works) <= _TRIES and self._fits_without(fewer) else works
        yield Relief(
            self._whose, f"wait for {_listed(works)}", workloads=tuple(works), at_s=ends[number - 1][0]
        )

    def _may_go(self, job: str) -> bool:
        """Whether it is other work, and stands somewhere."""
        return bool(self._scene.of(job)) and job not in self._wave.stopped

    def stopped(self) -> Sequence[Relief]:
        """For each without room the least work that must stop, beside what stops for those before it."""
        scene, placer = self._scene, self._scene.placer
        if len(self._jobs) > _WORKLOADS:
            return ()
        mark = placer.mark()
        told: list[Relief] = []
        gone: list[Held] = []
        stoppable = Stoppable(scene, self._stoppable())
        for job in self._jobs:
            names = dict.fromkeys(unit[0].job for unit in in_the_way(scene, job, stoppable))
            works = [tuple(scene.of(name)) for name in names]
            whole = least(scene, job, works, Budgets(scene.problem.running))
            if not whole:
                break
            told.append(self._told(job, whole))
            members = list(chain.from_iterable(whole))
            gone += members
            scene.release(members)
            stoppable.stop(members)
            placer.place(job)
        placer.undo(mark)
        stopped = [name for relief in told for name in relief.workloads]
        holds = self._swaying.isdisjoint(one.of for one in gone) or self._fits_without(stopped)
        return told if holds else ()

    def _stoppable(self) -> Callable[[Held], bool]:
        """Other work on nodes that could take some of those without room."""
        items, is_open = self._scene.placer.engine.items, self._wave.open
        fits = [items.wanted[task.of].fixed == 0 for job in self._jobs for task in job.tasks]
        good = (is_open & np.logical_or.reduce(fits)).tolist()
        return lambda one: good[one.bin] and one.job not in self._wave.stopped

    def _told(self, job: Job, whole: Sequence[Sequence[Held]]) -> Relief:
        problem = self._scene.problem
        names = tuple(held[0].job for held in whole)
        holds = [sum(problem.classes[one.of].need.gpu_milli for one in held) for held in whole]
        words = [
            f"{name} ({amount(GPU, milli)})" if milli else name
            for name, milli in zip(names, holds, strict=True)
        ]
        highest = max(self._scene.running(name).priority for name in names)
        preempts = all(problem.classes[task.of].template.preempts for task in job.tasks)
        return Relief(
            job.id,
            f"stop {_listed(words)}",
            workloads=names,
            by_itself=preempts and highest < job.priority,
        )

    def widened(self) -> Iterator[Relief]:
        """How many nodes more are enough, like those that are drained: these are empty now."""
        engine, placer = self._scene.placer.engine, self._scene.placer
        of = self._jobs[0].tasks[0].of
        shut = np.array(sorted(self._wave.shut), np.int64)
        room = engine.items.wanted[of].copies(engine.state.view(shut), self._jobs[0].size)
        order = self._alike(shut[np.argsort(-room, kind="stable")].tolist())

        def fits(count: int) -> bool:
            if not self._may_try(0):
                return False
            mark = placer.mark()
            placer.closed = self._closed(self._wave.shut.difference(order[:count]))
            enough = self._fits()
            placer.undo(mark)
            return enough

        number = _least(len(order), fits)
        if number:
            like = self._scene.problem.bins[order[0]].name
            yield Relief(self._whose, f"{plural(number, 'node')} more like {like}", more=number)

    def _alike(self, bins: Sequence[int]) -> list[int]:
        """Those that are like the first one, as far as it matters to who is placed."""
        engine = self._scene.placer.engine
        jobs = [one.job for one in self._placed.values()]
        classes = sorted({task.of for job in jobs for task in job.tasks})
        by_part = any(job.within is not None for job in jobs)
        by_label = any(engine.relations.counted[of] for of in classes)

        def key(at: int) -> object:
            one = self._scene.problem.bins[at]
            labels = {name for name in one.labels.items() if by_label and name[1] != one.name}
            fixed = [int(engine.items.wanted[of].fixed[at]) for of in classes]
            return one.total, one.kinds, one.device_count, fixed, labels, one.path if by_part else ()

        return [at for at in bins if key(at) == key(bins[0])]

    def _closed(self, bins: Collection[int]) -> NDArray[np.bool_]:
        closed = np.zeros(len(self._scene.problem.bins), np.bool_)
        closed[list(bins)] = True
        return closed

    def left_out(self) -> Iterator[Relief]:
        """The fewest nodes without which all of the wave finds room, as far as few tries tell."""
        order, most = self._in_doubt(), len(self._wave.shut) - 1
        bins = next(([at] for at in order[:_TRIES] if most and self._fits_leaving_out([at])), [])
        if not bins:
            number = _least(min(most, len(order)), lambda count: self._fits_leaving_out(order[:count]))
            bins = order[: number or 0]
        for at in bins[:_TRIES] if len(bins) > 1 else ():
            fewer = [other for other in bins if other != at]
            bins = fewer if self._fits_leaving_out(fewer) else bins
        if bins:
            names = tuple(sorted(self._scene.problem.bins[at].name for at in bins))
            yield Relief(self._whose, f"leave out {fold(names)}", nodes=names)

    def _fits_leaving_out(self, bins: Sequence[int]) -> bool:
        """Whether all find room if who stands on these nodes stays, and others may come."""
        scene, placer = self._scene, self._scene.placer
        if not self._may_try(sum(len(scene.on(at)) for at in bins), self._size):
            return False
        mark, after = placer.mark(), self._wave.leaves_out(bins)
        stops = set(chain.from_iterable(after.stopped.values()))
        stay = [one for held in self._wave.stopped.values() for one in held if one not in stops]
        before = [*self._ahead, *self._placed.values()]
        rows, jobs = {one.bin for one in stay}, {one.job for one in stay}
        moved = [one for one in before if self._makes_way(one, rows, jobs)]
        for one in moved:
            placer.remove(one)
        placer.take_again(stay)
        placer.closed = self._closed(after.shut)
        ahead = [one.job for one in moved if one.job.id not in self._placed]
        for job in ahead:
            placer.place(job)
        again = {one.job.id: one.job for one in moved if one.job.id in self._placed}
        again |= {job.id: job for job in self._jobs if job.id not in again}
        again |= {job: scene.again(job, after.anew.get(job, ())) for job in {one.job for one in stay}}
        fits = self._places([job for job in again.values() if job.size])
        placer.undo(mark)
        return fits

    def _makes_way(self, placed: Placed, bins: Collection[int], jobs: Collection[str]) -> bool:
        """Whether it stands in these bins, is one of these jobs, or has to do with rules."""
        counted = self._scene.placer.engine.relations.counted
        return (
            placed.job.id in jobs
            or any(stand.put.bin in bins for stand in placed.stands)
            or any(counted[stand.of] for stand in placed.stands)
        )

    def _in_doubt(self) -> list[int]:
        """Bins of the wave: those first with work that finds no room, what stands on fewest of them first."""
        without = {job.id for job in self._jobs}
        rows = {job: {one.bin for one in held} for job, held in self._wave.leaving.items()}
        order = sorted(rows, key=lambda job: (job not in without, len(rows[job]), job))
        return list(dict.fromkeys(at for job in order for at in sorted(rows[job])))


def _listed(names: Sequence[str]) -> str:
    """`a, b, c and 4 more`."""
    more = len(names) - _TOLD
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_TOLD])} and {more} more"


def _least(most: int, fits: Callable[[int], bool]) -> int | None:
    """The least number that is enough; None: none up to the most is.

    It is doubled until it is enough: what little there is to try is tried first.
    """
    high = 1
    while high < most and not fits(high):
        high = min(2 * high, most)
    if high >= most and not (most and fits(most)):
        return None
    low = high // 2 + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return high
