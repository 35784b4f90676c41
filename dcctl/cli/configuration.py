"""`dcctl config`: which settings hold, and where each came from."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.command import with_common
from dcctl.cli.groups import default_verb

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def show(
    session: "Session",
    origin: Annotated[bool, typer.Option("--origin", help="Also say where each value came from.")] = False,
) -> "Report":
    """Every setting in force, and the sources of the context that is used."""
    from dcctl.cli.settings_report import settings_report

    return settings_report(session.settings, with_origin=origin)


def check(session: "Session") -> "Report":
    """Read every configuration file and check each context, without contacting anything."""
    from dcctl import config
    from dcctl.cli.settings_report import check_report

    return check_report(session.settings, config.files(session.environ, session.config_file))


def register(app: typer.Typer) -> None:
    """Add `config` to the command tree."""
    group = typer.Typer(
        cls=default_verb("show"), help="Which settings hold, and where each came from.", rich_markup_mode=None
    )
    for verb in (show, check):
        group.command(verb.__name__)(with_common(verb, asks_sources=False))
    app.add_typer(group, name="config")
