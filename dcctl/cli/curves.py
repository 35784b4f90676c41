"""Options that several commands share: what energy costs and emits over time, as files."""

from typing import Annotated

import typer

Price = Annotated[
    str | None,
    typer.Option("--price", metavar="FILE", help="CSV of time, site, value: the price of a MWh over time."),
]
Carbon = Annotated[
    str | None,
    typer.Option("--carbon", metavar="FILE", help="CSV of time, site, value: g of CO2 for a kWh over time."),
]
