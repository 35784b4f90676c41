"""`dcctl assess check`: how right the estimates are."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

Runs = Annotated[bool, typer.Option("--runs", help="Also a row for every measured run, not one per table.")]


def check(session: "Session", runs: Runs = False) -> "Report":
    """How near the estimates of `dcctl assess demand` come to what was published. Asks nothing but itself.

    Published figures are computed again from what they are said to follow from. Published training runs are
    predicted without their throughput: the coefficients are fitted on the other runs, in this very moment.

    Peaks of memory that were published are held against ours.

    Exit code 1 when a figure is off by more than 1 % and its rounding (a few say why they have a wider bar),
    or the predictions miss their bars: median error at most 7 %, worst at most 15 %, and 85 % inside of the
    90 % intervals, also of runs of independent projects, and of peaks of memory; or when a run that happened
    would be refused though all that matters is told of it.
    """
    from dcctl.assess.check.arithmetic import Shelf, compared
    from dcctl.assess.check.cases import Case
    from dcctl.assess.check.measured import Group, measured
    from dcctl.assess.check.peaks import peaks, refused
    from dcctl.assess.check.predicted import known, predicted
    from dcctl.assess.check.report import Found, check_report
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.lookup import Model
    from dcctl.inventory.sources.catalogue import rows

    shelf = Shelf(rows("models", Model), rows("gpus", Gpu))
    ran = measured(rows("runs", Group), shelf.gpus, shelf.models)
    found = Found(
        compared(rows("cases", Case), shelf),
        predicted(known(ran)),
        peaks(ran),
        [run for run, _ in refused(ran)],
    )
    return check_report(found, shelf, each_run=runs)
