"""The next command to type, with the options that it needs to ask the fleet that this answer is about."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.settings import DECLARED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.cli.session import Session
    from dcctl.errors import DcctlError
    from dcctl.render.report import Report, Table

_VERBS = re.compile("dcctl (assess|schedule|audit|drain|inventory|config)( [a-z]+(?= |$))*")
"""The words of a command that reads the configuration, up to its first option."""
_COMPLETE = re.compile(" (-i|--help|--rbac|--resume|--undo)( |$)")
"""In a command that needs no more: it names its inventory, asks nothing, or goes on as it began."""
_ASKS_NOBODY = re.compile("dcctl (config|audit (list|explain|diff|waive|verify|install-timer))( |$)")
"""Commands without the options that say who is asked."""
_READS_INPUT = re.compile("dcctl schedule .* -( |$)")
"""Of a command that is asked for work on standard input: it was read, and nobody can type it again."""
_NEW_INVENTORY = "dcctl inventory snapshot"
"""Said of an inventory file that is wrong: the new one comes from elsewhere."""

_WHERE = ("inventory", "context", "timeout")
"""Settings that say who is asked."""
_WHICH = ("nodes", "exclude")
"""Settings that say about which nodes."""


def with_options(report: Report, session: Session) -> Report:
    """The report with the options of this run in each command it suggests."""

    def told(command: str) -> str:
        return _completed(command, session.config_file, session, (*_WHERE, *_WHICH))

    return replace(
        report,
        notes=tuple(replace(note, command=told(note.command)) for note in report.notes),
        maps=tuple(replace(picture, command=told(picture.command)) for picture in report.maps),
        details=tuple(_commands(table, told) for table in report.details),
        gaps=tuple(replace(gap, hint=told(gap.hint)) for gap in report.gaps),
    )


def _commands(table: Table, told: Callable[[str], str]) -> Table:
    """The table with its column of commands completed, if it has one."""
    at = next((at for at, column in enumerate(table.columns) if column.key == "command"), None)
    if at is None:
        return table
    rows = tuple((*row[:at], told(str(row[at] or "")), *row[at + 1 :]) for row in table.rows)
    return replace(table, rows=rows)


def in_full(command: str, session: Session) -> str:
    """The command with the options of this run that say who is asked: it can be typed in another shell."""
    return _completed(command, session.config_file, session, _WHERE)


def complete(error: DcctlError, config_file: str | None, session: Session | None) -> None:
    """Put the options of this run into the command that `error` suggests; no session: no setting was read.

    Node sets stay out: what matched no node would match none again.
    """
    error.hint = _completed(error.hint, config_file, session, _WHERE)


def _completed(command: str, config_file: str | None, session: Session | None, names: tuple[str, ...]) -> str:
    if _READS_INPUT.match(command):
        return ""
    verbs = _VERBS.match(command)
    if verbs is None or _COMPLETE.search(command):
        return command
    asks = not _ASKS_NOBODY.match(command)
    options = list(_typed(command, session, names)) if session and asks else []
    if config_file:
        options.append(f"--config {shlex.quote(config_file)}")
    return " ".join([verbs[0], *options]) + command[verbs.end() :]


def _typed(command: str, session: Session, names: tuple[str, ...]) -> Iterator[str]:
    """Yield those of the options `names` that were typed and that the command does not choose itself."""
    for name in names:
        setting = DECLARED[name]
        chosen = (name in _WHICH and " -w " in command) or (name == "inventory" and command == _NEW_INVENTORY)
        told = f" {setting.shortest_option} " in command
        if chosen or told or session.settings.origins[name] not in (setting.option, "standard input"):
            continue
        value = getattr(session.settings, name)
        for each in value if isinstance(value, tuple) else (value,):
            word = f"{each:.12g}" if isinstance(each, float) else str(each)
            yield f"{setting.shortest_option} {shlex.quote(word)}"
