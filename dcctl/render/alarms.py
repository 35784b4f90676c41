"""What is critical about an answer, for standard error: where the text that is printed does not tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.render.text import printable

if TYPE_CHECKING:
    from dcctl.render.report import Report
    from dcctl.render.style import Style


def alarm_lines(report: Report, style: Style) -> list[str]:
    """Return the headline, then each critical note with its command; nothing of an answer without alarms."""
    if not report.alarms or report.level != "crit":
        return []
    told = [
        f"{note.label}: {note.text.rstrip('.')}" + (f". Try: {note.command}" if note.command else "")
        for note in report.notes
        if note.severity == "crit"
    ]
    return [printable(line, style.unicode) for line in (report.headline, *told)]
