"""The few lines that cron mails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.render.report import Report, Result

_MOST: Final = 10
_NODES: Final = 3


def lines(report: Report) -> Iterator[str]:
    """Yield the headline, what is new, and what is missing."""
    yield report.headline
    found = report.findings
    new = [one for one in found.results if one.status == "new" and one.waived is None] if found else []
    yield from map(_line, new[:_MOST])
    if len(new) > _MOST:
        yield f"… {len(new) - _MOST} more: dcctl audit"
    for gap in report.gaps[:_NODES]:
        yield f"gap: {gap.subject}: {gap.reason}"
    if len(report.gaps) > _NODES:
        yield f"… {len(report.gaps) - _NODES} more gaps"


def _line(one: Result) -> str:
    return f"{one.severity.upper():8} {one.rule}  {one.object}  {one.says}"
