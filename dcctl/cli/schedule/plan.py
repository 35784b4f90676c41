"""`dcctl schedule plan`: where work fits."""

from typing import TYPE_CHECKING

from dcctl.cli.schedule.work import Files, Pending, PolicyOption, Seed

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def plan(
    session: "Session",
    files: Files = None,
    pending: Pending = False,
    policy: PolicyOption = "best-fit",
    seed: Seed = 0,
) -> "Report":
    """Which work fits where, and why the rest does not. Changes nothing.

    The work is asked for in files: jobs in dcctl's own form, or Kubernetes manifests as they are. Gangs are
    placed whole or not at all. `-o json` prints the plan file that `dcctl schedule apply` carries out.
    Exit code 1 when something does not fit.
    """
    from dcctl.cli.schedule.work import typed, work_of
    from dcctl.packing.solve import Options, solve
    from dcctl.schedule.plan_report import PLAN, Planned, plan_report

    work = work_of(session, PLAN, files, pending)
    made = solve(work.problem, Options(policy, seed))
    return plan_report(Planned(work.problem, made, work.gaps, typed(files, pending)))
