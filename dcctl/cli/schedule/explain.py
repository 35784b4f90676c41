"""`dcctl schedule explain`: why a job does not fit, and what would cure it."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.schedule.when import Carbon, Links, Price, Wait, Windows
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
    windows: Windows = None,
    price: Price = None,
    carbon: Carbon = None,
    links: Links = None,
    wait_at_most: Wait = None,
) -> "Report":
    """Why a workload fits or does not, node by node, and the smallest change that would let it fit.

    The answer is that of `dcctl schedule plan` with the same options. Every node is counted once, under the
    first reason that rules it out. Without FILE, JOB is one of those that wait in the fleet. A cure is listed
    only if a plan made anew with it has a place for every member.
    """
    from dcctl.cli.schedule.when import conditions, seconds, under
    from dcctl.cli.schedule.work import job_named, typed, work_of
    from dcctl.packing.questions.cures import cures
    from dcctl.packing.questions.why import verdict
    from dcctl.packing.solve import Options
    from dcctl.schedule.explain_report import EXPLAIN, explain_report

    options, told = Options(policy, seed, wait_s=seconds(wait_at_most)), conditions(price, carbon, links)
    work = work_of(session, EXPLAIN, files, pending or not files)
    problem = under(work.problem, told, windows, work.found.whole)
    found = verdict(problem, job_named(problem, job), options)
    helps = cures(problem, found.job, options) if found.missing else ()
    words = typed(files, pending, windows, price, carbon, links, wait_at_most)
    return explain_report(found, helps, words.work, words.when, work.gaps)
