"""`dcctl schedule`: where and when work runs, and how far that is from the best possible."""

import typer

from dcctl.cli.command import with_common
from dcctl.cli.groups import Listing
from dcctl.cli.schedule_apply import apply
from dcctl.cli.schedule_render import render


def register(app: typer.Typer) -> None:
    """Add `schedule` and its verbs to the command tree."""
    group = typer.Typer(
        cls=Listing,
        help="Will this work fit, where and when, and how far is that from the best possible?",
        rich_markup_mode=None,
        invoke_without_command=True,
    )

    @group.callback(invoke_without_command=True)
    def bare(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    group.command("apply")(with_common(apply, acts=True))
    group.command("render")(with_common(render, asks_sources=False))
    app.add_typer(group, name="schedule")
