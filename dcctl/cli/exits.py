"""Exit codes: the only place where they are numbers."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from dcctl.errors import (
    DeniedError,
    OutputError,
    RefusedError,
    UnfinishedError,
    UnreachableError,
    UsageError,
)

if TYPE_CHECKING:
    from dcctl.render.report import Report


class Exit(IntEnum):
    """What the exit status of dcctl means. Any other non-zero status is a failure."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    PARTIAL = 3
    DENIED = 4
    UNREACHABLE = 5
    REFUSED = 6
    UNFINISHED = 7
    DEFECT = 70
    INTERRUPTED = 130
    READER_LEFT = 141
    TERMINATED = 143


MEANING: dict[Exit, str] = {
    Exit.OK: "Done; nothing at or above --fail-on.",
    Exit.FINDINGS: "Done; findings at or above --fail-on, something does not fit, or changes are pending.",
    Exit.USAGE: "The command line, the configuration or an inventory file is wrong; nothing was contacted.",
    Exit.PARTIAL: "Partial: some sources gave no answer. The result is printed and its gaps say what is "
    "missing. Wins over 1 and 0.",
    Exit.DENIED: "Credentials are missing or were refused.",
    Exit.UNREACHABLE: "Nothing was reachable.",
    Exit.REFUSED: "Refused: a safety gate, a lock held by another, or the answer no. Nothing was changed.",
    Exit.UNFINISHED: "An action began and did not finish; the command that resumes it is on stderr.",
    Exit.DEFECT: "A defect of dcctl (the traceback is in a file), or its answer could not be written.",
    Exit.INTERRUPTED: "Ctrl-C. What was known by then is printed.",
    Exit.READER_LEFT: "The reader of standard output left.",
    Exit.TERMINATED: "SIGTERM.",
}

_LEVELS = ("ok", "info", "warn", "crit")


class Terminated(BaseException):
    """SIGTERM arrived. Not an Exception, so that no handler on the way swallows it."""


_OF_ERROR: tuple[tuple[type[BaseException], Exit], ...] = (
    (UsageError, Exit.USAGE),
    (DeniedError, Exit.DENIED),
    (UnreachableError, Exit.UNREACHABLE),
    (RefusedError, Exit.REFUSED),
    (UnfinishedError, Exit.UNFINISHED),
    (OutputError, Exit.DEFECT),
    (KeyboardInterrupt, Exit.INTERRUPTED),
    (BrokenPipeError, Exit.READER_LEFT),
    (Terminated, Exit.TERMINATED),
)


def of_error(error: BaseException) -> Exit:
    """The exit code of what ended a run before its answer; of what has no name here, that of a defect."""
    return next((code for kind, code in _OF_ERROR if isinstance(error, kind)), Exit.DEFECT)


def of_report(report: Report, fail_on: str) -> Exit:
    """The exit code of an answer: gaps win over findings, findings count from `fail_on` up."""
    if any(gap.cause == "interrupted" for gap in report.gaps):
        return Exit.INTERRUPTED
    if any(gap.cause != "limited" for gap in report.gaps):  # what was left out on request is no failure
        return Exit.PARTIAL
    if fail_on != "never" and report.level != "ok" and _LEVELS.index(report.level) >= _LEVELS.index(fail_on):
        return Exit.FINDINGS
    return Exit.OK
