"""`dcctl audit run`: what is insecure, unhealthy or drifting, and what is new since the last run."""

from contextlib import ExitStack, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from dcctl.cli.audit.options import Choice, Habit, check

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from dcctl.audit.act.run import Asked
    from dcctl.cli.audit.setup import Setup
    from dcctl.cli.session import Session
    from dcctl.interrupts import Stop
    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.render.report import Report, Shape
    from dcctl.state import History


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

    check(choice, habit)
    if habit.sudoers or habit.rbac:
        from dcctl.cli.audit.rights import rights

        return rights(session, sudoers=habit.sudoers)
    if habit.since:
        from dcctl.cli.audit.diff import timeline

        return timeline(session, habit.since, choice.models or ())
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
    from dcctl.audit.act.keep import note_told
    from dcctl.audit.act.run import Book, alone, compared
    from dcctl.audit.act.watch import Deadline, judging
    from dcctl.cli.audit.told import Telling, shape_of, told
    from dcctl.state import DamagedError

    asked, damaged = _asked(session, this, choice, habit), None
    with ExitStack() as held:
        history: History | None = None
        try:
            history = held.enter_context(_history(session, this, habit))
        except DamagedError as error:
            damaged = error
        with Deadline(habit.deadline) as limit:
            evidence = evidence_of(session, shape_of(choice), tuple(choice.models or ()), limit.stop)
        evidence = limit.told(evidence)
        if choice.save:
            _save(choice.save, evidence)
        if history is None:
            with judging(habit.deadline):
                done = alone(asked, evidence, damaged)
            return told(Telling(session, this.spec, choice, habit, ""), asked, done)
        book = Book(history, this.signer(), this.spec.former_keys, this.errors_file)
        with judging(habit.deadline):
            done = compared(asked, evidence, book, kept=session.first)
        if done.seq:
            session.on_shown.append(partial(note_told, this.folder, asked.series, done.seq))
        return told(Telling(session, this.spec, choice, habit, str(this.errors_file)), asked, done)


def _asked(session: "Session", this: "Setup", choice: Choice, habit: Habit) -> "Asked":
    from dcctl.audit.act.run import Asked
    from dcctl.audit.record import Scope
    from dcctl.cli.audit.setup import selected, series_of
    from dcctl.inventory.lengths import duration

    patterns, least = tuple(choice.select or ()), choice.min_coverage
    return Asked(
        checks=selected(this.checks, patterns),
        policy=this.policy,
        waivers=this.waivers,
        scope=Scope(patterns, session.settings.nodes, session.settings.exclude),
        series=series_of(session, choice.models or ()),
        now_s=session.now_s,
        least_milli=1000 - this.policy.own.unknown_most_milli if least is None else round(least * 10),
        every_s=duration(this.spec.every) if this.spec.every else None,
        digest=(habit.digest or this.spec.digest) if habit.cron else None,
    )


def _history(session: "Session", this: "Setup", habit: Habit) -> "AbstractContextManager[History | None]":
    """The history, locked; read alone in all rounds of --watch but the first; None: nothing is compared."""
    if not habit.record:
        return nullcontext()
    from dcctl.state import locked, reading

    return locked(this.folder) if session.first else reading(this.folder)


def evidence_of(session: "Session", shape: "Shape", models: tuple[str, ...], stop: "Stop") -> "Evidence":
    """All that the sources of this run and stores of models tell, or the evidence that -i names."""
    from dcctl import collectors

    with stop.interrupting():
        found = collectors.saved(session.settings, models)
        if found is not None:
            return found
        collection = collectors.Collection(session.settings, models)
    fleet = session.survey(shape, asked=collection.asked, lenient=True, stop=stop).fleet
    return collection.gather(fleet, session.now_s, stop)


def _save(path: str, evidence: "Evidence") -> None:
    from dcctl.inventory.evidence.document import pieces
    from dcctl.render.atomic import write_atomic

    write_atomic(path, lambda out: out.writelines(piece.decode() for piece in pieces(evidence)))
