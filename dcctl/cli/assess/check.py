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

    Exit code 1 when a figure is off by more than 1 % and its rounding, or the predictions miss their bars:
    median error at most 7 %, worst at most 15 %, and 85 % inside of the 90 % intervals, also of
    independent runs, which nobody had seen when the formulas were made.
    """
    from dcctl.assess.check.arithmetic import Shelf, compared
    from dcctl.assess.check.cases import Case
    from dcctl.assess.check.measured import Group, measured
    from dcctl.assess.check.predicted import known, predicted
    from dcctl.assess.check.report import check_report
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.lookup import Model
    from dcctl.inventory.sources.catalogue import rows

    shelf = Shelf(rows("models", Model), rows("gpus", Gpu))
    found = predicted(known(measured(rows("runs", Group), shelf.gpus, shelf.models)))
    return check_report(compared(rows("cases", Case), shelf), found, shelf, each_run=runs)
