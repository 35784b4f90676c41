"""`dcctl schedule explain`: why a job does not fit, and what would cure it."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.schedule.work import Planning

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def explain(
    session: "Session",
    job: Annotated[str, typer.Argument(metavar="JOB", help="A workload of the files, or one that waits.")],
    asked: Planning,
) -> "Report":
    """Why a workload fits or does not, node by node, and the smallest change that would let it fit.

    The answer is that of `dcctl schedule plan` with the same options. Every node is counted once, under the
    first reason that rules it out. Without FILE, JOB is one of those that wait in the fleet; with --preempt
    it can also be one that is pushed out. A cure is listed only if a plan made anew with it has a place for
    every member.
    """
    from dcctl.cli.schedule.work import job_named
    from dcctl.interrupts import awaited
    from dcctl.packing.planning import decided
    from dcctl.packing.questions.cures import cures
    from dcctl.packing.questions.why import verdict
    from dcctl.schedule.explain_report import EXPLAIN, explain_report

    _check_order(job, asked.files or [])
    options = asked.options()
    work = asked.work(session, EXPLAIN, pending=not asked.files)
    made = awaited(lambda: decided(work.problem, options))
    found = verdict(made, job_named(made.problem, job), options)
    helps = awaited(lambda: cures(work.problem, found.job, options)) if found.missing else ()
    return explain_report(found, helps, asked.typed(), work.gaps)


def _check_order(job: str, files: list[str]) -> None:
    """UsageError when the file stands where the job is asked for."""
    from pathlib import Path
    from shlex import quote

    from dcctl.errors import UsageError

    missing = [name for name in files if name != "-" and not Path(name).exists()]
    if missing and Path(job).is_file():
        command = f"dcctl schedule explain {quote(missing[0])} {quote(job)}"
        raise UsageError(f"job {job}", "is a file; the workload comes first", command)
