"""`dcctl assess cost`: the cheapest nodes that do all of the work."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

Spec = Annotated[
    str, typer.Argument(metavar="SPEC", help="A file of `kind: Cost`; - is standard input. dcctl schema cost")
]
Limit = Annotated[
    float,
    typer.Option(
        "--limit", metavar="SECONDS", min=0.1, max=86400, help="How long a cheaper mix is looked for."
    ),
]


def cost(session: "Session", spec: Spec, limit: Limit = 60.0) -> "Report":
    """The cheapest mix of node types and sites that does all of the work, with proof.

    Weighs purchase, energy and upkeep over throughput, accelerators and their memory, stock, power of racks
    and sites, network, storage, renewable energy and carbon. Tells how much cheaper another mix could be at
    most, and what one unit more of each limit is worth; where there is no mix, which conditions cannot hold
    together. Exit code 1 when there is none, 3 when --limit ended the search before the proof.
    """
    from dcctl.assess.cost.answer import answer
    from dcctl.assess.cost.fit import Catalogue
    from dcctl.assess.cost.report import COST, cost_report
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.lookup import Model
    from dcctl.interrupts import awaited
    from dcctl.inventory.sources.catalogue import rows
    from dcctl.inventory.sources.market.source import read
    from dcctl.render.dispatch import check_shape

    check_shape(COST, session.style())
    asked = read(spec)
    known = Catalogue(rows("gpus", Gpu), rows("models", Model))
    return cost_report(awaited(lambda: answer(asked, known, limit)))
