"""The answer of `dcctl audit run`: a table, the controls of a standard, or the few lines of a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.audit.mail import lines
from dcctl.audit.report import View, report
from dcctl.audit.shape import AUDIT, BY_OBJECT, CONTROLS
from dcctl.cli.again import in_full
from dcctl.cli.audit.standard import by_control

if TYPE_CHECKING:
    from dcctl.audit.act.run import Asked, Audited
    from dcctl.audit_specs import AuditSpec
    from dcctl.cli.audit.options import Choice, Habit
    from dcctl.cli.session import Session
    from dcctl.render.report import Report, Shape


class Telling(NamedTuple):
    """How one run is told."""

    session: Session
    spec: AuditSpec
    choice: Choice
    habit: Habit
    errors_file: str
    """Where the tracebacks of checks that broke are kept; empty: nowhere."""


def shape_of(choice: Choice) -> Shape:
    """Return the form of the answer."""
    if choice.standard:
        return CONTROLS
    return AUDIT if choice.by == "severity" else BY_OBJECT


def told(how: Telling, asked: Asked, done: Audited) -> Report:
    """Return what the command answers."""
    choice, last = how.choice, done.before.last if done.before else None
    view = View(
        at_s=asked.now_s,
        target=asked.series,
        gaps=(*done.scene.evidence.fleet.gaps, *done.unkept),
        by=choice.by,
        severity="critical" if choice.severity == "crit" else choice.severity,
        least_milli=asked.least_milli,
        run=done.seq,
        before_s=last.at_s if last else None,
        since=done.before.since if done.before else {},
        cron=how.habit.cron and not done.digest,
        drained_from=_inventory(done) if how.session.format == "name" else None,
        alike=done.before.alike if done.before else None,
        broken=how.errors_file,
    )
    answer = report(done.verdict, done.compared, view)
    if choice.standard:
        answer = by_control(answer, choice.standard, done.verdict, done.scene)
    return _in_few_lines(answer, how.session, digest=done.digest) if how.habit.cron else answer


def _inventory(done: Audited) -> frozenset[str]:
    return frozenset(node.name for node in done.scene.evidence.fleet.nodes)


def _in_few_lines(answer: Report, session: Session, *, digest: bool) -> Report:
    """The report with the few lines of a mail: in place of the table, and beside what goes to a file."""
    again = in_full("dcctl audit", session)
    text = "".join(f"{line}\n" for line in lines(answer, again, digest=digest))
    if session.format == "table":
        return replace(answer, documents=(text,), news="" if session.file else text)
    return replace(answer, news=text) if session.file else answer
