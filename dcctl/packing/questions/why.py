"""What a plan says of one job, node by node.

The state that the plan ends in is asked; where it was not kept (in time), that of the same plan made anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.packing.problem import BASIC
from dcctl.packing.reasons import Reason
from dcctl.packing.solve import solved
from dcctl.packing.timed.backfill import Book, in_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.packing.greedy.place import Placer
    from dcctl.packing.plan import Assignment, Cut, Unplaced
    from dcctl.packing.preemption.preempt import Preempted, Victims
    from dcctl.packing.problem import Job, Problem
    from dcctl.packing.solve import Options


class Verdict(NamedTuple):
    """What a plan says of one job."""

    problem: Problem
    """With the boards as the plan cuts them, and those it pushes out among the jobs."""
    job: Job
    stands: tuple[Assignment, ...]
    unplaced: Unplaced | None
    """None: every member has a place."""
    bits: tuple[int, ...]
    """By bin: why it takes no member more; while the job runs, or when it is judged why it cannot."""
    short: tuple[tuple[str, ...], ...]
    """By bin: the named resources of which too little is left."""
    cuts: tuple[Cut, ...] = ()
    """Boards that the plan cuts first."""
    victims: tuple[Victims, ...] = ()
    """Who is pushed out in the plan."""

    @property
    def missing(self) -> int:
        """Members without a place."""
        return 0 if self.unplaced is None else self.unplaced.members


def verdict(made: Preempted, job: Job, options: Options) -> Verdict:
    """What a plan, made by `decided` with these options, says of one of the jobs of its problem."""
    stands = tuple(one for one in made.plan.assignments if one.job == job.id)
    unplaced = next((one for one in made.plan.unplaced if one.job == job.id), None)
    placer, of, bits = _judged(made, job, options)
    if unplaced is not None and not unplaced.says:
        unplaced = replace(unplaced, says=placer.apart(job))
    short = _short(placer, of, bits)
    return Verdict(made.problem, job, stands, unplaced, tuple(bits), short, made.plan.cuts, made.victims)


def _judged(made: Preempted, job: Job, options: Options) -> tuple[Placer, int, Sequence[int]]:
    """The placer in the state in which the job is judged, for which class, and what each bin says."""
    problem = made.problem
    if in_time(problem):
        book = Book(problem, options)
        book.plan()
        return book.placer, job.tasks[0].of, book.refusals(job.id).tolist()
    solution = made.solution or solved(problem, options)
    found = next(one for one in solution.placed if one.job.id == job.id)
    of = job.tasks[0].of if found.refused_for is None else found.refused_for
    if found.quota:
        return solution.placer, of, [int(Reason.QUOTA)] * len(problem.bins)
    return solution.placer, of, solution.placer.engine.refusals(of).tolist()


def _short(placer: Placer, of: int, bits: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    items, free = placer.engine.items, placer.engine.state.free
    wants = [(at, amount) for at, amount in items.wanted[of].wants if at >= len(BASIC)]
    names = items.space.dimensions
    return tuple(
        tuple(names[at] for at, amount in wants if free[row, at] < amount) if each & Reason.RESOURCE else ()
        for row, each in enumerate(bits)
    )
