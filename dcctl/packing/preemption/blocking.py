"""Who stands in the way of a job: the least work whose absence lets it fit.

Trouble is measured by the highest priority that is hit, then by how many members stop, then by how many
devices they hold. A gang that falls below its minimum stops as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.preemption.stoppable import Stoppable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dcctl.packing.fit.quotas import Short
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.preemption.stoppable import Guess, Unit
    from dcctl.packing.problem import Held, Job
    from dcctl.packing.scene import Scene

_TRIED = 64
"""Bins that are looked at closely for one item, those that promise least trouble first."""


def in_the_way(scene: Scene, job: Job, stoppable: Stoppable | None = None) -> list[Unit]:
    """Units without which the job fits beside the others; none can be left out. Empty: none were found.

    `stoppable`: who may be one of them; None: everybody.
    """
    mark = scene.placer.mark()
    search = _Search(scene, job, stoppable or Stoppable(scene))
    found = search.enough()
    scene.placer.undo(mark)
    return search.needed() if found else []


def fits_without(scene: Scene, job: Job, units: Iterable[Iterable[Held]]) -> bool:
    """Whether the whole job fits once these stand nowhere."""
    mark = scene.placer.mark()
    scene.release(chain.from_iterable(units))
    fits = _has_room(scene, job) and not scene.placer.place(job).missing
    scene.placer.undo(mark)
    return fits


def _has_room(scene: Scene, job: Job) -> bool:
    """Whether each class by itself has room for all its items: else the job does not fit."""
    return all(_lack(scene, task.of, len(task.members)) <= 0 for task in job.tasks)


def _lack(scene: Scene, of: int, count: int) -> int:
    """How many of so many items of a class find no room, whatever rules say about others."""
    engine = scene.placer.engine
    return count - int(engine.items.wanted[of].copies(engine.state.view(), count).sum())


class _Search:
    """Members that are taken away, bin after bin, until the job fits."""

    def __init__(self, scene: Scene, job: Job, stoppable: Stoppable) -> None:
        self._scene, self._job, self._stoppable = scene, job, stoppable
        self._chosen: list[Unit] = []
        self._stopped: list[Held] = []
        """All that stops with those chosen."""
        self._gone: dict[str, dict[Held, None]] = defaultdict(dict)
        """The same by job."""

    def enough(self) -> bool:
        """Take away what lets the job fit; whether that was found. They are out of the scene's state then."""
        placer = self._scene.placer
        while True:
            mark, known = placer.mark(), len(self._stopped)
            found = placer.place(self._job)
            if found.quota:
                self._give_back(found.quota)
            elif found.missing:
                self._more(found)
            placer.undo(mark)
            self._scene.release(self._stopped[known:])
            if known == len(self._stopped):
                return not found.missing

    def _give_back(self, short: Sequence[Short]) -> None:
        """Take away work that holds what is short of quotas, the least trouble first, until nothing is."""
        ledger = self._scene.placer.ledger
        for unit in self._stoppable.units(self._stopped):
            job = unit[0].job
            quotas, classes = self._scene.running(job).quotas, [one.of for one in unit]
            if ledger.eases(short, quotas, classes) and unit[0] not in self._gone[job]:
                self._take(unit)
                short = ledger.short(self._job)
            if not short:
                return

    def _more(self, found: Placed) -> None:
        """Make room for items that are missing, each in its bin, as far as there is any."""
        task = next((one for one in self._job.tasks if one.of == found.refused_for), self._job.tasks[0])
        lack = max(1, _lack(self._scene, task.of, min(found.missing, len(task.members))))
        for guesses in self._rounds(task.of, len(task.members)):
            best = self._best(task.of, guesses)
            if best is not None:
                guess, members = best
                self._take(members)
                lack -= guess.items
            if lack <= 0:
                return

    def _rounds(self, of: int, most: int) -> Iterator[Iterable[Guess]]:
        """Guesses of which the best is taken: where rules say who stands beside whom, many of them."""
        guesses = self._stoppable.guesses(of, most, self._stopped)
        if self._scene.placer.engine.relations.related[of]:
            yield islice(guesses, _TRIED)
        else:
            yield from ((one,) for one in guesses)

    def _best(self, of: int, guesses: Iterable[Guess]) -> tuple[Guess, Unit] | None:
        """The guess that holds with the least trouble, and whom it takes away."""
        best: tuple[tuple[int, int, int], Guess, Unit] | None = None
        for guess in guesses:
            if best is not None and guess.trouble >= best[0]:
                break
            members = self._fewest(of, guess)
            if members:
                trouble = self._stoppable.trouble(self._stops(members))
                best = (trouble, guess, members) if best is None or trouble < best[0] else best
        return None if best is None else best[1:]

    def _fewest(self, of: int, guess: Guess) -> Unit:
        """Members of one bin that give room together, and none of them for nothing."""
        before = self._room(of, guess.bin)

        def enough(units: Iterable[Unit]) -> bool:
            mark = self._scene.placer.mark()
            self._scene.release(self._stops(chain.from_iterable(units)))
            room = self._room(of, guess.bin)
            self._scene.placer.undo(mark)
            return room > before

        out: list[Unit] = []
        for unit in guess.units:
            out.append(unit)
            if len(out) >= guess.first and enough(out):
                return tuple(chain.from_iterable(needed(out, enough)))
        return ()

    def _room(self, of: int, at: int) -> int:
        """How many items a bin takes; where rules say who stands beside whom, whether it takes one."""
        engine = self._scene.placer.engine
        if engine.relations.related[of]:
            return not engine.refusals_at(of, at)
        view = engine.state.view(np.array([at]))
        return int(engine.items.wanted[of].copies(view, self._job.size)[0])

    def _stops(self, members: Iterable[Held]) -> list[Held]:
        """All that stops with these, beside those who are gone already."""
        fresh = dict.fromkeys(one for one in members if one not in self._gone[one.job])
        jobs = dict.fromkeys(one.job for one in fresh)
        gone = {one: None for job in jobs for one in self._gone[job] | self._stoppable.gone[job]}
        return [one for one in self._scene.stops_with(gone | fresh) if one not in gone]

    def _take(self, members: Unit) -> None:
        stopped = self._stops(members)
        self._scene.release(stopped)
        self._stopped += stopped
        for one in stopped:
            self._gone[one.job][one] = None
        self._chosen.append(members)

    def needed(self) -> list[Unit]:
        """Who must stop, by job. The scene is as before the search."""
        spread = any(len({one.bin for one in members}) > 1 for members in self._gone.values())
        self._gone.clear()
        chosen = needed(self._chosen, self._fits)
        if spread:
            chosen = needed([(one,) for unit in chosen for one in unit], self._fits)
        by_job: dict[str, list[Held]] = {}
        for one in self._stops(chain.from_iterable(chosen)):
            by_job.setdefault(one.job, []).append(one)
        return [tuple(members) for members in by_job.values()]

    def _fits(self, chosen: Iterable[Unit]) -> bool:
        return fits_without(self._scene, self._job, (self._stops(chain.from_iterable(chosen)),))


def needed(units: Sequence[Unit], enough: Callable[[Sequence[Unit]], bool]) -> Sequence[Unit]:
    """The units without those that are there for nothing, the largest left out first; one is never none."""
    for one in sorted(units, key=len, reverse=True) if len(units) > 1 else ():
        fewer = [other for other in units if other is not one]
        if enough(fewer):
            units = fewer
    return units
