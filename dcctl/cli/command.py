"""What turns a function that answers a question into a command with the common options."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, cast

from dcctl.cli.options import common

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

P = ParamSpec("P")


class Answer(NamedTuple):
    """What a command hands to main: the report, and the session that says how to show it."""

    session: "Session"
    report: "Report"
    again: "Callable[[], Answer]"
    """Asks the same question anew: for --watch."""


def with_common(
    command: "Callable[P, Report]", *, asks_sources: bool = True, acts: bool = False
) -> Callable[..., Answer]:
    """A command that also takes the common options, fewer if it asks no source, others if it acts.

    `command` takes a Session first and returns a Report; what comes back takes the common options too, and
    returns an Answer. A parameter of `command` that is a NamedTuple stands for options that several commands
    share: its fields.
    """
    taken = list(inspect.signature(command).parameters.values())[1:]
    groups = {p.name: p.annotation for p in taken if hasattr(p.annotation, "_fields")}
    own = [each for p in taken for each in (_fields(p.annotation) if p.name in groups else [p])]
    shared = common(asks_sources=asks_sources, acts=acts)
    names = [parameter.name for parameter in shared]

    def run(**given: object) -> Answer:
        typed = {name: given.pop(name) for name in names}
        for name, group in groups.items():
            given[name] = group(**{field: given.pop(field) for field in group._fields})
        return _answer(typed, lambda session: command(session, **given))  # type: ignore[arg-type]

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + shared
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    run.__doc__, run.__name__ = command.__doc__, command.__name__
    return run


def _fields(group: type) -> list[inspect.Parameter]:
    """The fields of a NamedTuple, all of which have a default, as parameters of a command."""
    preset = group._field_defaults  # type: ignore[attr-defined]
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=preset[name], annotation=kind)
        for name, kind in inspect.get_annotations(group).items()
    ]


def _answer(typed: dict[str, object], ask: "Callable[[Session], Report]", first: bool = True) -> Answer:
    """The answer to one question; an error gets the options of this run into its hint.

    `typed` holds the common options by name, None where one was not given. `first`: the question was not
    asked before in this run.
    """
    from dcctl.cli.consent import Consent
    from dcctl.cli.session import Session
    from dcctl.errors import DcctlError

    flags = dict(typed)
    config_file = cast("str | None", flags.pop("config", None))
    watch_s = cast("float | None", flags.pop("watch", None))
    consent = Consent(dry_run=bool(flags.pop("dry_run", None)), yes=bool(flags.pop("yes", None)))
    session = None
    try:
        session = Session.open(flags, config_file, watch_s, first, consent)
        return Answer(session, ask(session), lambda: _answer(typed, ask, first=False))
    except DcctlError as error:
        from dcctl.cli.again import complete

        complete(error, config_file, session)
        raise
