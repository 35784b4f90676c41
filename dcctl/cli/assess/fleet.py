"""`dcctl assess fleet`: what there is, what it is doing, what is idle and what runs out first."""

from math import isfinite
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

By = Literal["pool", "site", "rack", "node", "model", "workload"]
IdleBelow = Annotated[
    float,
    typer.Option(
        "--idle-below", metavar="PERCENT", min=0, max=100, help="An accelerator at or below this is idle."
    ),
]
IdleAfter = Annotated[
    float,
    typer.Option(
        "--idle-after", metavar="MINUTES", min=0, help="Held for less than this, it is not called idle yet."
    ),
]


def fleet(
    session: "Session",
    by: Annotated[
        By,
        typer.Option("--by", metavar="WHAT", help="One row per pool, site, rack, node, model or workload."),
    ] = "pool",
    job_size: Annotated[
        int,
        typer.Option("--job-size", metavar="N", min=1, help="Accelerators of the job that headroom counts."),
    ] = 8,
    idle_below: IdleBelow = 5.0,
    idle_after: IdleAfter = 60.0,
    whole_map: Annotated[
        bool, typer.Option("--map", help="Draw the heat map of the fleet, however tall.")
    ] = False,
) -> "Report":
    """What there is, what it is doing, what is idle, and what runs out first.

    Counts accelerators, CPUs and memory: what exists, what schedulers may hand out, what is requested, what
    is measured to be in use, what is free. Names accelerators that are held but do nothing, free ones that
    cannot be used because CPU or memory on their node is spent, and the dimension that runs out first.
    """
    from dcctl.assess.fleet.report import Options, report, shape_of

    _demand_finite("--idle-below", idle_below)
    _demand_finite("--idle-after", idle_after)

    options = Options(
        by=by,
        job_size=job_size,
        idle_busy_milli=round(idle_below * 10),
        idle_after_s=round(idle_after * 60),
        whole_map=whole_map,
    )
    found = session.survey(shape_of(options))
    return report(found.fleet, options, session.now_s, found.whole)


def _demand_finite(option: str, value: float) -> None:
    """UsageError for nan and inf, which Click takes for numbers."""
    from dcctl.errors import UsageError

    if not isfinite(value):
        raise UsageError(option, f"must be a number, not {value:g}", "dcctl assess --help")
