"""`dcctl assess`: what there is, what models need, what was done, what it costs. One module per verb."""

import typer

from dcctl.cli.assess.check import check
from dcctl.cli.assess.cost import cost
from dcctl.cli.assess.demand import demand
from dcctl.cli.assess.energy import energy
from dcctl.cli.assess.fleet import fleet
from dcctl.cli.assess.history import history
from dcctl.cli.command import with_common
from dcctl.cli.groups import default_verb


def register(app: typer.Typer) -> None:
    """Add `assess` and its verbs to the command tree; alone it means `assess fleet`."""
    group = typer.Typer(cls=default_verb("fleet"), help=fleet.__doc__, rich_markup_mode=None)
    group.command("fleet")(with_common(fleet))
    group.command("history")(with_common(history))
    group.command("energy")(with_common(energy))
    group.command("demand")(with_common(demand))
    group.command("check")(with_common(check, asks_sources=False))
    group.command("cost")(with_common(cost, asks_sources=False))
    app.add_typer(group, name="assess")
