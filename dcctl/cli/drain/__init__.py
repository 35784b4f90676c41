"""`dcctl drain`: nodes come out of service without breaking a training run."""

import typer

from dcctl.cli.command import with_common
from dcctl.cli.drain.compat import Compatible
from dcctl.cli.drain.run import drain


def register(app: typer.Typer) -> None:
    """Add `drain` to the command tree: one command, whose other uses are options."""
    app.command("drain", cls=Compatible)(with_common(drain, acts=True))
