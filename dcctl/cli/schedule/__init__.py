"""`dcctl schedule`: will this work fit, where, when, why not. One module per verb."""

from typing import TYPE_CHECKING

import typer

from dcctl.cli.command import with_common
from dcctl.cli.groups import Listing
from dcctl.cli.schedule.apply import apply
from dcctl.cli.schedule.dag import dag
from dcctl.cli.schedule.defrag import defrag
from dcctl.cli.schedule.explain import explain
from dcctl.cli.schedule.plan import plan
from dcctl.cli.schedule.render import render
from dcctl.cli.schedule.share import share
from dcctl.cli.schedule.status import status
from dcctl.cli.schedule.whatif import whatif

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.render.report import Report

_DECIDE: "tuple[Callable[..., Report], ...]" = (plan, explain, whatif, defrag, status, share, dag)


def register(app: typer.Typer) -> None:
    """Add `schedule` and its verbs to the command tree."""
    group = typer.Typer(
        cls=Listing,
        help="Will this work fit, where, when, why not, and how far from the best possible is the plan?",
        rich_markup_mode=None,
        invoke_without_command=True,
    )

    @group.callback(invoke_without_command=True)
    def bare(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    for verb in _DECIDE:
        group.command(verb.__name__)(with_common(verb))
    group.command("apply")(with_common(apply, acts=True))
    group.command("render")(with_common(render, asks_sources=False))
    app.add_typer(group, name="schedule")
