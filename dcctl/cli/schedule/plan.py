"""`dcctl schedule plan`: where work fits, and when."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.schedule.work import Planning

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

Chart = Annotated[bool, typer.Option("--gantt", help="Also draw when each workload runs.")]


def plan(session: "Session", asked: Planning, gantt: Chart = False) -> "Report":
    """Which work fits where and when, and why the rest does not. Changes nothing.

    The work is asked for in files: jobs in dcctl's own form, or Kubernetes manifests as they are. Gangs are
    placed whole or not at all. If work has a duration, an earliest start, a deadline, data or others to wait
    for, or nodes are closed for a while, it is planned in time: each job in turn at the best start that is
    left to it, so that none is delayed by one that comes after it. Where more fits once free boards are cut
    into slices (NVIDIA MIG), or boards whose slices nobody holds are made whole again, the plan says which
    boards to change first. `-o json` prints the plan file that `dcctl schedule apply` carries out.

    Exit code 1 when something does not fit.
    """
    from dcctl.packing.planning import plan_for
    from dcctl.schedule.plan_report import PLAN, Planned, plan_report

    options = asked.options()
    work = asked.work(session, PLAN)
    found = plan_for(work.problem, options)
    return plan_report(
        Planned(
            found.problem,
            found.plan,
            work.gaps,
            asked.typed(),
            found.victims,
            waited=options.wait_s > 0,
            gantt=gantt,
            searched=options.effort != "fast",
        )
    )
