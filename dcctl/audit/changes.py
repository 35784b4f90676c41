"""What changed: between two runs, and run by run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from dcctl.audit.finding import rank
from dcctl.audit.record import replayed
from dcctl.audit.report import LEVELS
from dcctl.audit.shape import DIFF, TIMELINE
from dcctl.render.report import Report, Table
from dcctl.units import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.audit.finding import Finding
    from dcctl.audit.record import Record
    from dcctl.render.report import Column, Row

Change: TypeAlias = Literal["new", "gone", "unchanged", "not comparable"]
_ORDER: dict[Change, int] = {"new": 0, "not comparable": 1, "gone": 2, "unchanged": 3}


class Changed(NamedTuple):
    """One finding in the light of two runs."""

    change: Change
    finding: Finding


def changes(records: Sequence[Record], old: int, new: int) -> list[Changed]:
    """Return what changed between two runs of a series, by their numbers; `records` are all of the series."""
    before = replayed(one for one in records if one.seq <= old)
    after = replayed(one for one in records if one.seq <= new)
    dark = frozenset(next(one for one in records if one.seq == new).unsure)
    found = [Changed(_change(before.get(key), one, dark), one) for key, one in after.items()]
    found += [Changed("gone", one) for key, one in before.items() if key not in after]
    return sorted(found, key=lambda one: (_ORDER[one.change], rank(one.finding.severity), one.finding.check))


def _change(old: Finding | None, now: Finding, dark: frozenset[str]) -> Change:
    """What is graver than it was is new, as it was in its run."""
    if now.id in dark:
        return "not comparable"
    return "unchanged" if old and rank(old.severity) <= rank(now.severity) else "new"


def diff_report(found: Sequence[Changed], old: Record, new: Record) -> Report:
    """Return what changed between two runs. Its level is that of what came."""
    counts = Counter(one.change for one in found)
    rows = tuple(
        (
            one.change,
            one.finding.severity,
            one.finding.check,
            one.finding.object,
            one.finding.says,
            one.finding.nodes,
            one.finding.id,
        )
        for one in found
    )
    told = ", ".join(f"{counts[each]} {each}" for each in _ORDER)
    grave = min((one.finding.severity for one in found if one.change == "new"), key=rank, default=None)
    return Report(
        DIFF.kind,
        f"run {old.seq} to run {new.seq}, {duration(max(0, new.at_s - old.at_s))} later: {told}",
        Table("items", DIFF.items, rows, tail=counts["unchanged"]),
        summary={
            "old": old.seq,
            "new_run": new.seq,
            "new": counts["new"],
            "gone": counts["gone"],
            "unchanged": counts["unchanged"],
            "not_comparable": counts["not comparable"],
        },
        name_key="nodes",
        level=LEVELS[grave] if grave else "ok",
    )


def timeline_report(records: Sequence[Record], since_s: int, span_s: int) -> Report:
    """Return what changed in each run since then, the oldest first."""
    rows = tuple(_events(records, since_s))
    runs = sum(one.at_s >= since_s for one in records)
    return Report(
        TIMELINE.kind,
        f"{plural(len(rows), 'change')} in {plural(runs, 'run')} of the last {duration(span_s)}",
        Table("items", tuple(_as_people_do(one, since_s + span_s) for one in TIMELINE.items), rows),
        summary={"runs": runs, "changes": len(rows)},
        name_key="nodes",
    )


def _as_people_do(column: Column, now_s: int) -> Column:
    return replace(column, since_s=now_s) if column.unit == "time_s" else column


def _events(records: Sequence[Record], since_s: int) -> Iterator[Row]:
    """Yield findings that came and went, and how coverage fell or rose."""
    known: dict[str, Finding] = {}
    last: Record | None = None
    for one in records:
        gone = [known.pop(key) for key in one.gone if key in known]
        if one.at_s >= since_s:
            yield from (_event(one, "new", finding) for finding in _gravest_first(one.new))
            yield from (_event(one, "gone", finding) for finding in _gravest_first(gone))
            yield from _about_the_run(one, last)
        known.update({finding.id: finding for finding in one.new})
        last = last if one.scope.partial else one


def _gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: (rank(one.severity), one.check))


def _event(record: Record, change: str, one: Finding) -> Row:
    return record.at_s, change, one.severity, one.check, one.object, one.says, one.nodes, record.seq


def _about_the_run(one: Record, last: Record | None) -> Iterator[Row]:
    """What fell silent, what answers again, and coverage. A part of the fleet compares with nothing."""
    if last is None or one.scope.partial:
        return
    for gap in sorted(set(one.gaps) ^ set(last.gaps)):
        change = "silent" if gap in one.gaps else "answers"
        yield one.at_s, change, None, None, gap.partition(": ")[0], gap.partition(": ")[2], (), one.seq
    if one.coverage_milli != last.coverage_milli:
        says = f"coverage {_percent(last.coverage_milli)} to {_percent(one.coverage_milli)}"
        yield one.at_s, "coverage", None, None, None, says, (), one.seq


def _percent(milli: int | None) -> str:
    return "nothing" if milli is None else f"{milli / 10:.1f} %"
