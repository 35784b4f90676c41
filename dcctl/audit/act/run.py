"""One audit from its evidence to its record: judged, held against the last run of its series, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.audit.act.keep import Run, before, keep, note_errors
from dcctl.audit.act.watch import is_due
from dcctl.audit.counters import Counters
from dcctl.audit.judge import judge
from dcctl.audit.record import Judged, Scope, compare
from dcctl.audit.report import gaps_of
from dcctl.audit.scene import Scene
from dcctl.audit.sight import Sight
from dcctl.errors import DcctlError, OutputError
from dcctl.inventory.evidence.collected import KINDS
from dcctl.inventory.evidence.own import Chain
from dcctl.inventory.model import Gap
from dcctl.state import DamagedError

if TYPE_CHECKING:
    from collections.abc import Collection, Container
    from pathlib import Path

    from dcctl.audit.act.keep import Before
    from dcctl.audit.act.signing import Signer
    from dcctl.audit.check import Check
    from dcctl.audit.days import Day
    from dcctl.audit.judge import Verdict
    from dcctl.audit.policy import Policy
    from dcctl.audit.record import Compared
    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.evidence.own import Waiver
    from dcctl.state import History


class Asked(NamedTuple):
    """What is asked of the evidence."""

    checks: tuple[Check, ...]
    policy: Policy
    waivers: tuple[Waiver, ...]
    scope: Scope
    series: str
    """Runs of one series are compared."""
    now_s: int
    least_milli: int
    """With less coverage the run is incomplete."""
    every_s: int | None
    """How often an audit is due; None: nobody said."""
    digest: Day | None = None
    """On which day of the week it tells how things stand, once."""


class Book(NamedTuple):
    """Where runs are kept."""

    history: History
    signer: Signer
    former_keys: Collection[str]
    """Public keys that have signed earlier runs."""
    errors_file: Path


class Audited(NamedTuple):
    """What came of one audit."""

    scene: Scene
    verdict: Verdict
    compared: Compared
    before: Before | None = None
    """What was known of the series; None: nothing was compared."""
    digest: bool = False
    """It tells how things stand."""
    seq: int = 0
    """Number of its record; 0: it was not kept."""
    unkept: tuple[Gap, ...] = ()
    """Why it could not be kept."""


def alone(asked: Asked, evidence: Evidence, damaged: DamagedError | None = None) -> Audited:
    """Judge the evidence and compare it with nothing: all findings are new.

    `damaged`: why there is nothing to compare with; a gap, and for SLF-04 a flaw.
    """
    chains = (Chain(flaws=((0, f"{damaged.what} {damaged.why}"),)),) if damaged else ()
    scene, verdict = _judged(asked, evidence, Counters(), chains)
    unkept = (_unkept(damaged, "compared with nothing and not kept"),) if damaged else ()
    new = compare({}, verdict.findings, lambda _one: True)
    return Audited(scene, verdict, new, digest=is_due(asked.digest, asked.now_s, None), unkept=unkept)


def _unkept(error: DcctlError, what: str) -> Gap:
    why = f"{error.why}; this run was {what}, and its findings will be new again"
    return Gap("audit", error.what, why, "failed", error.hint)


def compared(asked: Asked, evidence: Evidence, book: Book, *, kept: bool) -> Audited:
    """Judge the evidence, compare it with the last run of the series and, if `kept` says so, keep it.

    What was interrupted is never kept. A full disk or a damaged history does not take the answer away: it is
    a gap.
    """
    keys = (book.signer.public, *book.former_keys)
    try:
        known = before(book.history, keys, asked.series, asked.every_s, asked.now_s, asked.scope)
    except DamagedError as error:
        return alone(asked, evidence, error)
    kinds = known.last.kinds if known.last and not asked.scope.partial else ()
    scene, verdict = _judged(asked, evidence, known.counters, (known.chain,), kinds)
    judged = Judged(verdict.tallies, Sight(scene, verdict.untold, asked.scope))
    again = known.untold | ({*known.last.covered} - {*verdict.waived} if known.last else set())
    due = is_due(asked.digest, asked.now_s, known.digest_s)
    found = Audited(scene, verdict, compare(known.open, verdict.findings, judged, again), known, due)
    whole = not any(gap.cause == "interrupted" for gap in evidence.fleet.gaps)
    note_errors(book.errors_file, verdict)
    return _kept(asked, evidence, book, found) if kept and whole else found


def _kept(asked: Asked, evidence: Evidence, book: Book, found: Audited) -> Audited:
    gaps = gaps_of(evidence.fleet.gaps, found.verdict, asked.least_milli)
    run = Run(
        asked.series,
        asked.scope,
        asked.now_s,
        gaps,
        evidence,
        _counted(found.scene, asked.scope),
        found.digest,
        _covered(found),
        _kinds(found, asked.scope),
    )
    try:
        record = keep(book.history, book.signer, run, found.verdict, found.compared)
    except OutputError as error:
        return found._replace(unkept=(_unkept(error, "not kept"),))
    return found._replace(seq=record.seq)


def _counted(scene: Scene, scope: Scope) -> Counters:
    """What the next run of this scope compares with: of a narrow one what its checks compared."""
    counters = scene.counted()
    return counters if scope == Scope() else counters.only(scene.compared)


def _covered(found: Audited) -> tuple[str, ...]:
    """What waivers cover after a run; one that it could not look at is covered as it was."""
    last = found.before.last if found.before else None
    unsure = {one.id for one in found.compared.unsure}
    return tuple(sorted({*found.verdict.waived, *(unsure.intersection(last.covered) if last else ())}))


def _kinds(found: Audited, scope: Scope) -> tuple[str, ...]:
    """The kinds of evidence that were told so far. A part of the fleet may lack some of them."""
    evidence, last = found.scene.evidence, found.before.last if found.before else None
    told = {kind for kind in KINDS if getattr(evidence, kind) is not None} | {*evidence.silent}
    now = () if scope.partial else told.intersection(KINDS)
    return tuple(sorted({*now, *(last.kinds if last else ())}))


def _judged(
    asked: Asked,
    evidence: Evidence,
    counters: Counters,
    chains: tuple[Chain, ...],
    told_before: Container[str] = (),
) -> tuple[Scene, Verdict]:
    held = replace(evidence, waivers=asked.waivers)
    scene = Scene(held, evidence.taken_at_s or asked.now_s, asked.policy, counters, told_before)
    return scene, judge(scene, asked.checks, chains, whole=not asked.scope.partial)
