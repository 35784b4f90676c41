"""The few lines that cron mails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.render.report import Report, Result

Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST: Final = 10
_GAPS: Final = 3


def lines(report: Report, *, digest: bool = False) -> Iterator[str]:
    """Yield the headline, what is new, what is missing, and for a digest what is still open."""
    yield report.headline
    found = [one for one in report.findings.results if one.waived is None] if report.findings else []
    yield from _rows([one for one in found if one.status == "new"], "dcctl audit")
    for gap in report.gaps[:_GAPS]:
        yield f"gap: {gap.subject}: {gap.reason}"
    if len(report.gaps) > _GAPS:
        yield f"… {len(report.gaps) - _GAPS} more gaps"
    still = [one for one in found if one.status != "new"]
    if digest and still:
        yield "still open:"
        yield from _rows(still, "dcctl audit")


def _rows(found: Sequence[Result], command: str) -> Iterator[str]:
    for one in found[:_MOST]:
        yield f"{one.severity.upper():8} {one.rule}  {one.object}  {one.says}"
    if len(found) > _MOST:
        yield f"… {len(found) - _MOST} more: {command}"
