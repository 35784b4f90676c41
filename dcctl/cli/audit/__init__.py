"""`dcctl audit`: what is insecure, unhealthy or drifting, and what is new. One module per verb."""

import typer

from dcctl.cli.audit.catalogue import explain, list_
from dcctl.cli.audit.diff import diff
from dcctl.cli.audit.run import run
from dcctl.cli.audit.timer import install_timer
from dcctl.cli.audit.verify import verify
from dcctl.cli.audit.waive import waive
from dcctl.cli.command import with_common
from dcctl.cli.groups import default_verb


def register(app: typer.Typer) -> None:
    """Add `audit` and its verbs to the command tree; alone it means `audit run`."""
    group = typer.Typer(cls=default_verb("run"), help=run.__doc__, rich_markup_mode=None)
    group.command("run")(with_common(run))
    group.command("list")(with_common(list_, asks_sources=False))
    group.command("explain")(with_common(explain, asks_sources=False))
    group.command("diff")(with_common(diff, asks_sources=False))
    group.command("waive")(with_common(waive, asks_sources=False, acts=True))
    group.command("verify")(with_common(verify, asks_sources=False))
    group.command("install-timer")(with_common(install_timer, asks_sources=False, acts=True))
    app.add_typer(group, name="audit")
