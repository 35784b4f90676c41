"""The few lines that cron mails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.audit.report import DARKER
from dcctl.harmless import visible
from dcctl.inventory.things import brief
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.render.report import Report, Result

_MOST: Final = 10
_GAPS: Final = 3


def lines(report: Report, again: str, *, digest: bool = False) -> Iterator[str]:
    """Yield the headline, what is new, what is missing, and for a digest what is still open.

    `again`: the command that shows all of it. What was read of nodes and clusters can neither begin a line
    nor move a cursor: it is written out.
    """
    yield from map(visible, _lines(report, again, digest))


def _lines(report: Report, again: str, digest: bool) -> Iterator[str]:
    yield report.headline
    yield from (note.text for note in report.notes if note.label == DARKER)
    found = [one for one in report.findings.results if one.waived is None] if report.findings else []
    yield from _rows([one for one in found if one.status == "new"], again)
    for gap in report.gaps[:_GAPS]:
        yield f"gap: {gap.subject}: {gap.reason}"
    if len(report.gaps) > _GAPS:
        yield f"… {plural(len(report.gaps) - _GAPS, 'more gap')}"
    still = [one for one in found if one.status != "new"]
    if digest and still:
        yield "still open:"
        yield from _rows(still, again)


def _rows(found: Iterable[Result], again: str) -> Iterator[str]:
    """Yield the gravest; what is the same of several objects is one line."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        alike.setdefault((one.severity, one.rule, one.says), []).append(one.object)
    for (severity, rule, says), objects in list(alike.items())[:_MOST]:
        yield f"{severity.upper():8} {rule}  {brief(objects)}  {says}"
    if len(alike) > _MOST:
        yield f"… {len(alike) - _MOST} more: {again}"
