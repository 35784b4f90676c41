"""Options that mean the same on every command, declared once and added to each by `with_common`."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NamedTuple, ParamSpec

import typer

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

P = ParamSpec("P")

_WHAT = "What to look at"
_SHOW = "How the answer is shown"
_RUN = "How it runs"

Inventory = Annotated[
    list[str] | None,
    typer.Option(
        "--inventory",
        "-i",
        metavar="WHAT",
        rich_help_panel=_WHAT,
        help="live (default: what the configuration names, else this machine), demo, kubernetes[:CONTEXT], "
        "a file (snapshot, Ansible, Terraform), or - for stdin. Repeat to merge.",
    ),
]
Nodes = Annotated[
    str | None,
    typer.Option(
        "--nodes",
        "-w",
        metavar="NODESET",
        rich_help_panel=_WHAT,
        help="Only these: gpu[001-128]&@rack7!gpu009.",
    ),
]
Exclude = Annotated[
    str | None,
    typer.Option("--exclude", "-x", metavar="NODESET", rich_help_panel=_WHAT, help="All but these."),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT[=FILE]",
        rich_help_panel=_SHOW,
        help="table, wide, json, jsonl, yaml, csv, name, prom or html; with =FILE written there in one step.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option("--columns", metavar="A,B", rich_help_panel=_SHOW, help="These columns, in this order."),
]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort", metavar="COLUMN", rich_help_panel=_SHOW, help="Sort rows; -COLUMN for descending."
    ),
]
Color = Annotated[
    str | None,
    typer.Option("--color", metavar="WHEN", rich_help_panel=_SHOW, help="auto, always or never."),
]
Quiet = Annotated[
    bool | None,
    typer.Option("--quiet", "-q", rich_help_panel=_SHOW, help="Print nothing at all on success."),
]
Watch = Annotated[
    float | None,
    typer.Option("--watch", metavar="SECONDS", rich_help_panel=_RUN, help="Repeat until Ctrl-C."),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="LEVEL",
        rich_help_panel=_RUN,
        help="Exit 1 from: info, warn, crit (default) or never.",
    ),
]
Fanout = Annotated[
    int | None,
    typer.Option("--fanout", "-f", metavar="N", rich_help_panel=_RUN, help="How many nodes at once."),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        rich_help_panel=_RUN,
        help="Deadline of one source, or of one node over SSH.",
    ),
]
ContextName = Annotated[
    str | None,
    typer.Option(
        "--context", metavar="NAME", rich_help_panel=_RUN, help="Which context of the configuration."
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", rich_help_panel=_RUN, help="Read this configuration alone."),
]


class Common(NamedTuple):
    """The common options as they were typed; None where one was not given."""

    inventory: Inventory = None
    nodes: Nodes = None
    exclude: Exclude = None
    output: Output = None
    columns: Columns = None
    sort: Sort = None
    color: Color = None
    quiet: Quiet = None
    watch: Watch = None
    fail_on: FailOn = None
    fanout: Fanout = None
    timeout: Timeout = None
    context: ContextName = None
    config: ConfigFile = None


class Answer(NamedTuple):
    """What a command hands to main: the report, and the session that says how to show it."""

    session: "Session"
    report: "Report"


ANSWER_ONLY = ("output", "columns", "sort", "color", "quiet", "context", "config")
"""The common options of a command that asks no source."""


def with_common(command: "Callable[P, Report]", only: tuple[str, ...] = ()) -> Callable[..., Answer]:
    """A command that also takes the common options, or `only` some of them.

    `command` takes a Session first and returns a Report; what comes back takes the fields of Common as
    options and returns an Answer.
    """
    own = list(inspect.signature(command).parameters.values())[1:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in Common.__annotations__.items()
        if not only or name in only
    ]
    names = {parameter.name for parameter in shared}

    def run(**given: object) -> Answer:
        from dcctl.cli.session import Session
        from dcctl.errors import DcctlError

        common = Common(**{name: given.pop(name) for name in names})  # type: ignore[arg-type]
        session = None
        try:
            session = Session.open(common)
            return Answer(session, command(session, **given))  # type: ignore[arg-type]
        except DcctlError as error:
            from dcctl.cli.again import complete

            complete(error, common.config, session)
            raise

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + shared
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    run.__doc__, run.__name__ = command.__doc__, command.__name__
    return run
