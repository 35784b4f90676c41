"""An audit as a report: what is new first, then by severity."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from dcctl.audit.check import SEVERITIES, STATES
from dcctl.audit.coverage import state_of
from dcctl.audit.darker import darker
from dcctl.audit.drained import drained
from dcctl.audit.finding import rank
from dcctl.audit.shape import (
    AUDIT,
    BY_OBJECT,
    CHECKS,
    COUNTED,
    FINDINGS,
    GONE,
    NOT_APPLICABLE,
    OBJECTS,
    UNKNOWN,
    UNTOLD,
)
from dcctl.inventory.model import Gap
from dcctl.render.report import Findings, Note, Report, Result, Rule, Sample, Table, Waived
from dcctl.units import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dcctl.audit.check import Severity
    from dcctl.audit.evaluate import Tally
    from dcctl.audit.finding import Finding
    from dcctl.audit.judge import Verdict
    from dcctl.audit.record import Compared, Record
    from dcctl.inventory.evidence.own import Waiver
    from dcctl.render.report import Cell, Row
    from dcctl.render.report import Severity as Level

By: TypeAlias = Literal["severity", "object"]
LEVELS: dict[Severity, Level] = {
    "critical": "crit",
    "high": "crit",
    "medium": "warn",
    "low": "info",
    "info": "info",
}
"""What `--fail-on` calls each severity."""
DARKER: Final = "darker"
"""Label of the notes of what this run saw less of."""
_SCREEN = 30
"""So many rows are enough for a screen, unless more are new and critical."""
_ORDER = {"new": 0, "unsure": 1, "known": 2, "waived": 3}


class View(NamedTuple):
    """What is known of a run beside its findings, and how it is to be told."""

    at_s: int
    target: str
    gaps: tuple[Gap, ...] = ()
    by: By = "severity"
    severity: Severity = "info"
    """Findings that are less grave are counted and not shown."""
    least_milli: int = 950
    """With less coverage the run is incomplete."""
    run: int = 0
    before_s: int | None = None
    since: Mapping[str, int] = {}
    """Since when a finding is open, by id."""
    cron: bool = False
    broken: str = ""
    """The file of what broke in checks."""
    drained_from: frozenset[str] | None = None
    """Nodes of the inventory where names are told for another command to drain; None: findings are told."""
    alike: Record | None = None
    """The run before of the same scope: what it could not see either is no news."""


def report(verdict: Verdict, compared: Compared, view: View) -> Report:
    """Return what an audit answers. Its level is that of findings that are new and that nobody waived."""
    results = sorted(_results(verdict, compared, view), key=_order)
    gaps = (*view.gaps, *incomplete(verdict, view.least_milli, view.broken))
    counted = [one for one in results if one.status == "new" and one.waived is None]
    tally = Counter("waived" if one.waived else one.status for one in results)
    tally["gone"] = len(compared.gone)
    checks = {one.check.id for one in verdict.tallies}
    asked = [one for one in results if one.status != "unsure" or one.rule in checks]
    shown = [one for one in asked if rank(one.severity) <= rank(view.severity)]
    aside = ""
    if view.drained_from is not None:
        drains = {one.check.id for one in verdict.tallies if one.check.drains}
        shown, aside = drained(shown, drains, view.drained_from)
    found = _findings(verdict, compared, view, tuple(results), complete=not gaps)
    less = tuple(darker(view.alike, verdict, compared))
    noticed = frozenset(view.alike.gaps if view.alike else ())
    return Report(
        kind=(AUDIT if view.by == "severity" else BY_OBJECT).kind,
        headline=headline(verdict, tally, counted, view),
        items=_items(shown, found) if view.by == "severity" else _objects(shown),
        details=tuple(table for table in _details(verdict, compared, found) if table.rows),
        summary=_summary(verdict, tally, results, view),
        notes=(*(Note(DARKER, line, "warn") for line in less), *_notes(found, asked, shown)),
        samples=tuple(_samples(verdict, results, view)),
        gaps=gaps,
        name_key="nodes",
        level=max((LEVELS[one.severity] for one in counted), key=_LEVELS.index, default="ok"),
        findings=found,
        aside=aside,
        silent=view.cron and not counted and not less and {one_line(gap) for gap in gaps} <= noticed,
    )


_LEVELS: tuple[Level, ...] = ("ok", "info", "warn", "crit")


def one_line(gap: Gap) -> str:
    """Return what tells a gap from others, the same as long as it lasts."""
    return f"{gap.source} {gap.subject}: {gap.cause}"


def gaps_of(told: Iterable[Gap], verdict: Verdict, least_milli: int) -> tuple[str, ...]:
    """Return what tells the gaps of a run from those of others, for its record."""
    return tuple(map(one_line, (*told, *incomplete(verdict, least_milli))))


def incomplete(verdict: Verdict, least_milli: int, broken: str = "") -> Iterator[Gap]:
    """Yield why a run is incomplete: checks that broke, and too little that was told."""
    for tally in verdict.tallies:
        if tally.error:
            says = next(one.says for one in tally.outcomes if one.state == "error")
            hint = f"less {broken}" if broken else ""
            yield Gap("audit", tally.check.id, f"the check broke: {says}", "failed", hint)
    milli = verdict.coverage.milli
    if milli is not None and milli < least_milli:
        why = f"{milli / 10:g} % of what the checks ask was told, --min-coverage asks {least_milli / 10:g} %"
        yield Gap("audit", "coverage", why, "missing", "dcctl audit -o wide")


def _order(one: Result) -> tuple[int, int, str, str, str]:
    status = "waived" if one.waived else one.status
    return _ORDER[status], rank(one.severity), one.rule, one.object, one.where


def _results(verdict: Verdict, compared: Compared, view: View) -> Iterator[Result]:
    for status, those in (("new", compared.new), ("known", compared.known), ("unsure", compared.unsure)):
        for one in those:
            yield result(one, status, view.since.get(one.id, view.at_s), verdict.waived.get(one.id))  # type: ignore[arg-type]


def result(
    one: Finding,
    status: Literal["new", "known", "gone", "unsure"],
    since_s: int = 0,
    waiver: Waiver | None = None,
) -> Result:
    """Return a finding as outputs have it."""
    cover = Waived(waiver.owner, waiver.ticket, waiver.reason, waiver.expires_at_s) if waiver else None
    return Result(
        one.check,
        one.id,
        one.object,
        one.says,
        "fail",
        one.severity,
        status,
        one.where,
        one.nodes,
        since_s,
        cover,
    )


def _findings(
    verdict: Verdict, compared: Compared, view: View, results: tuple[Result, ...], *, complete: bool
) -> Findings:
    return Findings(
        at_s=view.at_s,
        rules=tuple(map(_rule, verdict.tallies)),
        results=results,
        gone=tuple(result(one, "gone") for one in compared.gone),
        unknown=tuple(_unknown(verdict.tallies)),
        coverage_milli=verdict.coverage.milli,
        target=view.target,
        run=view.run,
        complete=complete,
    )


def _rule(tally: Tally) -> Rule:
    one = tally.check
    why_not = tuple(each.says for each in tally.outcomes if each.state == "na")
    return Rule(
        one.id,
        one.title,
        one.severity,
        one.why,
        one.fix,
        one.refs,
        state_of(tally),
        dict(tally.counts),
        why_not,
    )


def _unknown(tallies: Iterable[Tally]) -> Iterator[Result]:
    for tally in tallies:
        for one in tally.outcomes:
            if one.state in ("unknown", "error", "manual"):
                yield Result(
                    one.check.id, "", one.subject, one.says, one.state, one.severity, nodes=one.nodes
                )


def _items(results: Iterable[Result], found: Findings) -> Table:
    titles = {rule.id: rule.title for rule in found.rules}
    listed = list(results)
    grave = sum(one.status == "new" and one.severity == "critical" and not one.waived for one in listed)
    rows = tuple(_row(one, titles.get(one.rule)) for one in listed)
    return Table("items", FINDINGS, rows, head=max(_SCREEN, grave))


def _row(one: Result, title: str | None) -> Row:
    cover = one.waived
    held = f"{cover.owner or 'nobody'}: {cover.reason} ({cover.ticket or 'no ticket'})" if cover else None
    return (
        "waived" if cover else one.status,
        one.severity,
        one.rule,
        one.object,
        one.says,
        one.where or None,
        title,
        one.nodes,
        one.since_s,
        held,
        one.id,
    )


def _objects(results: Iterable[Result]) -> Table:
    by: dict[str, list[Result]] = {}
    for one in results:
        by.setdefault(one.object, []).append(one)
    rows = [_object(name, those) for name, those in by.items()]
    return Table("items", OBJECTS, tuple(rows))


def _object(name: str, those: list[Result]) -> Row:
    worst = min((one.severity for one in those), key=rank)
    waived = sum(one.waived is not None for one in those)
    new = sum(one.status == "new" and one.waived is None for one in those)
    checks = tuple(dict.fromkeys(one.rule for one in those))
    nodes = tuple(dict.fromkeys(node for one in those for node in one.nodes))
    return name, worst, len(those), new, waived, checks, nodes


def _details(verdict: Verdict, compared: Compared, found: Findings) -> Iterator[Table]:
    yield Table("untold", UNTOLD, _untold(found.unknown), "What was not told, by reason")
    unknown = tuple((one.rule, one.state, one.object or "all", one.says) for one in found.unknown)
    yield Table("unknown", UNKNOWN, unknown, "Not known, and not counted as passed")
    gone = tuple((one.check, one.severity, one.object, one.says, one.id) for one in compared.gone)
    yield Table("gone", GONE, gone, "Gone since the run before")
    rows: tuple[Row, ...] = tuple(
        (one.check.id, state_of(one), one.check.title, *(one.counts.get(state, 0) for state in COUNTED))
        for one in verdict.tallies
    )
    yield Table("checks", CHECKS, rows, "Checks, with subjects by state")
    reasons = tuple((rule.id, says) for rule in found.rules for says in rule.not_applicable)
    yield Table("na", NOT_APPLICABLE, reasons, "Does not apply, wholly or to some, and why")


def _untold(unknown: Iterable[Result]) -> tuple[Row, ...]:
    """A row per reason: that which most checks lack first."""
    by: dict[str, list[Result]] = {}
    for one in unknown:
        by.setdefault(one.says, []).append(one)
    rows = []
    for says, those in by.items():
        of = dict.fromkeys(name for one in those for name in one.nodes or (one.object or "all",))
        rows.append((tuple(of), says, tuple(dict.fromkeys(one.rule for one in those))))
    return tuple(sorted(rows, key=lambda row: (-len(row[2]), -len(row[0]), row[1])))


def headline(verdict: Verdict, tally: Mapping[str, int], counted: list[Result], view: View) -> str:
    """Return the answer in one line: counts, never a lone score."""
    graves = Counter(one.severity for one in counted)
    told = ", ".join(f"{graves[each]} {each}" for each in SEVERITIES if graves[each])
    new = f"{len(counted)} new{_since(view)}" + (f": {told}" if told else "")
    others = ", ".join(
        f"{tally[each]} {each}" for each in ("known", "waived", "unsure", "gone") if tally[each]
    )
    milli = verdict.coverage.milli
    cover = "no check applies" if milli is None else f"coverage {milli / 10:.1f} %"
    return "; ".join(filter(None, (new, others, f"{plural(len(verdict.tallies), 'check')}, {cover}")))


def _since(view: View) -> str:
    """The run before may be of a clock that was ahead."""
    if view.before_s is None:
        return ""
    past_s = view.at_s - view.before_s
    when = f"{duration(past_s)} ago" if past_s >= 0 else f"that is dated {duration(-past_s)} ahead"
    return f" since the run {when}"


def _summary(
    verdict: Verdict, tally: Mapping[str, int], results: Iterable[Result], view: View
) -> dict[str, Cell | dict[str, Cell]]:
    still = [one for one in results if one.waived is None]
    new = _by_severity(one for one in still if one.status == "new")
    return {
        **{each: tally[each] for each in ("new", "known", "waived", "gone", "unsure")},
        "severities": new,
        "new_severities": new,
        "open_severities": _by_severity(still),
        "open": len(still),
        "checks": {state: verdict.coverage.checks.get(state, 0) for state in STATES},
        "subjects": {state: verdict.coverage.subjects.get(state, 0) for state in STATES},
        "coverage_milli": verdict.coverage.milli,
        "run": view.run or None,
        "before_s": view.before_s,
    }


def _by_severity(results: Iterable[Result]) -> dict[str, Cell]:
    counts = Counter(one.severity for one in results)
    return {each: counts[each] for each in SEVERITIES}


def _notes(found: Findings, asked: list[Result], shown: list[Result]) -> Iterator[Note]:
    if found.unknown:
        checks = len({one.rule for one in found.unknown})
        text = f"{plural(len(found.unknown), 'answer')} of {plural(checks, 'check')}: not counted as passed"
        yield Note("unknown", text, "warn", detail="untold")
    if found.gone:
        yield Note("gone", f"{plural(len(found.gone), 'finding')} of the run before", "ok", detail="gone")
    if len(asked) > len(shown):
        yield Note("hidden", f"{plural(len(asked) - len(shown), 'finding')} less grave")
    if len(found.results) > len(asked):
        yield Note(
            "unsure", f"{plural(len(found.results) - len(asked), 'finding')} of checks that were not selected"
        )
    if shown:
        yield Note("why", "and how to mend it", command=f"dcctl audit explain {shown[0].rule}")


def _samples(verdict: Verdict, results: list[Result], view: View) -> Iterator[Sample]:
    counts: Counter[tuple[str, str]] = Counter(
        (one.severity, "waived" if one.waived else one.status) for one in results
    )
    text = "Findings of the last audit."
    for severity in SEVERITIES:
        for status in _ORDER:
            labels = (("severity", severity), ("status", status))
            yield Sample("dcctl_audit_findings", counts[severity, status], labels, text)
    known = verdict.coverage
    for name, states, text in (
        ("checks", known.checks, "Checks by state."),
        ("subjects", known.subjects, "Subjects of checks by state."),
    ):
        for state in STATES:
            yield Sample(f"dcctl_audit_{name}", states.get(state, 0), (("state", state),), text)
    if known.milli is not None:
        text = "Share of what was asked that was told."
        yield Sample("dcctl_audit_coverage_ratio", known.milli / 1000, (), text)
    yield Sample("dcctl_audit_last_run_timestamp_seconds", view.at_s, (), "When the last audit began.")
