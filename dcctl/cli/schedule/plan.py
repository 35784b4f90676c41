"""`dcctl schedule plan`: where work fits."""

from typing import TYPE_CHECKING, Annotated

import typer

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
    no_cut: Annotated[
        bool, typer.Option("--no-cut", help="Leave boards as they are: cut none, make none whole again.")
    ] = False,
) -> "Report":
    """Which work fits where, and why the rest does not. Changes nothing.

    The work is asked for in files: jobs in dcctl's own form, or Kubernetes manifests as they are. Gangs are
    placed whole or not at all. `-o json` prints the plan file that `dcctl schedule apply` carries out. Where
    more fits once free boards are cut into slices (NVIDIA MIG), or boards whose slices nobody holds are made
    whole again, the plan says which boards to change first.
    Exit code 1 when something does not fit.
    """
    from dcctl.cli.schedule.work import typed, work_of
    from dcctl.packing.cutting import solved_with_cuts
    from dcctl.packing.solve import Options, solved
    from dcctl.schedule.plan_report import PLAN, Planned, plan_report

    work = work_of(session, PLAN, files, pending)
    made = (solved if no_cut else solved_with_cuts)(work.problem, Options(policy, seed))
    return plan_report(Planned(work.problem, made.plan, work.gaps, typed(files, pending)))
