"""`dcctl schedule plan`: where work fits, and when."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.schedule.work import Planning

if TYPE_CHECKING:
    from dcctl.cli.schedule.work import Work
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

Racks = Annotated[bool, typer.Option("--tree", help="Also show what stands in which rack, as a tree.")]
Chart = Annotated[bool, typer.Option("--gantt", help="Also draw when each workload runs.")]


def plan(session: "Session", asked: Planning, tree: Racks = False, gantt: Chart = False) -> "Report":
    """Which work fits where and when, and why the rest does not. Changes nothing.

    The work is asked for in files: jobs in dcctl's own form, or Kubernetes manifests as they are. Gangs are
    placed whole or not at all. If work has a duration, an earliest start, a deadline, data or others to wait
    for, or nodes are closed for a while, it is planned in time: each job in turn at the best start that is
    left to it, so that none is delayed by one that comes after it. Where more fits once free boards are cut
    into slices (NVIDIA MIG), or boards whose slices nobody holds are made whole again, the plan says which
    boards to change first. `-o json` prints the plan file that `dcctl schedule apply` carries out.

    Exit code 1 when something does not fit.
    """
    from dcctl.interrupts import awaited
    from dcctl.packing.planning import plan_for
    from dcctl.schedule.plan_report import PLAN, Planned, passed_over, plan_report

    options = asked.options()
    work = asked.work(session, PLAN)
    _check_work(work)
    _tell_of_pictures(session, tree, gantt)
    found = awaited(lambda: plan_for(work.problem, options))
    return plan_report(
        Planned(
            found.problem,
            found.plan,
            work.gaps,
            asked.typed(),
            found.victims,
            waited=options.wait_s > 0,
            tree=tree,
            gantt=gantt,
            searched=options.effort != "fast",
            passed=passed_over(work.asked),
        )
    )


def _tell_of_pictures(session: "Session", tree: bool, gantt: bool) -> None:
    """Say so where the format has none."""
    from dcctl.render.dispatch import draws
    from dcctl.streams import tell_aside

    if (tree or gantt) and session.first and not (session.settings.quiet or draws(session.style())):
        what = ("--gantt", "chart") if gantt else ("--tree", "tree")
        tell_aside(f"dcctl: {what[0]}: rows alone have no {what[1]}. Try: on a terminal, or -o html\n")


def _check_work(work: "Work") -> None:
    """UsageError where there are only models, which share what there is."""
    from shlex import join

    from dcctl.errors import UsageError
    from dcctl.schedule.commands import files

    asked = work.asked
    if asked.elastic and not (work.problem.jobs or asked.workloads or asked.gaps):
        why = "`models:` alone has no jobs to place; what each model gets of what there is, `share` tells"
        raise UsageError(", ".join(work.files), why, f"dcctl schedule share {join(files(work.files))}")
