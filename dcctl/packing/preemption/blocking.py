"""Who stands in the way of a job: the least work whose absence lets it fit.

Trouble is measured by how many members are beyond a disruption budget, then by the highest priority that is
hit, then by how many members stop, then by how many devices they hold. A gang that falls below its minimum
stops as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.preemption.stoppable import Stoppable, cost_of, least_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dcctl.packing.fit.quotas import Short
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.preemption.budgets import Budgets
    from dcctl.packing.preemption.stoppable import Guess, Trouble, Unit
    from dcctl.packing.problem import Held, Job, Task
    from dcctl.packing.scene import Scene

_TRIED = 64
"""Bins that are looked at closely for one item, those that promise least trouble first."""
_SWAPPED = 4
"""Jobs in an answer: of so few at most, another is looked for without each of them."""


def in_the_way(scene: Scene, job: Job, stoppable: Stoppable | None = None) -> list[Unit]:
    """Units without which the job fits beside the others; none can be left out. Empty: none were found.

    `stoppable`: who may be one of them; None: everybody.
    """
    allowed = stoppable or Stoppable(scene)
    best = _found(scene, job, allowed)
    while best:
        less = _less(scene, job, allowed, best)
        if less is None:
            break
        best = less
    return best


def _less(scene: Scene, job: Job, allowed: Stoppable, best: Sequence[Unit]) -> list[Unit] | None:
    """Others that are less trouble: of lower priority or beyond no budget, then without one of the best."""
    trouble = _trouble_of(scene, allowed, best)
    once = best if len(best) <= _SWAPPED and sum(map(len, best)) > 1 else ()
    for fewer in chain(allowed.milder(trouble), map(allowed.other_than, once)):
        found = _found(scene, job, fewer)
        if found and _trouble_of(scene, allowed, found) < trouble:
            return found
    return None


def _found(scene: Scene, job: Job, stoppable: Stoppable) -> list[Unit]:
    """Units of these without which the job fits; empty: none were found."""
    mark = scene.placer.mark()
    search = _Search(scene, job, stoppable)
    found = search.enough()
    scene.placer.undo(mark)
    return search.needed() if found else []


def _trouble_of(scene: Scene, stoppable: Stoppable, units: Iterable[Unit]) -> Trouble:
    """What it takes to stop all of these together."""
    members = list(chain.from_iterable(units))
    return (stoppable.budgets.beyond(members), *cost_of(scene, members))


def fits_without(scene: Scene, job: Job, units: Iterable[Iterable[Held]]) -> bool:
    """Whether the whole job fits once these stand nowhere."""
    mark = scene.placer.mark()
    scene.release(chain.from_iterable(units))
    fits = _fits(scene, job)
    scene.placer.undo(mark)
    return fits


def _fits(scene: Scene, job: Job) -> bool:
    """Whether the whole job fits now."""
    if any(lack_of(scene, job, task) > 0 for task in job.tasks):
        return False
    mark = scene.placer.mark()
    fits = not scene.placer.place(job).missing
    scene.placer.undo(mark)
    return fits


def lack_of(scene: Scene, job: Job, task: Task) -> int:
    """How many items of a task find no room at least; below one: amounts and devices allow all of them."""
    return _Lack(scene, job, task).least


class _Lack:
    """How many items of a task find no room, whatever rules say about others; in the part that has most."""

    def __init__(self, scene: Scene, job: Job, task: Task) -> None:
        engine, count = scene.placer.engine, len(task.members)
        copies = engine.items.wanted[task.of].copies(engine.state.view(), count)
        splits = scene.placer.parts_for(job)
        self._rows = [np.zeros(len(copies), np.int64)] if splits is None else [each.of for each in splits]
        self._by_part = [count - np.bincount(of + 1, copies)[1:] for of in self._rows]

    @property
    def least(self) -> int:
        """In the part where fewest are without room; no bin at all is never enough."""
        return int(min((each.min() for each in self._by_part if len(each)), default=1))

    def less(self, at: int, items: int) -> None:
        """A bin has room for so many more."""
        for of, lack in zip(self._rows, self._by_part, strict=True):
            if of[at] >= 0:
                lack[of[at]] -= items


class _Search:
    """Members that are taken away, bin after bin, until the job fits."""

    def __init__(self, scene: Scene, job: Job, stoppable: Stoppable) -> None:
        self._scene, self._job, self._stoppable = scene, job, stoppable
        self._chosen: list[Unit] = []
        self._stopped: list[Held] = []
        """All that stops with those chosen."""
        self._gone: dict[str, dict[Held, None]] = defaultdict(dict)
        """The same by job."""
        self._budgets = stoppable.budgets
        """Once they have stopped."""

    def enough(self) -> bool:
        """Take away what lets the job fit; whether that was found. They are out of the scene's state then."""
        placer = self._scene.placer
        while True:
            mark, known = placer.mark(), len(self._stopped)
            found = placer.place(self._job)
            if found.quota:
                self._give_back(found.quota)
            elif found.missing and not self._take_from_links():
                self._more(found)
            placer.undo(mark)
            self._scene.release(self._stopped[known:])
            if known == len(self._stopped):
                return not found.missing

    def _give_back(self, short: Sequence[Short]) -> None:
        """Take away work that holds what is short of quotas, the least trouble first, until nothing is."""
        ledger = self._scene.placer.ledger
        for unit in least_first(self._stoppable.units(self._stopped), self._trouble):
            job = unit[0].job
            quotas, classes = self._scene.running(job).quotas, [one.of for one in unit]
            if ledger.eases(short, quotas, classes) and unit[0] not in self._gone[job]:
                self._take(unit)
                short = ledger.short(self._job)
            if not short:
                return

    def _take_from_links(self) -> bool:
        """Take away a gang that sends between sites, if only that keeps it out. Whether there was one."""
        placer = self._scene.placer
        if not (placer.links.any and placer.apart(self._job)):
            return False
        for unit in least_first(self._stoppable.units(self._stopped), self._trouble):
            if placer.links.sends(unit[0].job) and unit[0] not in self._gone[unit[0].job]:
                self._take(unit)
                return True
        return False

    def _more(self, found: Placed) -> None:
        """Make room for items that are missing, each in its bin, as far as there is any."""
        task = next((one for one in self._job.tasks if one.of == found.refused_for), self._job.tasks[0])
        lack = _Lack(self._scene, self._job, task)
        enough = min(0, lack.least - 1)  # somebody has to go, even if amounts say that there is room
        for guesses in self._rounds(task.of, len(task.members)):
            best = self._best(task.of, guesses)
            if best is not None:
                guess, members = best
                if self._take(members) == {guess.bin}:
                    lack.less(guess.bin, guess.items)
                else:  # a gang has gone from other bins too
                    lack = _Lack(self._scene, self._job, task)
            if lack.least <= enough:
                return

    def _rounds(self, of: int, most: int) -> Iterator[Iterable[Guess]]:
        """Guesses of which the best is taken: where rules say who stands beside whom, many of them."""
        told = self._stoppable.guesses(of, most, self._stopped)
        known = ((one.trouble, one) for one in told)
        guesses = least_first(known, lambda one: self._trouble(chain.from_iterable(one.units[: one.first])))
        if self._scene.placer.engine.relations.related[of]:
            yield islice(guesses, _TRIED)
        else:
            yield from ((one,) for one in guesses)

    def _best(self, of: int, guesses: Iterable[Guess]) -> tuple[Guess, Unit] | None:
        """The guess that holds with the least trouble, and whom it takes away."""
        best: tuple[Trouble, Guess, Unit] | None = None
        for guess in guesses:
            if best is not None and guess.trouble >= best[0]:
                break
            members = self._fewest(of, guess)
            if members:
                trouble = self._trouble(members)
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
                return tuple(chain.from_iterable(self._none_for_nothing(out, enough)))
        return ()

    def _none_for_nothing(
        self, units: Sequence[Unit], enough: Callable[[Sequence[Unit]], bool]
    ) -> Sequence[Unit]:
        """The units without those that need not stop, but never none."""
        beyond = self._budgets.after(self._stops(chain.from_iterable(units))).exceeded
        for one in sorted(units, key=lambda one: (beyond(one), len(one)), reverse=True) if units[1:] else ():
            fewer = [other for other in units if other is not one]
            if enough(fewer):
                units = fewer
        return units

    def _trouble(self, members: Iterable[Held]) -> Trouble:
        """What it takes to stop these and all that stops with them, after those who have stopped."""
        stopped = self._stops(members)
        return (self._budgets.beyond(stopped), *cost_of(self._scene, stopped))

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

    def _take(self, members: Unit) -> set[int]:
        """They stop, and whoever stops with them. The bins that lose somebody."""
        stopped = self._stops(members)
        self._scene.release(stopped)
        self._stopped += stopped
        for one in stopped:
            self._gone[one.job][one] = None
        self._chosen.append(members)
        self._budgets = self._budgets.after(stopped)
        return {one.bin for one in stopped}

    def needed(self) -> list[Unit]:
        """Who must stop, by job. The scene is as before the search."""
        spread = any(len({one.bin for one in members}) > 1 for members in self._gone.values())
        self._gone.clear()
        before = self._stoppable.budgets
        chosen = least(self._scene, self._job, self._chosen, before, self._stops)
        if spread:
            single = [(one,) for unit in chosen for one in unit]
            chosen = least(self._scene, self._job, single, before, self._stops)
        by_job: dict[str, list[Held]] = {}
        for one in self._stops(chain.from_iterable(chosen)):
            by_job.setdefault(one.job, []).append(one)
        return [tuple(members) for members in by_job.values()]


