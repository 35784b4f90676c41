"""The next command to type, for the inventory that this answer is about."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

_ASKING = ("dcctl assess", "dcctl inventory")


def with_inventory(report: Report, session: Session) -> Report:
    """The report with `-i WHAT` in each command it suggests, where -i was given: it asks the same fleet."""
    setting = session.settings.values["inventory"]
    words = session.settings.words("inventory")
    if setting.origin != "--inventory" or "-" in words:
        return report
    options = "".join(f" -i {shlex.quote(word)}" for word in words)

    def told(command: str) -> str:
        verb = next((verb for verb in _ASKING if command.startswith(verb)), None)
        return command if verb is None or " -i " in command else f"{verb}{options}{command[len(verb) :]}"

    return replace(
        report,
        notes=tuple(replace(note, command=told(note.command)) for note in report.notes),
        maps=tuple(replace(picture, command=told(picture.command)) for picture in report.maps),
        gaps=tuple(replace(gap, hint=told(gap.hint)) for gap in report.gaps),
    )
