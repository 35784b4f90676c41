"""`dcctl audit run`: what is insecure, unhealthy or drifting, and what is new since the last run."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from dcctl.audit.mail import Day

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from dcctl.audit.act.keep import Before
    from dcctl.audit.judge import Verdict
    from dcctl.audit.record import Compared, Record, Scope
    from dcctl.audit.scene import Scene
    from dcctl.cli.audit.setup import Setup
    from dcctl.cli.session import Session
    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.render.report import Report, Shape
    from dcctl.state import History

Level = Literal["critical", "crit", "high", "medium", "low", "info"]


class Choice(NamedTuple):
    """What is looked at, and how it is told."""

    by: Annotated[
        Literal["severity", "object"],
        typer.Option("--by", metavar="WHAT", help="One row per finding (severity) or per object."),
    ] = "severity"
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select", metavar="PATTERN", help="Only these checks: GPU-*, RBAC-02. Repeat for more."
        ),
    ] = None
    severity: Annotated[
        Level,
        typer.Option("--severity", metavar="LEVEL", help="Show findings at least that grave; count all."),
    ] = "info"
    standard: Annotated[
        str, typer.Option("--standard", metavar="NAME", help="The controls of a standard: cis-1.12.")
    ] = ""
    min_coverage: Annotated[
        float | None,
        typer.Option(
            "--min-coverage",
            metavar="PERCENT",
            min=0,
            max=100,
            help="With less told, the run is incomplete: exit 3.",
        ),
    ] = None
    waivers: Annotated[
        str, typer.Option("--waivers", metavar="FILE", help="What is borne, by whom, until when.")
    ] = ""
    checks: Annotated[
        str, typer.Option("--checks", metavar="FILE", help="The site's own checks, as YAML.")
    ] = ""
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models", metavar="PATH", help="Look into this folder of models too. Repeat for more."
        ),
    ] = None
    save: Annotated[
        str, typer.Option("--save", metavar="FILE", help="Write what was seen to a file that -i reads back.")
    ] = ""


class Habit(NamedTuple):
    """How it behaves when nobody looks, and what it needs."""

    record: Annotated[
        bool, typer.Option("--record/--no-record", help="Keep this run, and compare it with the last one.")
    ] = True
    since: Annotated[
        str,
        typer.Option("--since", metavar="TIME", help="Ask nothing: what changed in the last 24h, 7d, 90m."),
    ] = ""
    cron: Annotated[
        bool, typer.Option("--cron", help="Print nothing when nothing is new, a few lines otherwise.")
    ] = False
    digest: Annotated[
        Day | None,
        typer.Option("--digest", metavar="DAY", help="With --cron: on mon … sun tell how things stand, too."),
    ] = None
    jitter: Annotated[
        float,
        typer.Option(
            "--jitter",
            metavar="SECONDS",
            min=0,
            max=86400,
            help="Wait up to that long, each host its own time.",
        ),
    ] = 0.0
    deadline: Annotated[
        float,
        typer.Option(
            "--deadline",
            metavar="SECONDS",
            min=0,
            max=86400,
            help="Ask for that long; the rest is a gap: exit 3.",
        ),
    ] = 0.0
    sudoers: Annotated[
        bool, typer.Option("--sudoers", help="Print the sudo rules that nodes need, and ask nothing.")
    ] = False
    rbac: Annotated[
        bool, typer.Option("--rbac", help="Print the smallest ClusterRole that it needs, and ask nothing.")
    ] = False


def run(session: "Session", choice: Choice = Choice(), habit: Habit = Habit()) -> "Report":  # noqa: B008
    """What is insecure, unhealthy or drifting, and what is new since the last run.

    Every check passes, fails, does not apply, is unknown, or broke; what is unknown is never counted as
    passed, and too little coverage makes the run incomplete (exit code 3). A finding has the same id in every
    run, so that only what is new counts for the exit code: critical and high are `crit` to --fail-on, medium
    is `warn`, low and info are `info`. A waiver takes a finding out of the exit code, not out of the table.
    Runs are kept in a signed chain below the state folder. Nothing is changed on any node or cluster.
    """
    from dcctl.audit.act.watch import Watched
    from dcctl.cli.audit.setup import setup
    from dcctl.cli.exits import of_error

    if habit.sudoers or habit.rbac:
        from dcctl.cli.audit.rights import rights

        return rights(session, sudoers=habit.sudoers)
    if habit.since:
        from dcctl.cli.audit.diff import timeline

        return timeline(session, habit.since)
    if choice.standard:
        from dcctl.cli.audit.standard import standard

        standard(choice.standard)
    this = setup(session, choice.waivers, choice.checks)
    with Watched(this.spec.ping, habit.jitter, of_error, quiet=habit.cron) as watched:
        report = _audited(session, this, choice, habit)
        watched.ends(_code(report, session))
    return report


def _code(report: "Report", session: "Session") -> int:
    from dcctl.cli.exits import of_report

    return int(of_report(report, session.settings.fail_on))


def _audited(session: "Session", this: "Setup", choice: Choice, habit: Habit) -> "Report":
    from dcctl.audit.act.watch import Deadline
    from dcctl.audit.record import Scope
    from dcctl.cli.audit.setup import selected

    patterns = tuple(choice.select or ())
    checks = selected(this.checks, patterns)
    scope = Scope(patterns, session.settings.nodes, session.settings.exclude)
    audit = _Audit(session, this._replace(checks=checks), choice, habit, scope)
    with _history(session, this, habit) as history:
        with Deadline(habit.deadline) as limit:
            evidence = evidence_of(session, audit.shape, tuple(choice.models or ()))
        evidence = limit.told(evidence)
        if choice.save:
            _save(choice.save, evidence)
        return audit.compared(evidence, history) if history else audit.alone(evidence)


def _history(session: "Session", this: "Setup", habit: Habit) -> "AbstractContextManager[History | None]":
    """The history, locked; read alone in all rounds of --watch but the first; None: nothing is compared."""
    if not habit.record:
        return nullcontext()
    from dcctl.state import locked, reading

    return locked(this.folder) if session.first else reading(this.folder)


def evidence_of(session: "Session", shape: "Shape", models: tuple[str, ...] = ()) -> "Evidence":
    """All that the sources of this run and stores of models tell, or the evidence that -i names."""
    from dcctl import collectors

    found = collectors.saved(session.settings, models)
    if found is not None:
        return found
    collection = collectors.Collection(session.settings, models)
    fleet = session.survey(shape, asked=collection.asked, lenient=True).fleet
    return collection.gather(fleet, session.now_s)


def _save(path: str, evidence: "Evidence") -> None:
    from dcctl.inventory.evidence.document import pieces
    from dcctl.render.atomic import write_atomic

    write_atomic(path, lambda out: out.writelines(piece.decode() for piece in pieces(evidence)))


class _Audit(NamedTuple):
    """One run with all that it was asked."""

    session: "Session"
    this: "Setup"
    choice: Choice
    habit: Habit
    scope: "Scope"

    @property
    def shape(self) -> "Shape":
        """The form of the answer."""
        from dcctl.audit.shape import AUDIT, BY_OBJECT, CONTROLS

        if self.choice.standard:
            return CONTROLS
        return AUDIT if self.choice.by == "severity" else BY_OBJECT

    def alone(self, evidence: "Evidence") -> "Report":
        """The answer, compared with nothing: all findings are new."""
        from dcctl.audit.record import compare

        scene, verdict = self._judged(evidence, None)
        compared = compare({}, verdict.findings, lambda _one: True)
        return self._report(scene, verdict, compared, evidence, 0, None)

    def compared(self, evidence: "Evidence", history: "History") -> "Report":
        """The answer, compared with the last run of the same sources, and kept."""
        from dcctl.audit.act.keep import Run, before, keep, note_errors
        from dcctl.audit.record import Judged, compare
        from dcctl.audit.report import gaps_of
        from dcctl.cli.audit.setup import series_of

        signer, series = self.this.signer(), series_of(self.session)
        spec, keys = self.this.spec, (signer.public, *self.this.spec.former_keys)
        known = before(history, keys, series, spec.every_s, self.session.now_s)
        scene, verdict = self._judged(evidence, known)
        judged = Judged(verdict.tallies, there(evidence, verdict.untold, self.scope))
        compared = compare(known.open, verdict.findings, judged)
        gaps = gaps_of(evidence.fleet.gaps, verdict, self._least_milli)
        run = Run(series, self.scope, self.session.now_s, gaps, evidence, scene.counted())
        kept = self.session.first and not any(gap.cause == "interrupted" for gap in evidence.fleet.gaps)
        seq = keep(history, signer, run, verdict, compared).seq if kept else 0
        note_errors(self.this.errors_file, verdict)
        return self._report(scene, verdict, compared, evidence, seq, known)

    def _judged(self, evidence: "Evidence", known: "Before | None") -> "tuple[Scene, Verdict]":
        from msgspec.structs import replace

        from dcctl.audit.counters import Counters
        from dcctl.audit.judge import judge
        from dcctl.audit.scene import Scene

        counters = known.counters if known else Counters()
        now_s = evidence.taken_at_s or self.session.now_s
        held = replace(evidence, waivers=self.this.waivers)
        scene = Scene(held, now_s, self.this.policy, counters)
        chains = (known.chain,) if known else ()
        return scene, judge(scene, self.this.checks, chains)

    @property
    def _least_milli(self) -> int:
        asked = self.choice.min_coverage
        return 1000 - self.this.policy.own.unknown_most_milli if asked is None else round(asked * 10)

    def _tells_all(self, last: "Record | None") -> bool:
        """Whether this is the run of the week that tells how things stand."""
        from dcctl.audit.act.watch import is_due

        day = self.habit.digest or self.this.spec.digest
        return is_due(day, self.session.now_s, last.at_s if last else None)

    def _report(
        self,
        scene: "Scene",
        verdict: "Verdict",
        compared: "Compared",
        evidence: "Evidence",
        seq: int,
        known: "Before | None",
    ) -> "Report":
        from dcctl.audit.report import View, report
        from dcctl.cli.audit.setup import series_of

        last = known.last if known else None
        digest = self._tells_all(last)
        view = View(
            at_s=self.session.now_s,
            target=series_of(self.session),
            gaps=evidence.fleet.gaps,
            by=self.choice.by,
            severity="critical" if self.choice.severity == "crit" else self.choice.severity,
            least_milli=self._least_milli,
            run=seq,
            before_s=last.at_s if last else None,
            since=known.since if known else {},
            cron=self.habit.cron and not digest,
            acted_on=self.session.format == "name",
            noticed=frozenset(last.gaps if last else ()),
            broken=str(self.this.errors_file) if known else "",
        )
        told = report(verdict, compared, view)
        if self.choice.standard:
            from dcctl.cli.audit.standard import by_control

            told = by_control(told, self.choice.standard, verdict, scene)
        return in_few_lines(told, self.session, digest=digest) if self.habit.cron else told


def there(evidence: "Evidence", untold: frozenset[str], scope: "Scope") -> "Callable[[str], bool]":
    """What tells of a node whether this run was about it, and was answered by it or by all that know it."""
    nodes = {node.name for node in evidence.fleet.nodes}
    whole = not (scope.nodes or scope.exclude) and not any(
        not gap.node and gap.cause != "limited" for gap in evidence.fleet.gaps
    )
    return lambda name: name not in untold and (name in nodes or whole)


def in_few_lines(report: "Report", session: "Session", *, digest: bool) -> "Report":
    """The report with the few lines of a mail: in place of the table, and beside what goes to a file."""
    from msgspec.structs import replace

    from dcctl.audit.mail import lines
    from dcctl.cli.again import in_full

    again = in_full("dcctl audit", session)
    text = "".join(f"{line}\n" for line in lines(report, again, digest=digest))
    if session.format == "table":
        return replace(report, documents=(text,), news="" if session.file else text)
    return replace(report, news=text) if session.file else report
