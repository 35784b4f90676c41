"""What would help work that finds no room: the least of each sort, proved by placing it again."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from dcctl.drain.campaign import Relief
from dcctl.drain.fit.placing import places_of, replay
from dcctl.drain.fit.wave import emptied
from dcctl.inventory.nodeset import fold
from dcctl.packing.fit.quotas import GPU, amount
from dcctl.packing.greedy.place import left_of
from dcctl.packing.preemption.blocking import in_the_way, least
from dcctl.packing.preemption.budgets import Budgets
from dcctl.packing.preemption.stoppable import Stoppable
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dcctl.drain.fit.placing import Places
    from dcctl.drain.fit.wave import Wave
    from dcctl.packing.problem import Held, Job

_WORKLOADS = 4
"""Of more without room, nobody is told whom to stop."""
_PLACED = 4000
"""Members that are placed in all, to see which nodes to leave out."""
_TRIES = (4, 24)
"""So often at least, and at most."""


def reliefs_of(wave: Wave, found: Places, now_s: int) -> tuple[Relief, ...]:
    """To wait, to stop other work, to leave out nodes, to have more of them."""
    jobs = [left_of(one.job, one) for one in found.placed if one.missing]
    if not jobs:
        return ()
    with emptied(wave):
        for one in (*found.ahead, *found.placed):
            replay(wave.scene.placer, one)
        search = _Search(wave, jobs)
        told = [*search.waited(now_s), *search.stopped(), *search.widened()]
    left_out = _left_out(wave, jobs)
    return (*told[:-1], *left_out, *told[-1:]) if told and told[-1].more else (*told, *left_out)


class _Search:
    """The scene as the wave leaves it, and those who find no room in it."""

    def __init__(self, wave: Wave, jobs: Sequence[Job]) -> None:
        self._wave, self._scene, self._jobs = wave, wave.scene, jobs
        self._whose = jobs[0].id if len(jobs) == 1 else ""

    def _fits(self, jobs: Sequence[Job] | None = None) -> bool:
        """Whether all of them find room now."""
        placer = self._scene.placer
        mark = placer.mark()
        fits = all(not placer.place(job).missing for job in jobs or self._jobs)
        placer.undo(mark)
        return fits

    def _fits_without(self, works: Sequence[str]) -> bool:
        placer = self._scene.placer
        mark = placer.mark()
        self._scene.release(chain.from_iterable(map(self._scene.of, works)))
        fits = self._fits()
        placer.undo(mark)
        return fits

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
            works = fewer if len(works) <= _TRIES[1] and self._fits_without(fewer) else works
        yield Relief(
            self._whose, f"wait for {', '.join(works)}", workloads=tuple(works), at_s=ends[number - 1][0]
        )

    def _may_go(self, job: str) -> bool:
        """Whether it is other work, and stands somewhere."""
        return bool(self._scene.of(job)) and job not in self._wave.stopped

    def stopped(self) -> Iterator[Relief]:
        """For each that finds no room the least work that must stop, beside what stops for those before it."""
        scene, placer = self._scene, self._scene.placer
        if len(self._jobs) > _WORKLOADS:
            return
        mark = placer.mark()
        stoppable = Stoppable(scene, self._stoppable())
        for job in self._jobs:
            units = in_the_way(scene, job, stoppable)
            names = dict.fromkeys(one.job for one in chain.from_iterable(units))
            whole = least(
                scene, job, [tuple(scene.of(name)) for name in names], Budgets(scene.problem.running)
            )
            if not whole:
                break
            yield self._told(job, whole)
            members = list(chain.from_iterable(whole))
            scene.release(members)
            stoppable.stop(members)
            placer.place(job)
        placer.undo(mark)

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
            f"stop {', '.join(words)}",
            workloads=names,
            by_itself=preempts and highest < job.priority,
        )

    def widened(self) -> Iterator[Relief]:
        """How many nodes more are enough, like those that are drained: these are empty now."""
        engine, placer = self._scene.placer.engine, self._scene.placer
        of = self._jobs[0].tasks[0].of
        shut = np.array(sorted(self._wave.shut), np.int64)
        room = engine.items.wanted[of].copies(engine.state.view(shut), self._jobs[0].size)
        order = shut[np.argsort(-room, kind="stable")]

        def fits(count: int) -> bool:
            mark = placer.mark()
            closed = np.zeros(engine.state.count, np.bool_)
            closed[order[count:]] = True
            placer.closed = closed
            enough = self._fits()
            placer.undo(mark)
            return enough

        number = _least(len(order), fits)
        if number:
            like = self._scene.problem.bins[int(order[0])].name
            yield Relief(self._whose, f"{plural(number, 'node')} more like {like}", more=number)


def _least(most: int, fits: Callable[[int], bool]) -> int | None:
    """The least number that is enough, if the most is; None: it is not."""
    if not most or not fits(most):
        return None
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return high


def _left_out(wave: Wave, jobs: Sequence[Job]) -> Iterator[Relief]:
    """The fewest nodes without which all of the wave finds room, as far as few tries tell."""
    placed = sum(map(len, wave.anew.values()))
    tries = min(max(_PLACED // max(1, placed), _TRIES[0]), _TRIES[1])
    order = _in_doubt(wave, {job.id for job in jobs})

    def fits(bins: Sequence[int]) -> bool:
        return not places_of(wave.leaves_out(bins), search=False).homeless

    one = next(([at] for at in order[: tries // 2] if fits([at])), None)
    number = None if one else _least(len(order) - 1, lambda count: fits(order[:count]))
    bins = one or order[:number] if number or one else []
    for at in bins[::-1][: tries // 4] if len(bins) > 1 else ():
        fewer = [other for other in bins if other != at]
        bins = fewer if fits(fewer) else bins
    if bins:
        names = tuple(sorted(wave.scene.problem.bins[at].name for at in bins))
        yield Relief(jobs[0].id if len(jobs) == 1 else "", f"leave out {fold(names)}", nodes=names)


def _in_doubt(wave: Wave, without: set[str]) -> list[int]:
    """Bins of the wave: those first with most members that find no room, then with most devices held."""
    classes = wave.scene.problem.classes
    rows: dict[int, tuple[int, int]] = {}
    for job, held in wave.leaving.items():
        for one in held:
            lost, milli = rows.get(one.bin, (0, 0))
            rows[one.bin] = lost + (job in without), milli + classes[one.of].need.gpu_milli
    return sorted(rows, key=lambda at: (-rows[at][0], -rows[at][1], at))
