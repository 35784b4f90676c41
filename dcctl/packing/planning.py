"""A plan with all that may be decided with it: boards to cut, work to push out, times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.packing.changed import with_cuts
from dcctl.packing.cuts.cutting import solved_with_cuts
from dcctl.packing.fit.labels import shut_at
from dcctl.packing.intake.supply import boards_milli, supply_of
from dcctl.packing.preemption.preempt import Preempted, preempting
from dcctl.packing.solve import solved
from dcctl.packing.timed.backfill import in_time, planned

if TYPE_CHECKING:
    from dcctl.packing.problem import Problem
    from dcctl.packing.solve import Options


def plan_for(problem: Problem, options: Options) -> Preempted:
    """The plan, the problem that it solves, and who is pushed out; what is held before the plan and after it.

    Which boards are cut is decided for what could start at once, before anybody is pushed out.
    """
    found = decided(problem, options)
    before = supply_of(problem)
    cleared = supply_of(with_cuts(problem, found.plan.cuts)).held_milli - supply_of(found.problem).held_milli
    first = (one for one in found.plan.assignments if one.start_s in (None, problem.now_s))
    after = before.held_milli - cleared + boards_milli(found.problem, first)
    return found._replace(plan=replace(found.plan, before=before, held_after_gpu_milli=after))


def decided(problem: Problem, options: Options) -> Preempted:
    """As `plan_for`, but nobody adds up what is held."""
    if not (options.preempt or in_time(problem)):
        made = solved_with_cuts(problem, options) if options.cut else solved(problem, options)
        return Preempted(made.problem, made.plan, (), made)
    at_once = replace(problem, bins=shut_at(problem.bins, problem.now_s))
    cuts = solved_with_cuts(at_once, options._replace(effort="fast")).plan.cuts if options.cut else ()
    changed = with_cuts(problem, cuts) if cuts else problem
    if options.preempt:
        found = preempting(changed, options)
    else:
        found = Preempted(changed, planned(changed, options), ())
    return found._replace(plan=replace(found.plan, cuts=cuts)) if cuts else found
