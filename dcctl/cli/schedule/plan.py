"""`dcctl schedule plan`: where work fits, and when."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.schedule.when import Carbon, Links, Price, Wait, Windows
from dcctl.cli.schedule.work import EffortOption, Files, Pending, PolicyOption, Seed
from dcctl.packing.choices import DEFAULT_POLICY

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.inventory.model import Gap
    from dcctl.packing.problem import Problem
    from dcctl.packing.solve import Options
    from dcctl.render.report import Report

Preempt = Annotated[
    bool,
    typer.Option("--preempt", help="Urgent work may push out running work of lower priority."),
]
NoCut = Annotated[
    bool, typer.Option("--no-cut", help="Leave boards as they are: cut none, make none whole again.")
]
Chart = Annotated[bool, typer.Option("--gantt", help="Also draw when each workload runs.")]


def plan(
    session: "Session",
    files: Files = None,
    pending: Pending = False,
    policy: PolicyOption = DEFAULT_POLICY,
    effort: EffortOption = "fast",
    seed: Seed = 0,
    windows: Windows = None,
    price: Price = None,
    carbon: Carbon = None,
    links: Links = None,
    wait_at_most: Wait = None,
    preempt: Preempt = False,
    no_cut: NoCut = False,
    gantt: Chart = False,
) -> "Report":
    """Which work fits where and when, and why the rest does not. Changes nothing.

    The work is asked for in files: jobs in dcctl's own form, or Kubernetes manifests as they are. Gangs are
    placed whole or not at all. If work has a duration, an earliest start, a deadline, data or others to wait
    for, or nodes are closed for a while, it is planned in time: each job in turn at the best start that is
    left to it, so that none is delayed by one that comes after it. Where more fits once free boards are cut
    into slices (NVIDIA MIG), or boards whose slices nobody holds are made whole again, the plan says which
    boards to change first. `-o json` prints the plan file that `dcctl schedule apply` carries out.

    Exit code 1 when something does not fit.
    """
    from dcctl.cli.schedule.when import conditions, seconds, under
    from dcctl.cli.schedule.work import typed, work_of
    from dcctl.packing.solve import Options
    from dcctl.schedule.plan_report import PLAN

    options, told = Options(policy, seed, effort, seconds(wait_at_most)), conditions(price, carbon, links)
    work = work_of(session, PLAN, files, pending)
    problem = under(work.problem, told, windows, work.found.whole)
    words = typed(files, pending, windows, price, carbon, links, wait_at_most)
    return _report(problem, options, work.gaps, words.all, cut=not no_cut, preempt=preempt, gantt=gantt)


def _report(
    problem: "Problem",
    options: "Options",
    gaps: "tuple[Gap, ...]",
    words: str,
    *,
    cut: bool,
    preempt: bool,
    gantt: bool,
) -> "Report":
    """The plan of a problem. `words`: what was asked, as on the command line."""
    from dcctl.packing.planning import plan_for
    from dcctl.schedule.plan_report import Planned, plan_report

    found = plan_for(problem, options, cut=cut, preempt=preempt)
    return plan_report(
        Planned(
            found.problem,
            found.plan,
            gaps,
            words,
            found.victims,
            waited=options.wait_s > 0,
            gantt=gantt,
            searched=options.effort != "fast",
        )
    )