def least(
    scene: Scene,
    job: Job,
    units: Sequence[Unit],
    budgets: Budgets,
    stops: Callable[[Iterable[Held]], Sequence[Held]] = tuple,
) -> list[Unit]:
    """The units without which the job fits, none of them for nothing. The scene is as before afterwards.

    All are taken away, and each comes back in its turn, the most trouble first, if the job fits beside it.
    `budgets`: as they are before; `stops`: who stops with some members, of any jobs.
    """
    mark, kept = scene.placer.mark(), _Kept(units, budgets, stops)
    scene.release(kept.stopped())
    worst = sorted(units, key=lambda unit: cost_of(scene, stops(unit)), reverse=True)
    for unit in _turns(worst, kept.exceeds) if len(units) > 1 else ():
        back = kept.without(unit)
        scene.stand(back)
        if not _fits(scene, job):
            kept.keep_all_the_same(unit, back)
            scene.release(back)
    scene.placer.undo(mark)
    return [unit for unit in units if unit in kept]


def _turns(units: Iterable[Unit], beyond: Callable[[Unit], bool]) -> Iterator[Unit]:
    """Those first that are beyond a budget when their turn comes."""
    rest = []
    for unit in units:
        if beyond(unit):
            yield unit
        else:
            rest.append(unit)
    yield from rest


