"""Plans in time: conservative backfill. Each job in turn gets the best start that is left to it.

A job takes what is free around everything that runs and everything that was planned before it, for its whole
duration: so no job is ever delayed by one that comes after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from dcctl.packing.greedy.place import Placed, Placer, left_of
from dcctl.packing.greedy.sites import sites_of
from dcctl.packing.plan import Unplaced
from dcctl.packing.reasons import WORDS, Reason, counted
from dcctl.packing.solve import Options, assigned, engine_of, plan_of, solve, taken_milli
from dcctl.packing.timed.beside import TimedRelations
from dcctl.packing.timed.busy import Busy
from dcctl.packing.timed.chances import Chances, is_gang
from dcctl.packing.timed.gaps import Gaps
from dcctl.packing.timed.horizon import least_end_s
from dcctl.packing.timed.offers import Offer, Offers
from dcctl.packing.timed.slices import NEVER
from dcctl.packing.timed.timeline import Timeline, ends_of
from dcctl.packing.timed.turns import in_turn, waits_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.plan import Assignment, Plan
    from dcctl.packing.problem import Job, Problem
    from dcctl.packing.timed.offers import Key

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


class Booked(NamedTuple):
    """Members of a job that start together."""

    found: Placed
    start_s: int
    end_s: int


class Kept(Struct):
    """What became of one job."""

    job: Job
    booked: list[Booked]
    left: Job
    """With those of its members that are not planned."""
    ready_s: int | None = None
    """When it could start if there were room; None: nobody knows."""
    earliest_end_s: int | None = None
    """When it could end, where that is too late."""
    says: str = ""


def in_time(problem: Problem) -> bool:
    """Whether anything in a problem depends on time, or on where data is."""
    told = (
        job.duration_s is not None
        or job.earliest_s is not None
        or job.deadline_s is not None
        or job.after
        or job.data
        for job in problem.jobs
    )
    return (
        bool(problem.prices or problem.carbon) or any(told) or any(one.closed_windows for one in problem.bins)
    )


def planned(problem: Problem, options: Options = Options()) -> Plan:  # noqa: B008  # a constant
    """A plan in time if anything depends on time, else one that holds at once."""
    return Book(problem, options).plan() if in_time(problem) else solve(problem, options)


class Book:
    """Who runs where and when, in the making."""

    def __init__(self, problem: Problem, options: Options) -> None:
        """Nothing is planned but what runs already."""
        self.problem, self.options = problem, options
        engine = engine_of(problem, options.policy, timed=True)
        templates = [one.template for one in problem.classes]
        self._beside = TimedRelations(engine.items.labels, templates)
        engine.relations = self._beside
        self.placer = Placer(engine, problem)
        self._engine = engine
        self.timeline = Timeline(problem, engine.state)
        gaps = Gaps(self.timeline, engine.items, Busy(self._beside, engine.items.labels, templates))
        self._chances = Chances(gaps, self.timeline, self._beside.drawn)
        self._offers = Offers(problem, options, engine.items, self.placer.links)
        self._kept: dict[str, Kept] = {}
        self._not_before: dict[object, int] = {}
        ends = {id(one): end_s for end_s, one in ends_of(problem)}
        for one in problem.held:
            self._beside.stay(one.bin, one.of, -NEVER, ends.get(id(one), NEVER))

    def plan(self) -> Plan:
        """Plan all jobs in turn."""
        turns = in_turn(self.problem)
        for job in turns[self._at_once(turns) :]:
            self._kept[job.id] = self._keep(job)
        kept = [self._kept[job.id] for job in turns]
        assignments = tuple(one for each in kept for one in self._assigned(each))
        unplaced = [self._unplaced(each) for each in kept if each.left.tasks]
        taken = taken_milli(self.problem, (one.found for each in kept for one in each.booked))
        plan = plan_of(self.problem, assignments, unplaced, taken, self.options)
        return replace(plan, bound_end_s=least_end_s(self.problem, self._engine.items, assignments))

    def _assigned(self, kept: Kept) -> Iterator[Assignment]:
        for found, start_s, end_s in kept.booked:
            yield from assigned(self.problem, found, start_s, None if end_s == NEVER else end_s)

    def _at_once(self, turns: Sequence[Job]) -> int:
        """How many jobs from the first on fit now and may start now: they are planned without slices."""
        if self._offers.choosy or self.timeline.closes:
            return 0
        now_s, count = self.problem.now_s, 0
        while count < len(turns) and _starts_now(turns[count], now_s):
            count += 1
        self._show(now_s, now_s + 1, turns[:count])
        mark = self.placer.mark()
        placed = self.placer.place_all(turns[:count])
        count = next((at for at, found in enumerate(placed) if found.missing), count)
        self.placer.undo(mark)
        for found in placed[:count]:
            end_s = _end(now_s, found.job)
            booked = self._take(found, now_s, end_s)
            self._kept[found.job.id] = Kept(found.job, [booked], left_of(found.job, found), now_s)
        return count

    def _show(self, start_s: int, end_s: int, jobs: Iterable[Job], bins: Ints | None = None) -> None:
        """The state and, where the jobs ask who stands where, their neighbours are those of an interval.

        With `bins` the state of those alone.
        """
        self.timeline.show(start_s, end_s, bins)
        self.placer.links.window = (start_s, end_s)
        if any(map(self._related, jobs)):
            self._beside.show(start_s, end_s)

    def _take(self, found: Placed, start_s: int, end_s: int) -> Booked:
        self.timeline.take(found.stands, start_s, end_s)
        self.placer.links.window = (start_s, end_s)
        self.placer.spend(found.job, found)
        for stand in found.stands:
            self._beside.stay(stand.put.bin, stand.of, start_s, end_s)
        return Booked(found, start_s, end_s)

    def _keep(self, job: Job) -> Kept:
        """Plan one job around all before it."""
        ready_s, says = self._ready(job)
        if ready_s is None:
            return Kept(job, [], job, None, None, says)
        kept = Kept(job, [], job, ready_s)
        if short := self.placer.ledger.short(job):
            kept.says = "; ".join(map(str, short))
            return kept
        first_s = self._first_s(job, ready_s)
        if self._offers.choosy or job.data:
            self._where_best(kept, first_s)
        else:
            self._as_soon_as_possible(kept, first_s)
        self._remember(kept, ready_s)
        if kept.left.tasks and job.deadline_s is not None:
            kept.earliest_end_s = self._late(kept.left, self._first_s(job, ready_s))
        return kept

    def _as_soon_as_possible(self, kept: Kept, first_s: int) -> None:
        """Plan it start by start: of a gang one, of others as many as they need."""
        latest_s = self._offers.latest(kept.job)
        start_s = self._chances.first_s(kept.job, first_s)
        while start_s <= latest_s and start_s < NEVER:
            found = self._try(kept.left, start_s)
            if found.stands:
                self._accept(kept, start_s, found)
                if not kept.left.tasks or is_gang(kept.job):
                    return
            if not (found.stands and self._chances.drawn(kept.job)):  # its members may draw others to them
                start_s = self._next_s(kept.left, start_s)

    def _where_best(self, kept: Kept, first_s: int) -> None:
        """Plan it by offers, until all in vain: members that end make room for others."""
        booked = -1
        while kept.left.tasks and len(kept.booked) > booked:
            booked = len(kept.booked)
            for offers in self._offers.rounds(kept.left, first_s, self._moments(kept.job)):
                self._book(kept, offers)
                if not kept.left.tasks or (kept.booked and is_gang(kept.job)):
                    return
            if kept.booked and not self._offers.choosy:
                first_s = kept.booked[-1].start_s

    def _moments(self, job: Job) -> Sequence[int]:
        """When a job could begin to fit: as something is freed, or somebody starts whom it stands beside."""
        every = self._offers.choosy or self._chances.drawn(job)
        moments = self.timeline.moments if every else self.timeline.releases
        if not self._may_cross(job):
            return moments
        return sorted({*moments, *self.placer.links.moments(self.problem.now_s)})

    def _next_s(self, job: Job, after_s: int) -> int:
        """The next start at which it may fit: as there is more room, or more of a link is left."""
        found = self._chances.next_s(job, after_s)
        if self._may_cross(job):
            found = min([found, *self.placer.links.moments(after_s)])
        return self._chances.first_s(job, found)

    def _may_cross(self, job: Job) -> bool:
        return bool(self.problem.links) and job.minimum > 1 and job.within is None

    def _related(self, job: Job) -> bool:
        return any(self._engine.relations.related[task.of] for task in job.tasks)

    def _ready(self, job: Job) -> tuple[int | None, str]:
        """When those have ended that it waits for; None with who never does."""
        ready_s = max(self.problem.now_s, job.earliest_s or 0)
        for name in job.after:
            end_s = self._end_of(name)
            if end_s is None:
                return None, f"waits for {name}, of which nobody knows when it ends"
            ready_s = max(ready_s, end_s)
        return ready_s, ""

    def _end_of(self, name: str) -> int | None:
        kept = self._kept.get(name)
        if kept is None:
            return waits_for(self.problem, name)
        enough = not kept.left.tasks or (kept.booked and kept.job.minimum > 1)
        last = max((one.end_s for one in kept.booked), default=NEVER)
        return last if enough and last < NEVER else None

    def _book(self, kept: Kept, offers: Iterable[Offer]) -> None:
        """Take the best offers: a gang one of them, others as many as they need."""
        if is_gang(kept.job):
            best = self._best(kept.job, offers)
            if best is not None:
                self._accept(kept, best.start_s, self._try(kept.job, best.start_s, best.where.bins))
            return
        for offer in offers:
            if not kept.left.tasks:
                return
            if self._offers.too_early(kept.job, offer):
                continue
            found = self._try(kept.left, offer.start_s, offer.where.bins)
            if found.stands:
                self._accept(kept, offer.start_s, found)

    def _best(self, job: Job, offers: Iterable[Offer]) -> Offer | None:
        """The offer that is best once it is known on which devices the gang would run."""
        best: tuple[Key, Offer] | None = None
        for offer in offers:
            if best is not None and offer.key >= best[0]:
                break
            found = self._try(job, offer.start_s, offer.where.bins)
            if found.stands:
                key = self._offers.priced(job, offer, found)
                best = (key, offer) if best is None or key < best[0] else best
        return None if best is None else best[1]

    def _try(self, job: Job, start_s: int, where: Bools | None = None) -> Placed:
        """Where the job would stand (None: anywhere); nothing is taken."""
        may = self._chances.bins(job, start_s)
        if where is not None:
            may &= where
        if not may.any():
            return Placed(job, [], job.size, job.tasks[0].of)
        end_s = _end(start_s, job)
        self._show(start_s, end_s, (job,), np.flatnonzero(may))
        self.placer.closed = ~may
        self.placer.look = lambda bins: self.timeline.show(start_s, end_s, bins[~may[bins]])
        mark = self.placer.mark()
        found = self.placer.place(job)
        self.placer.undo(mark)
        self.placer.closed = self.placer.look = None
        return found

    def _accept(self, kept: Kept, start_s: int, found: Placed) -> None:
        if kept.job.data:
            for site in sites_of(self.problem.bins[stand.put.bin] for stand in found.stands):
                self.placer.links.bring(kept.job.data, site)
        kept.booked.append(self._take(found, start_s, _end(start_s, kept.job)))
        kept.left = left_of(kept.left, found)

    def _remember(self, kept: Kept, ready_s: int) -> None:
        """No job like this one can start before it: what is free only shrinks while jobs are planned."""
        shape = self._shape(kept.job, ready_s)
        if shape is not None:
            latest_s = self._offers.latest(kept.job)
            first_s = kept.booked[-1].start_s if kept.booked else min(NEVER, latest_s + 1)
            self._not_before[shape] = max(first_s, self._not_before.get(shape, ready_s))

    def _first_s(self, job: Job, ready_s: int) -> int:
        """When it could start at the earliest, by what became of jobs like it."""
        return max(ready_s, self._not_before.get(self._shape(job, ready_s), ready_s))

    def _shape(self, job: Job, ready_s: int) -> object:
        """Equal for jobs that fit at the same times; None where that depends on more than what is free."""
        if job.data or self._offers.choosy or self._chances.drawn(job):
            return None
        tasks = tuple((task.of, len(task.members)) for task in job.tasks)
        return tasks, job.minimum, job.within, job.duration_s, ready_s

    def _late(self, job: Job, first_s: int) -> int | None:
        """When it would end at the earliest if its deadline did not matter."""
        if job.duration_s is None:
            return None
        for start_s, where in self._later(job, first_s):
            found = self._try(job, start_s, where)
            if not found.missing or (is_gang(job) and found.stands):
                return start_s + job.duration_s
        return None

    def _later(self, job: Job, first_s: int) -> Iterator[tuple[int, Bools | None]]:
        if job.data:
            offers = self._offers.soonest(job, first_s, self._moments(job))
            yield from ((offer.start_s, offer.where.bins) for offer in offers)
            return
        start_s = self._chances.first_s(job, first_s)
        while start_s < NEVER:
            yield start_s, None
            start_s = self._next_s(job, start_s)

    def _unplaced(self, kept: Kept) -> Unplaced:
        bits = self._refusals(kept)
        why = {WORDS[reason]: times for reason, times in counted(bits).items()}
        says = kept.says or self._offers.no_data(kept.job)
        fits = int((bits == 0).sum())
        return Unplaced(kept.job.id, kept.left.size, why, fits, kept.earliest_end_s, says)

    def refusals(self, job: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Why each bin takes no member more of a job that was planned. The state is left as it was asked."""
        return self._refusals(self._kept[job])

    def _refusals(self, kept: Kept) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        if not kept.left.tasks:
            return self._bits(kept.job, kept.booked[0].start_s)
        if kept.ready_s is None or self.placer.ledger.short(kept.left):
            reason = Reason.QUOTA if kept.ready_s is not None else Reason.TIME
            return np.full(len(self.problem.bins), int(reason))
        return self._bits(kept.left, self._judged(kept.left, kept.ready_s))

    def _judged(self, job: Job, ready_s: int) -> int:
        """When it is asked why it has no place: as it is ready if it must end in time, else last of all."""
        releases = self.timeline.releases
        return ready_s if job.deadline_s is not None or not releases else max(ready_s, releases[-1])

    def _bits(self, job: Job, ready_s: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Why each bin refuses a member when it is ready: TIME where it is free then, but not long enough."""
        of = job.tasks[0].of
        end_s = _end(ready_s, job)
        bits = []
        for last_s in (ready_s + 1, end_s):
            self._show(ready_s, last_s, (job,))
            shut = self.timeline.shut(ready_s, last_s) * int(Reason.CLOSED) if self.timeline.closes else 0
            bits.append(self._engine.refusals(of) | shut)
        at_first, all_the_time = bits
        told = np.where(at_first, at_first, (all_the_time != 0) * int(Reason.TIME))
        told = np.where(told == 0, self._offers.without_data(job), told)
        late = ready_s > self._offers.latest(job)
        return np.where(told == 0, int(Reason.DEADLINE), told) if late else told


def _starts_now(job: Job, now_s: int) -> bool:
    late = (
        job.duration_s is not None and job.deadline_s is not None and now_s + job.duration_s > job.deadline_s
    )
    return not (job.after or job.data or late) and (job.earliest_s or 0) <= now_s


def _end(start_s: int, job: Job) -> int:
    return NEVER if job.duration_s is None else start_s + job.duration_s
