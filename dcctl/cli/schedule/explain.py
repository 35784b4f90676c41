"""`dcctl schedule explain`: why a job does not fit, and what would cure it."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.schedule.work import Files, Pending, PolicyOption, Seed

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def explain(
    session: "Session",
    job: Annotated[str, typer.Argument(metavar="JOB", help="A workload of the files, or one that waits.")],
    files: Files = None,
    pending: Pending = False,
    policy: PolicyOption = "use-value",
    seed: Seed = 0,
) -> "Report":
    """Why a workload fits or does not, node by node, and the smallest change that would let it fit.

    Every node is counted once, under the first reason that rules it out. Without FILE, JOB is one of those
    that wait in the fleet. A cure is listed only if a plan made anew with it has a place for every member.
    """
    from dcctl.cli.schedule.work import job_named, typed, work_of
    from dcctl.packing.questions.cures import cures
    from dcctl.packing.solve import Options, solved
    from dcctl.schedule.explain_report import EXPLAIN, explain_report

    work = work_of(session, EXPLAIN, files, pending or not files)
    asked, options = job_named(work.problem, job), Options(policy, seed)
    solution = solved(work.problem, options)
    found = next(one for one in solution.placed if one.job.id == asked.id)
    helps = cures(work.problem, asked, options) if found.missing else ()
    return explain_report(solution, found, helps, typed(files, pending), work.gaps)
