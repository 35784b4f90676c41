"""The command tree, and the loop that runs a command, renders its report and picks the exit code."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import typer

from dcctl.cli.command import Answer
from dcctl.cli.exits import Exit, of_report
from dcctl.cli.groups import Listing
from dcctl.errors import UsageError
from dcctl.streams import tell_aside

if TYPE_CHECKING:
    from typing import TextIO

    from typer.core import TyperGroup

QUESTIONS = """\
dcctl: one command line for the whole AI data centre. It reads; it changes nothing unless asked to.

  What do we have, what is it doing, what is idle?        dcctl assess
  Will this work fit, where, and why not?                 dcctl schedule plan FILE
  When is this work done, and which worker runs what?     dcctl schedule dag FILE
  What is insecure, broken or drifting, and what is new?  dcctl audit
  How do these nodes come out of service?                 dcctl drain NODES --dry-run
  What does each source know, and what changed?           dcctl inventory

  Try it on an embedded fleet of 128 nodes:               dcctl assess -i demo
  On this machine:                                        dcctl assess
  On nodes over SSH:                                      dcctl assess -w 'gpu[001-050]'
  All commands and options:                               dcctl --help
"""


class _Command(NamedTuple):
    """The module below `dcctl.cli` that knows a command, and what the command is for."""

    module: str
    summary: str


_COMMANDS = {
    "assess": _Command("assess", "What there is, what it is doing, what is idle, and what runs out first."),
    "schedule": _Command(
        "schedule",
        "Will this work fit, where, when, why not, and how far from the best possible is the plan?",
    ),
    "audit": _Command(
        "audit", "What is insecure, unhealthy or drifting, and what is new since the last run."
    ),
    "drain": _Command("drain", "Take nodes out of service without breaking a training run."),
    "inventory": _Command(
        "inventory", "What exists, as every source tells it: snapshots of it, differences and exports."
    ),
    "config": _Command("configuration", "Which settings hold, and where each came from."),
    "schema": _Command(
        "schema",
        "The JSON Schema of what dcctl prints, and of files of jobs and costs; without KIND, all kinds.",
    ),
    "man": _Command("manual", "A manual page in roff; to read it: dcctl man assess | man -l -."),
    "completion": _Command(
        "completion",
        "A completion script; for bash: dcctl completion bash > /etc/bash_completion.d/dcctl.",
    ),
}
"""The commands in the order in which an administrator asks; a module is loaded when its command is."""
_OF_THE_TREE = ("man", "completion")
"""Commands that are about all the others."""


def program(only: str | None = None) -> typer.Typer:
    """The command tree as a Typer application: whole, or `only` one command and the names of the others."""
    app = typer.Typer(
        name="dcctl",
        cls=Listing,
        help="One command line for the whole AI data centre. Reads by default, changes only when asked.",
        rich_markup_mode=None,
        add_completion=False,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(invoke_without_command=True)
    def root(
        context: typer.Context,
        version: bool = typer.Option(False, "--version", "-V", help="Show the version and exit."),
    ) -> None:
        if version:
            from dcctl import __version__

            typer.echo(f"dcctl {__version__}")
            raise typer.Exit
        if context.invoked_subcommand is None:
            typer.echo(QUESTIONS, nl=False)

    for name, (module, summary) in _COMMANDS.items():
        if only not in {name, None}:
            app.command(name, help=summary)(_only_named)
            continue
        register = import_module(f"dcctl.cli.{module}").register
        register(app, tree) if name in _OF_THE_TREE else register(app)
    return app


def _only_named() -> None:
    """Stands for a command that was not asked for."""


def tree(only: str | None = None) -> "TyperGroup":
    """The command tree as Click sees it: what help, man pages and completions are made from.

    With the name of a command in `only` the others have a name and a summary: to load them all and to
    read their signatures takes 30 ms.
    """
    from typer.main import get_command

    root = cast("TyperGroup", get_command(program(only)))
    root.commands = {name: root.commands[name] for name in _COMMANDS}
    return root


_last: list[Answer] = []
"""The answer of a run that asks once: kept until the process ends without freeing a million facts one by
one (`leave` of the guard), which would be a tenth of the run. `--watch` frees each of its answers."""


def execute(arguments: list[str]) -> Exit:
    """Run the command that `arguments` name and print its answer. Errors are the guard's."""
    command = tree(arguments[0] if arguments else "")
    answer = _answer(command, arguments)
    if not isinstance(answer, Answer):
        return Exit.OK if answer is None else answer
    if answer.session.watch_s is not None:
        from dcctl.cli.watch import watch

        watch(answer, show, time.sleep)
    _last.append(answer)
    try:
        code = show(answer, sys.stdout, sys.stderr)
        sys.stdout.flush()
        answer.session.was_shown()
    finally:
        answer.session.remember_names()
    return code


def _answer(command: "TyperGroup", arguments: list[str]) -> Answer | Exit | None:
    """Parse and invoke. An exit code: the command has told all that there is to tell."""
    try:
        with _ours(), command.make_context("dcctl", list(arguments)) as context:
            result = command.invoke(context)
    except typer.Exit:
        return None
    return result if isinstance(result, (Answer, Exit)) else None


def parsed(group: str, verb: str, words: Sequence[str]) -> dict[str, Any]:
    """Return what the words after a verb are read as, by parameter; nothing runs. UsageError as when typed.

    A request for help is none of them.
    """
    command = cast("TyperGroup", tree(group).commands[group]).commands[verb]
    with _ours(), command.make_context(f"dcctl {group}", list(words), help_option_names=[]) as context:
        return dict(context.params)


@contextmanager
def _ours() -> Iterator[None]:
    """What Click calls a usage error becomes ours."""
    try:
        yield
    except _click_error() as error:
        raise UsageError(_message(error), hint=_help_of(error)) from error


def _click_error() -> type[Exception]:
    """ClickException: the common base of Click's complaints, which Typer exports only in its subclasses."""
    return next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def _message(error: Exception) -> str:
    """Click's own sentence, on one line and without its full stop."""
    return " ".join(str(getattr(error, "format_message", error.__str__)()).split()).rstrip(".")


def _help_of(error: BaseException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'dcctl'} --help"


def show(answer: Answer, out: "TextIO", aside: "TextIO") -> Exit:
    """Print one answer on `out`, its alarms and gaps `aside` where `out` lacks them; return its code."""
    from dcctl.cli.again import with_options
    from dcctl.render.alarms import alarm_lines
    from dcctl.render.atomic import write_atomic
    from dcctl.render.dispatch import render, tells_gaps
    from dcctl.render.gaps import gap_lines

    session = answer.session
    report = with_options(answer.report, session)
    code = of_report(report, session.settings.fail_on)
    style = session.style()
    silent = report.silent or (session.settings.quiet and code == Exit.OK)
    if session.file:
        write_atomic(session.file, lambda out: render(report, style, out))
        out.write("" if silent else report.news)
    elif not silent:
        render(report, style, out)
    if not (silent or report.news) and (session.file or not tells_gaps(report, style)):
        lines = [*alarm_lines(report, style), *gap_lines(report, style)]
        out.flush()
        tell_aside("".join(f"dcctl: {line}\n" for line in lines), aside)
    if report.aside and not (silent or session.settings.quiet):
        out.flush()
        tell_aside(f"dcctl: {report.aside}\n", aside)
    return code
