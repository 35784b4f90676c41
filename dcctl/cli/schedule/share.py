"""`dcctl schedule share`: what each model gets when all of them want more than there is."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.inventory.asked import Asked
    from dcctl.inventory.model import Gap
    from dcctl.packing.sharing.shares import Claim
    from dcctl.render.report import Report
    from dcctl.schedule.shares import Available

Objective = Literal["fair", "train-x-infer", "max-min"]


def share(
    session: "Session",
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Models and jobs that are asked for; - is standard input."),
    ],
    objective: Annotated[
        Objective, typer.Option("--objective", metavar="WHAT", help="fair, train-x-infer or max-min.")
    ] = "fair",
) -> "Report":
    """What each model gets of what it wants, when all of them want more than there is.

    fair: dominant resource fairness, with weights, minimums and quotas. train-x-infer: the largest sum over
    models of weight x training x inference satisfied, with a proved bound. max-min: the smallest satisfied
    fraction, divided by the weight of its model, is as large as can be. What there is stands in the file
    (`supply:`); otherwise it is what is free on the nodes of the inventory. Exit code 1 when something does
    not fit whole.
    """
    from dcctl.inventory.sources.jobs.source import read
    from dcctl.packing.sharing.shares import fair
    from dcctl.render.dispatch import check_shape
    from dcctl.schedule.shares import SOLVERS, claims_of, prices_of
    from dcctl.schedule.shares_report import SHARES, Answer, shares_report

    check_shape(SHARES, session.style())
    _check_stdin(session, files)
    asked = read(files)
    claims = claims_of(asked)
    _demand_claims(claims, files)
    there, gaps = _available(session, asked, claims)
    prices = prices_of(asked.supply.rates) if asked.supply else {}
    found = SOLVERS[objective](claims, there.supply)
    return shares_report(
        Answer(asked, claims, there, objective, found, fair(claims, there.supply), prices), gaps
    )


def _available(
    session: "Session", asked: "Asked", claims: "tuple[Claim, ...]"
) -> "tuple[Available, tuple[Gap, ...]]":
    """What there is: as the file says, or else what is free in the inventory."""
    from dcctl.schedule.shares import free, told
    from dcctl.schedule.shares_report import SHARES

    there = told(asked, claims)
    if there is not None:
        return there, ()
    found = session.survey(SHARES)
    return free(found.whole, found.fleet.nodes, claims), found.fleet.gaps


def _demand_claims(claims: "tuple[Claim, ...]", files: list[str]) -> None:
    from dcctl.errors import UsageError

    if not claims:
        raise UsageError(
            ", ".join(files), "nothing there wants an amount: no `models:` and no jobs", "dcctl schema jobs"
        )


def _check_stdin(session: "Session", files: list[str]) -> None:
    """UsageError when standard input would have to be read twice."""
    from dcctl.errors import UsageError

    if "-" in files and ("-" in session.settings.inventory or session.watch_s is not None):
        raise UsageError("standard input", "can be read once only", "dcctl schedule share --help")
