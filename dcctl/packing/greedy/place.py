"""One job at a time: its gang whole or not at all, in the narrowest part of the data centre that holds it."""

from __future__ import annotations

from collections import Counter
from itertools import chain, groupby, islice, permutations, repeat
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from dcctl.packing.fit.parts import Parts
from dcctl.packing.fit.quotas import Ledger
from dcctl.packing.greedy.engine import Put
from dcctl.packing.greedy.links import links_of
from dcctl.packing.greedy.regions import regions
from dcctl.packing.greedy.sites import why_apart
from dcctl.packing.problem import BANDWIDTH, CPU
from dcctl.packing.reasons import Reason, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.fit.parts import Split
    from dcctl.packing.fit.quotas import Short, Uses
    from dcctl.packing.greedy.engine import Engine
    from dcctl.packing.greedy.links import Promised
    from dcctl.packing.problem import Held, Job, Problem, Task

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_TRIES = 8
"""Parts of one kind that a gang is tried in in vain, though some of it stood there."""


class Stand(NamedTuple):
    """A member that was placed."""

    of: int
    member: str
    put: Put


class Mark(NamedTuple):
    """A moment in the making of a plan."""

    moves: int
    used: Uses
    closed: Bools | None
    links: Promised


class Placed(Struct):
    """What became of one job."""

    job: Job
    stands: list[Stand]
    missing: int = 0
    """Members that stand nowhere."""
    refused_for: int | None = None
    """The class of the first member that fitted nowhere."""
    quota: tuple[Short, ...] = ()
    """What it lacks of its quotas, where they, and not the nodes, refused it."""

    @property
    def says(self) -> str:
        """What quotas refused it, in words; empty: none did."""
        return "; ".join(map(str, self.quota))


def left_of(job: Job, found: Placed) -> Job:
    """The job with those of its members that stand nowhere."""
    placed = {(stand.of, stand.member) for stand in found.stands}
    tasks = (
        replace(task, members=tuple(name for name in task.members if (task.of, name) not in placed))
        for task in job.tasks
    )
    return replace(job, tasks=tuple(task for task in tasks if task.members))


