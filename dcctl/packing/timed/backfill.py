"""Plans in time: conservative backfill. Each job in turn gets the best start that is left to it.

A job takes what is free around everything that runs and everything that was planned before it, for its whole
duration: so no job is ever delayed by one that comes after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import Struct

from dcctl.packing.greedy.place import Placed, Placer, left_of
from dcctl.packing.plan import Unplaced
from dcctl.packing.reasons import WORDS, Reason
from dcctl.packing.solve import Options, assigned, engine_of, plan_of, solve, taken_milli
from dcctl.packing.timed.beside import TimedRelations
from dcctl.packing.timed.offers import Offer, Offers
from dcctl.packing.timed.timeline import NEVER, Timeline, ends_of
from dcctl.packing.timed.turns import in_turn, waits_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.packing.plan import Assignment, Plan
    from dcctl.packing.problem import Job, Problem
    from dcctl.packing.timed.offers import Key


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
        engine = engine_of(problem, options.policy)
        self._beside = TimedRelations(engine.items.labels, [one.template for one in problem.classes])
        engine.relations = self._beside
        self.placer = Placer(engine, problem.bins, problem.quotas, problem.links)
        self._engine = engine
        self.timeline = Timeline(problem, engine.state)
        self._offers = Offers(problem, options, engine.items)
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
        assignments = (one for each in kept for one in self._assigned(each))
        unplaced = [self._unplaced(each) for each in kept if each.left.tasks]
        taken = taken_milli(self.problem, (one.found for each in kept for one in each.booked))
        return plan_of(self.problem, assignments, unplaced, taken, self.options)

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

    def _show(self, start_s: int, end_s: int, jobs: Iterable[Job]) -> None:
        """The state and, where the jobs ask who stands where, their neighbours are those of an interval."""
        self.timeline.show(start_s, end_s)
        if any(map(self._related, jobs)):
            self._beside.show(start_s, end_s)

    def _take(self, found: Placed, start_s: int, end_s: int) -> Booked:
        self.timeline.take(found.stands, start_s, end_s)
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
        first_s = max(ready_s, self._not_before.get(self._shape(job, ready_s), ready_s))
        while self._more(kept, first_s):
            if not self._offers.choosy:
                first_s = kept.booked[-1].start_s
        self._remember(kept, ready_s)
        if kept.left.tasks and job.deadline_s is not None:
            kept.earliest_end_s = self._late(kept.left, ready_s)
        return kept

    def _more(self, kept: Kept, first_s: int) -> bool:
        """Plan what is left of it, and return whether to go on: members that end make room for others."""
        before = len(kept.booked)
        for offers in self._offers.rounds(kept.left, first_s, self._moments(kept.job)):
            self._book(kept, offers)
            if not kept.left.tasks or (kept.booked and _is_gang(kept.job)):
                return False
        return len(kept.booked) > before

    def _moments(self, job: Job) -> Sequence[int]:
        """When a job could begin to fit: as something is freed, or somebody starts whom it stands beside."""
        every = self._offers.choosy or self._related(job)
        return self.timeline.moments() if every else self.timeline.releases

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
        if _is_gang(kept.job):
            best = self._best(kept.job, offers)
            if best is not None:
                self._accept(kept, best, self._try(kept.job, best))
            return
        for offer in offers:
            if not kept.left.tasks:
                return
            found = self._try(kept.left, offer)
            if found.stands:
                self._accept(kept, offer, found)

    def _best(self, job: Job, offers: Iterable[Offer]) -> Offer | None:
        """The offer that is best once it is known on which devices the gang would run."""
        best: tuple[Key, Offer] | None = None
        for offer in offers:
            if best is not None and offer.key >= best[0]:
                break
            found = self._try(job, offer)
            if found.stands:
                key = self._offers.priced(job, offer, found)
                best = (key, offer) if best is None or key < best[0] else best
        return None if best is None else best[1]

    def _try(self, job: Job, offer: Offer) -> Placed:
        """Where the job would stand; nothing is taken."""
        end_s = _end(offer.start_s, job)
        self._show(offer.start_s, end_s, (job,))
        shut = self.timeline.shut(offer.start_s, end_s)
        outside = None if offer.where.bins is None else ~offer.where.bins
        self.placer.closed = shut if outside is None else outside if shut is None else shut | outside
        mark = self.placer.mark()
        found = self.placer.place(job)
        self.placer.undo(mark)
        self.placer.closed = None
        return found

    def _accept(self, kept: Kept, offer: Offer, found: Placed) -> None:
        kept.booked.append(self._take(found, offer.start_s, _end(offer.start_s, kept.job)))
        kept.left = left_of(kept.left, found)

    def _remember(self, kept: Kept, ready_s: int) -> None:
        """No job like this one can start before it: what is free only shrinks while jobs are planned."""
        shape = self._shape(kept.job, ready_s)
        if shape is not None:
            latest_s = self._offers.latest(kept.job)
            first_s = kept.booked[-1].start_s if kept.booked else min(NEVER, latest_s + 1)
            self._not_before[shape] = max(first_s, self._not_before.get(shape, ready_s))

    def _shape(self, job: Job, ready_s: int) -> object:
        """Equal for jobs that fit at the same times; None where that depends on more than what is free."""
        if job.data or self._offers.choosy or self._related(job):
            return None
        tasks = tuple((task.of, len(task.members)) for task in job.tasks)
        return tasks, job.minimum, job.within, job.duration_s, ready_s

    def _late(self, job: Job, ready_s: int) -> int | None:
        """When it would end at the earliest if its deadline did not matter."""
        if job.duration_s is None:
            return None
        for offer in self._offers.soonest(job, ready_s, self._moments(job)):
            found = self._try(job, offer)
            if not found.missing or (_is_gang(job) and found.stands):
                return offer.start_s + job.duration_s
        return None

    def _unplaced(self, kept: Kept) -> Unplaced:
        missing, count = kept.left.size, len(self.problem.bins)
        if kept.ready_s is None or self.placer.ledger.short(kept.left):
            reason = Reason.QUOTA if kept.ready_s is not None else Reason.TIME
            return Unplaced(kept.job.id, missing, {WORDS[reason]: count}, 0, None, kept.says)
        bits = self._bits(kept.left, self._judged(kept.left, kept.ready_s))
        lowest, counts = np.unique(bits & -bits, return_counts=True)
        told = {Reason(int(bit)): int(times) for bit, times in zip(lowest, counts, strict=True)}
        why = {WORDS[reason]: times for reason, times in told.items() if reason}
        says = kept.says or self._offers.no_data(kept.job)
        fits = told.get(Reason(0), 0)
        return Unplaced(kept.job.id, missing, why, fits, kept.earliest_end_s, says)

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
            shut = self.timeline.shut(ready_s, last_s)
            closed = 0 if shut is None else shut * int(Reason.CLOSED)
            bits.append(self._engine.refusals(of) | closed)
        at_first, all_the_time = bits
        told = np.where(at_first, at_first, (all_the_time != 0) * int(Reason.TIME))
        return np.where(told == 0, self._offers.without_data(job), told)


def _is_gang(job: Job) -> bool:
    return job.minimum > 1 or job.within is not None


def _starts_now(job: Job, now_s: int) -> bool:
    late = (
        job.duration_s is not None and job.deadline_s is not None and now_s + job.duration_s > job.deadline_s
    )
    return not (job.after or job.data or late) and (job.earliest_s or 0) <= now_s


def _end(start_s: int, job: Job) -> int:
    return NEVER if job.duration_s is None else start_s + job.duration_s