class _Kept:
    """Units that are taken away, and who stops with them, job by job."""

    def __init__(
        self, units: Iterable[Unit], budgets: Budgets, stops: Callable[[Iterable[Held]], Sequence[Held]]
    ) -> None:
        self._stops = stops
        self._members: dict[str, dict[Held, None]] = defaultdict(dict)
        self._units: set[Unit] = set()
        for unit in units:
            self._keep(unit)
        self._budgets = budgets.after(self.stopped())

    def __contains__(self, unit: Unit) -> bool:
        return unit in self._units

    def exceeds(self, unit: Unit) -> bool:
        """Whether a budget is broken, and less so without it."""
        return self._budgets.exceeded(self._stops(unit))

    def keep_all_the_same(self, unit: Unit, back: Iterable[Held]) -> None:
        """It is one of them again, so these do not stand."""
        self._keep(unit)
        self._budgets = self._budgets.after(back)

    def _keep(self, unit: Unit) -> None:
        self._units.add(unit)
        for one in unit:
            self._members[one.job][one] = None

    def stopped(self) -> list[Held]:
        """All that stop."""
        return list(chain.from_iterable(self._stops(members) for members in self._members.values()))

    def without(self, unit: Unit) -> list[Held]:
        """It is none of them any more: who may stand again."""
        self._units.remove(unit)
        jobs = dict.fromkeys(one.job for one in unit)
        before = {name: self._stops(self._members[name]) for name in jobs}
        for one in unit:
            del self._members[one.job][one]
        after = {name: set(self._stops(self._members[name])) for name in jobs}
        back = [one for name in jobs for one in before[name] if one not in after[name]]
        self._budgets = self._budgets.before(back)
        return back
