"""The next command to type, for the inventory that this answer is about."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

_VERBS = re.compile("dcctl (assess|inventory)( [a-z]+)*")
"""The words of a command that asks sources, up to its first option."""


def with_inventory(report: Report, session: Session) -> Report:
    """The report with `-i WHAT` in each command it suggests, where -i was given: it asks the same fleet."""
    setting = session.settings.values["inventory"]
    words = session.settings.words("inventory")
    if setting.origin != "--inventory" or "-" in words:
        return report
    options = "".join(f" -i {shlex.quote(word)}" for word in words)

    def told(command: str) -> str:
        verbs = _VERBS.match(command)
        if verbs is None or " -i " in command or "--rbac" in command:
            return command
        return f"{verbs[0]}{options}{command[verbs.end() :]}"

    return replace(
        report,
        notes=tuple(replace(note, command=told(note.command)) for note in report.notes),
        maps=tuple(replace(picture, command=told(picture.command)) for picture in report.maps),
        gaps=tuple(replace(gap, hint=told(gap.hint)) for gap in report.gaps),
    )
