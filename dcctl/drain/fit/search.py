"""Every way to place a few members: finds places where a plan found none, or that there are none."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.drain.fit.bounds import heeds_taints
from dcctl.packing.greedy.place import Placed, Stand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dcctl.drain.fit.wave import Wave
    from dcctl.packing.greedy.engine import Put
    from dcctl.packing.problem import Job, Need

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_MOST_MEMBERS = 96
_STEPS = (500, 3000)
"""Members that are placed before it is given up, at least and at most;"""
_LOOKED_AT = 1_000_000
"""and bins that are looked at meanwhile."""


class _Run(NamedTuple):
    """Identical members; of a job that lies within one part, its own alone."""

    of: int
    members: tuple[tuple[str, str], ...]
    """(job, member)."""
    job: Job | None
    """The job that lies within one part."""


class _SpentError(Exception):
    """No more steps are left."""


def searched(wave: Wave, jobs: Sequence[Job]) -> tuple[tuple[Placed, ...] | None, bool]:
    """Places for all of these jobs, if any were found; and whether every way was tried.

    The scene is left as it comes: whoever asks undoes it.
    """
    if sum(job.size for job in jobs) > _MOST_MEMBERS or _spans_sites(wave, jobs):
        return None, False
    search = _Search(wave, jobs)
    try:
        found = search.goes_on(tuple(len(run.members) for run in search.runs))
    except _SpentError:
        return None, False
    return (search.placed(jobs) if found else None), search.complete


def _spans_sites(wave: Wave, jobs: Iterable[Job]) -> bool:
    """Whether a gang could stand in two sites: these are not tried."""
    placer = wave.scene.placer
    several = len(placer.parts.names["site"]) > 1
    return several and any(job.minimum > 1 and placer.parts_for(job) is None for job in jobs)


class _Search:
    """Members put in one after the other, and taken out again where the rest find no room."""

    def __init__(self, wave: Wave, jobs: Sequence[Job]) -> None:
        self._placer, self._open = wave.scene.placer, wave.open
        self._engine = wave.scene.placer.engine
        wanted = self._engine.items.wanted
        runs = self._runs(jobs)
        self.runs = sorted(runs, key=lambda run: _largest(wanted[run.of].need), reverse=True)
        self._stands: list[list[Put]] = [[] for _ in self.runs]
        self._inside: dict[int, list[int]] = {}
        """Runs of the members in each bin."""
        self._seen: set[object] = set()
        self._steps = min(max(_LOOKED_AT // len(self._open), _STEPS[0]), _STEPS[1])
        self._crossed = self._is_crossed()
        self._groups = self._alike()
        shares = any(wanted[run.of].share or wanted[run.of].memory for run in runs)
        mixed = any(wanted[run.of].accepts is not None for run in runs)
        self.complete = not (shares or mixed or heeds_taints(wave, jobs))
        """Whether no way is left out: on which devices a share is put may matter, and is not tried."""

    def _runs(self, jobs: Iterable[Job]) -> list[_Run]:
        found: dict[object, _Run] = {}
        for job in jobs:
            bound = self._placer.parts_for(job) is not None
            for task in job.tasks:
                key = (task.of, job.id if bound else None)
                run = found.get(key, _Run(task.of, (), job if bound else None))
                members = (*run.members, *((job.id, name) for name in task.members))
                found[key] = run._replace(members=members)
        return list(found.values())

    def goes_on(self, left: tuple[int, ...]) -> bool:
        """Whether those who are left find room; they stand then."""
        if not any(left):
            return True
        key = (left, self._key())
        if key in self._seen or not self._steps:
            if not self._steps:
                raise _SpentError
            return False
        self._seen.add(key)
        self._steps -= 1
        return any(self._with_one_of(at, left) for at in self._next(left))

    def _with_one_of(self, at: int, left: tuple[int, ...]) -> bool:
        run, engine = self.runs[at], self._engine
        rest = (*left[:at], left[at] - 1, *left[at + 1 :])
        for bin_ in self._bins(at, left[at]):
            mark = engine.mark()
            self._stands[at].append(engine.put_in(run.of, bin_))
            self._inside.setdefault(bin_, []).append(at)
            if self.goes_on(rest):
                return True
            self._stands[at].pop()
            self._inside[bin_].remove(at)
            engine.undo(mark)
        return False

    def _next(self, left: tuple[int, ...]) -> list[int]:
        """Whose turn it is: the first run, or any where their rules are about each other."""
        runs = [at for at, count in enumerate(left) if count]
        return runs if self._crossed else runs[:1]

    def _bins(self, at: int, count: int) -> Iterator[int]:
        """Bins that take one, the fullest first; of those that nothing tells apart one."""
        run, engine = self.runs[at], self._engine
        allowed = self._open if run.job is None else self._open & self._together(run.job)
        room = np.where(allowed, engine.items.wanted[run.of].copies(engine.state.view(), count), 0)
        if room.sum() < count:
            return
        fits = np.flatnonzero(allowed & (engine.refusals(run.of) == 0))
        idle = (engine.state.milli[fits] >= 1000).sum(axis=1)
        tried: set[object] = set()
        for bin_ in fits[np.lexsort((fits, idle))].tolist():
            key = (self._groups[bin_], tuple(sorted(self._inside.get(bin_, ()))))
            if key not in tried:
                tried.add(key)
                yield bin_

    def _together(self, job: Job) -> Bools:
        """Bins that lie in one part with all of the job that stand already."""
        splits, home = self._placer.parts_for(job), self._placer.home(job)
        allowed = np.ones(len(self._open), np.bool_) if home is None else home
        rows = zip(self.runs, self._stands, strict=True)
        stands = [put.bin for run, puts in rows if run.job is job for put in puts]
        within = np.zeros(len(self._open), np.bool_)
        for each in splits or ():
            part = {int(each.of[one]) for one in stands}
            if not part:
                within |= each.of >= 0
            elif len(part) == 1 and -1 not in part:
                within |= each.of == part.pop()
        return allowed & within

    def _key(self) -> object:
        """What tells the state from others: nobody cares which of bins that are alike it is."""
        found = ((self._groups[at], tuple(sorted(runs))) for at, runs in self._inside.items() if runs)
        return tuple(sorted(Counter(found).items()))

    def _is_crossed(self) -> bool:
        """Whether rules of some are about others, so that it matters who is first. Ports bar both ways."""
        relations, classes = self._engine.relations, {run.of for run in self.runs}
        return any(relations.swayed_by(of) & classes - {of} for of in classes)

    def _alike(self) -> list[int]:
        """A number for each bin that those which nothing tells apart have in common."""
        engine, classes = self._engine, sorted({run.of for run in self.runs})
        state, every = engine.state, np.arange(engine.state.count)
        columns = [state.free, state.milli, state.memory, state.kind, state.numa]
        columns += [engine.items.wanted[of].fixed[:, None] for of in classes]
        if any(engine.relations.counted[of] for of in classes):
            columns.append(every[:, None])
        for job in (run.job for run in self.runs if run.job is not None):
            home = self._placer.home(job)
            columns += [each.of[:, None] for each in self._placer.parts_for(job) or ()]
            columns += [] if home is None else [home.astype(np.int64)[:, None]]
        table = np.concatenate([np.asarray(each, np.int64) for each in columns], axis=1)
        numbers: dict[bytes, int] = {}
        return [numbers.setdefault(row.tobytes(), len(numbers)) for row in table]

    def placed(self, jobs: Sequence[Job]) -> tuple[Placed, ...]:
        """Where everybody stands now, job by job: those with the largest members first."""
        by_id = {job.id: job for job in jobs}
        found: dict[str, Placed] = {}
        for run, puts in zip(self.runs, self._stands, strict=True):
            for (job, name), put in zip(run.members, puts, strict=True):
                one = found.setdefault(job, Placed(by_id[job], []))
                one.stands.append(Stand(run.of, name, put))
        return tuple(found.values())


def _largest(need: Need) -> tuple[int, ...]:
    return (need.gpu_milli, *need.amounts)