def _runs(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    """Neighbours without gangs whose items are of one and the same class, together; each other job alone."""
    for _, alike in groupby(enumerate(jobs), key=_alike):
        yield [job for _, job in alike]


def _alike(numbered: tuple[int, Job]) -> tuple[int, int]:
    at, job = numbered
    simple = job.minimum < 2 and job.within is None and len(job.tasks) == 1
    return (-1, job.tasks[0].of) if simple else (at, 0)


def _goes_on(job: Job, found: Placed) -> bool:
    """Whether those who were placed are enough: the minimum, and somebody of every task (a leader, say)."""
    present = {stand.of for stand in found.stands}
    return len(found.stands) >= max(1, job.minimum) and all(task.of in present for task in job.tasks)


class Placer:
    """Places jobs through an engine, and keeps what is used of quotas."""

    def __init__(self, engine: Engine, problem: Problem) -> None:
        """Nothing is placed; `engine` is that of the problem."""
        self.engine, self.parts = engine, Parts(problem.bins)
        self.closed: Bools | None = None
        """Bins in which nothing more is placed."""
        self.look: Callable[[Ints], None] | None = None
        """Called before it is read what is free in bins that may be closed."""
        self.links = links_of(problem)
        """What is left of those between sites."""
        self._told: dict[int, tuple[int, dict[Reason, int], int]] = {}
        self.ledger = Ledger(problem.quotas, engine.state.needs, problem.space.dimensions)
        self._running, self._sites = problem.running, [one.part("site") for one in problem.bins]

    def place(self, job: Job) -> Placed:
        """The job's members stand, as many as fit; of a gang all, or at least its minimum, or none."""
        if short := self.ledger.short(job):
            return Placed(job, [], job.size, None, short)
        by_itself = job.minimum < 2 and job.within is None
        found = self._fill(job, None) if by_itself else self._gang(job)
        self.spend(job, found)
        return found

    def place_all(self, jobs: Iterable[Job]) -> list[Placed]:
        """One job after the other; neighbours that are alike in all that counts are placed as one run."""
        found: list[Placed] = []
        for alike in _runs(jobs):
            simple = len(alike) > 1 and not self._may_lack(alike)
            found += self._deal(alike) if simple else [self.place(job) for job in alike]
        return found

    def _may_lack(self, jobs: Sequence[Job]) -> bool:
        """Whether quotas may not last for all of these jobs."""
        by_quotas: dict[tuple[str, ...], list[Task]] = {}
        for job in jobs:
            by_quotas.setdefault(job.quotas, []).extend(job.tasks)
        if len(by_quotas) > 1 and len(set(chain.from_iterable(by_quotas))) < sum(map(len, by_quotas)):
            return True  # some share a quota and others of theirs not: job by job
        rows = ((quotas, tasks) for quotas, tasks in by_quotas.items() if quotas)
        return any(
            self.ledger.short(replace(jobs[0], tasks=tuple(tasks), quotas=quotas)) for quotas, tasks in rows
        )

    def _deal(self, jobs: Sequence[Job]) -> list[Placed]:
        """Jobs without gangs whose items are of one class: the places are dealt out in order."""
        of = jobs[0].tasks[0].of
        puts = iter(self.engine.run(of, sum(job.size for job in jobs), self._open(None)))
        found = []
        for job in jobs:
            members = job.tasks[0].members
            stands = list(map(Stand, repeat(of), members, islice(puts, len(members))))
            missing = len(members) - len(stands)
            found.append(Placed(job, stands, missing, of if missing else None))
            if job.quotas:
                self.ledger.count(job.quotas, (of,) * len(stands))
        return found

    def place_within(self, job: Job, allowed: Bools) -> Placed:
        """As many of the job's members as fit into these bins, each by itself and whatever its quota."""
        return self._fill(job, allowed)

    def remove(self, placed: Placed) -> None:
        """Nobody of the job stands any more."""
        for stand in placed.stands:
            self.engine.take(stand.of, stand.put)
        self.spend(placed.job, placed, -1)

    def give_back(self, members: Iterable[Held], lost: Collection[int] = ()) -> None:
        """Members that stood before stand no more: what each held is free, of nodes, quotas and links.

        Of bins that are `lost` nothing becomes free.
        """
        for one in members:
            if one.bin in lost:
                self.engine.lose(one.of, one.bin)
            else:
                self.engine.take(one.of, Put(one.bin, one.devices))
            self._hold(one, -1)

    def take_again(self, members: Iterable[Held]) -> None:
        """They stand again where they stood."""
        for one in members:
            self.engine.put(one.of, one.bin, one.devices)
            self._hold(one, 1)

    def _hold(self, one: Held, sign: int) -> None:
        known = self._running.get(one.job)
        if known is not None:
            self.ledger.hold(known.quotas, (one.of,), sign)
            self.links.hold(one.job, self._sites[one.bin], sign)

    def parts_for(self, job: Job) -> tuple[Split, ...] | None:
        """Parts of which one must hold the whole job; None: it may be anywhere."""
        if job.within is not None:
            return self.parts.within(job.within)
        one_site = job.minimum > 1 and len(self.parts.names["site"]) > 1 and not self._may_span(job)
        return self.parts.within("site") if one_site else None

    def _may_span(self, job: Job) -> bool:
        """Whether any two sites could hold it together."""
        return bool(self.links.any or job.sites)

    def _gang(self, job: Job) -> Placed:
        home, closed = self.home(job), self.closed
        if home is not None:
            self.closed = ~home if closed is None else closed | ~home
        found = self._in_a_part(job)
        self.closed = closed
        return found

    def home(self, job: Job) -> Bools | None:
        """Where those may join who must lie within one part with others; None: anywhere, or nobody knows."""
        if job.within is None or not job.homes:
            return None
        homes = list(job.homes)
        if job.within == "node":
            return np.isin(np.arange(self.engine.state.count), homes)
        rows = self.parts.rows[job.within]
        parts = rows[homes][rows[homes] >= 0]
        return np.isin(rows, parts) if len(parts) else None

    def _in_a_part(self, job: Job) -> Placed:
        if job.size < job.minimum:  # not all of its members are there yet
            return Placed(job, [], job.size, job.tasks[0].of)
        start, best = self.engine.mark(), None
        for allowed, found in self._tries(job):
            if not found.missing:
                return found
            if best is None or found.missing < best[0]:
                best = (found.missing, allowed, found)
            self.engine.undo(start)
        whole = self._over_two_sites(job) if job.within is None and self._may_span(job) else None
        if whole is not None:
            return whole
        if best is None:
            return Placed(job, [], job.size, job.tasks[0].of)
        found = self._fill(job, best[1])
        if not _goes_on(job, found) and len(job.tasks) > 1:
            self.engine.undo(start)
            found = self._fill(job, best[1], one_of_each=True)
        if _goes_on(job, found):
            return found
        self.engine.undo(start)
        return Placed(job, [], job.size, best[2].refused_for)

    def _tries(self, job: Job) -> Iterator[tuple[Bools | None, Placed]]:
        """The job as it would stand in one part after the other; whoever asks for the next undoes it."""
        for kind in regions(self, job):
            tries = 0
            for allowed in kind:
                found = self._fill(job, allowed)
                yield allowed, found
                tries += bool(found.stands)
                if tries == _TRIES:
                    break

    def _fill(self, job: Job, allowed: Bools | None, *, one_of_each: bool = False) -> Placed:
        """As many members as fit, the largest first; `one_of_each`: first one of every task."""
        found = Placed(job, [])
        tasks = self._largest_first(job.tasks)
        if one_of_each:
            heads = [replace(task, members=task.members[:1]) for task in tasks]
            tasks = [*heads, *(replace(task, members=task.members[1:]) for task in tasks)]
        for task in tasks:
            puts = self.engine.run(task.of, len(task.members), self._open(allowed))
            found.stands += [Stand(task.of, name, put) for name, put in zip(task.members, puts, strict=False)]
            if len(puts) < len(task.members):
                found.missing += len(task.members) - len(puts)
                found.refused_for = task.of if found.refused_for is None else found.refused_for
        return found

    def _open(self, allowed: Bools | None) -> Bools | None:
        if self.closed is None:
            return allowed
        return ~self.closed if allowed is None else allowed & ~self.closed

    def _largest_first(self, tasks: Sequence[Task]) -> list[Task]:
        wanted = self.engine.items.wanted
        return sorted(
            tasks, key=lambda task: (-wanted[task.of].need.gpu_milli, -wanted[task.of].need.amounts[CPU])
        )

    def _over_two_sites(self, job: Job) -> Placed | None:
        """The whole gang in two sites, if the link between them carries those on the smaller side."""
        if not self._may_span(job):
            return None
        names, rows = self.parts.names["site"], self.parts.rows["site"]
        start = self.engine.mark()
        for one, other in permutations(range(len(names)), 2):
            found = self._fill(job, rows == one)
            here = len(found.stands)
            if here and self._carried(job, names[one], names[other], min(here, found.missing)):
                rest = self._fill(left_of(job, found), rows == other)
                if not rest.missing:
                    return Placed(job, found.stands + rest.stands)
            self.engine.undo(start)
        return None

    def _carried(self, job: Job, one: str, other: str, across: int) -> bool:
        """Whether so many members may talk over the link: all must say how much they send."""
        if {one, other} == set(job.sites):
            return across > 0
        return 0 < across * self._each_bps(job) <= self.links.left_bps(one, other)

    def _each_bps(self, job: Job) -> int:
        """How much a member sends at most; 0: one of them does not say."""
        each = [self.engine.items.wanted[task.of].need.amounts[BANDWIDTH] for task in job.tasks]
        return max(each) if all(each) else 0

    def apart(self, job: Job) -> str:
        """Why a gang does not stand in two sites that together have room for it; empty: none have."""
        if job.minimum < 2 or job.within is not None:
            return ""
        names, rows = self.parts.names["site"], self.parts.rows["site"]
        start, ways = self.engine.mark(), []
        for one, other in permutations(range(len(names)), 2):
            found = self._fill(job, rows == one)
            rest = self._fill(left_of(job, found), rows == other)
            if found.stands and rest.stands and not rest.missing:
                ways.append((min(len(found.stands), len(rest.stands)), names[one], names[other]))
            self.engine.undo(start)
        told = ((not self._carried(job, one, other, most), most, one, other) for most, one, other in ways)
        refused, across, *sites = min(told, default=(False, 0))
        return why_apart(sites, across, self._each_bps(job), self.links) if refused else ""

    def why(self, found: Placed) -> tuple[dict[Reason, int], int]:
        """Why no bin takes a missing member: reason -> bins, and how many bins would take one.

        All counts add up to the number of bins.
        """
        if found.refused_for is None:
            return ({Reason.QUOTA: self.engine.state.count}, 0) if found.quota else ({}, 0)
        changes = len(self.engine.state.log)
        known = self._told.get(found.refused_for)
        if known is None or known[0] != changes:
            known = self._told[found.refused_for] = (changes, *self._counted(found.refused_for))
        return known[1:]

    def _counted(self, of: int) -> tuple[dict[Reason, int], int]:
        bits = self.engine.refusals(of)
        return counted(bits), int((bits == 0).sum())

    def mark(self) -> Mark:
        """Where `undo` can go back to."""
        return Mark(self.engine.mark(), self.ledger.mark(), self.closed, self.links.mark())

    def undo(self, mark: Mark) -> None:
        """All is as it was at the mark."""
        self.engine.undo(mark.moves)
        self.ledger.undo(mark.used)
        self.links.undo(mark.links)
        self.closed = mark.closed

    def spend(self, job: Job, found: Placed, sign: int = 1) -> None:
        """What these members hold counts for the quotas of the job, and what they send for a link."""
        if job.quotas:
            self.ledger.count(job.quotas, (stand.of for stand in found.stands), sign)
        names = self.parts.names["site"]
        if job.minimum > 1 and job.within is None and len(names) > 1:
            rows = self.parts.rows["site"][[stand.put.bin for stand in found.stands]]
            counts = Counter(rows[rows >= 0].tolist())
            if len(counts) == 2:
                one, other = (names[at] for at in counts)
                self.links.promise(one, other, min(counts.values()) * self._each_bps(job), sign)
