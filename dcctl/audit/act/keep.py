"""The history of audits: what is open, the chain of its runs, and one run more."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from dcctl import __version__
from dcctl.audit.act.signing import read_head, verifier, write_head
from dcctl.audit.chain import START, Head, Link, digest, disagreements, flaws, head_text, record_of
from dcctl.audit.counters import Counters, decode
from dcctl.audit.finding import Finding
from dcctl.audit.record import Record, Scope, open_head, replayed, since_of
from dcctl.errors import DcctlError
from dcctl.inventory.evidence.own import Chain
from dcctl.redaction import without_credentials
from dcctl.state import Entry, Open, Row, damaged, reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dcctl.audit.act.signing import Signer
    from dcctl.audit.judge import Verdict
    from dcctl.audit.record import Compared
    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.state import History


_FORM: Final = 2


class Before(NamedTuple):
    """What the history knows before a run."""

    open: Mapping[str, Finding]
    since: Mapping[str, int]
    counters: Counters
    last: Record | None
    """The last run of this series."""
    chain: Chain
    alike: Record | None = None
    """The last that somebody was told of and that looked at the same; where there is none, at everything."""
    untold: frozenset[str] = frozenset()
    """What was new in runs that nobody was told of."""
    digest_s: int | None = None
    """When a run of this series last told how things stand; None: none did."""


class Run(NamedTuple):
    """One run, to be kept."""

    series: str
    scope: Scope
    at_s: int
    gaps: tuple[str, ...]
    evidence: Evidence
    counters: Counters
    """What the next run of this scope compares with."""
    digest: bool = False
    """It tells how things stand."""
    covered: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


def before(
    history: History,
    public: Collection[str],
    series: str,
    every_s: int | None,
    at_s: int,
    scope: Scope = Scope(),  # noqa: B008  # a constant
) -> Before:
    """Return what is known before a run of a series that begins now. What was changed is a flaw.

    `public`: the keys that may have signed the history. DamagedError: it cannot be compared with.
    """
    last, those = history.last(series), list(_whole(history.runs(series)))
    opened = history.open(series) if last else {}
    newest = history.last()
    found = msgspec.json.Decoder(Finding)
    flaws = check(history, public)
    chain = Chain(flaws=flaws, last_at_s=newest and newest.at_s, every_s=every_s, at_s=at_s)
    counted = history.counters(_counting(series, scope)) or history.counters(series)
    told_of = history.told(series)
    told = [one for one in those if one.seq <= told_of]
    try:
        return Before(
            {key: found.decode(one.body) for key, one in opened.items()},
            {key: one.since_s for key, one in opened.items()},
            decode(counted) if counted else Counters(),
            last and record_of(_link(last)),
            chain,
            _alike(told, scope),
            frozenset(new.id for one in those if one.seq > told_of for new in one.new),
            next((one.at_s for one in reversed(told) if one.digest), None),
        )
    except (ValueError, msgspec.DecodeError) as error:
        raise damaged(history.folder, f"it was changed, and cannot be compared with: {error}") from error


def _whole(rows: Iterable[Row]) -> Iterator[Record]:
    """The records that can be read; of the others `check` tells."""
    for row in rows:
        with suppress(ValueError):
            yield record_of(_link(row))


def _alike(records: Sequence[Record], scope: Scope) -> Record | None:
    """The last of this scope, else the last of all nodes and checks."""
    last = {one.scope: one for one in records}
    return last.get(scope) or last.get(Scope())


def _counting(series: str, scope: Scope) -> str:
    """What the counters of runs of one scope are kept by: a narrow run takes no growth from a wide one."""
    return series if scope == Scope() else f"{series} {msgspec.json.encode(scope).decode()}"


def check(history: History, public: Collection[str]) -> tuple[tuple[int, str], ...]:
    """Return (number of the run, what is wrong) for each flaw of the history; 0: of the whole.

    `public`: the keys that may have signed it.
    """
    links = [_link(row) for row in history.runs()]
    found = flaws(links, read_head(history.folder), verifier(public))
    if found:
        return found
    series: dict[str, list[Record]] = {}
    for record in map(record_of, links):
        series.setdefault(record.series, []).append(record)
    return disagreements(series.values()) or tuple(_open_agrees(history, series))


def _open_agrees(history: History, series: Mapping[str, list[Record]]) -> Iterator[tuple[int, str]]:
    """Hold what is kept as open against what the records leave."""
    for name, those in series.items():
        told = {key: _encoded(one) for key, one in replayed(those).items()}
        since = since_of(those)
        if history.open(name) != {key: Open(body, since[key]) for key, body in told.items()}:
            yield those[-1].seq, "the list of what is open was changed"


def _encoded(one: Finding) -> bytes:
    return msgspec.json.encode(one, order="sorted")


def _link(row: Row) -> Link:
    return Link(row.seq, row.body, row.hash, row.signature, row.series, row.at_s)


def keep(history: History, signer: Signer, run: Run, verdict: Verdict, compared: Compared) -> Record:
    """Write a run to the history, signed. OutputError: it could not be written."""
    last, head = history.last(), read_head(history.folder)
    record = Record(
        seq=max(last.seq if last else 0, head.seq if head else 0) + 1,
        at_s=run.at_s,
        series=run.series,
        previous=last.hash if last else START,
        version=__version__,
        form=_FORM,
        scope=run.scope,
        checks={one.check.id: dict(one.counts) for one in verdict.tallies},
        coverage_milli=verdict.coverage.milli,
        new=compared.new,
        gone=tuple(one.id for one in compared.gone),
        unsure=tuple(one.id for one in compared.unsure),
        known=len(compared.known),
        waived=len(verdict.waived),
        covered=run.covered,
        kinds=run.kinds,
        gaps=run.gaps,
        digest=run.digest,
        evidence=_digest(run.evidence),
        head=open_head(compared.open),
    )
    body = record.encode()
    hashed = digest(record.previous, body)
    signature = signer.sign(hashed)
    history.append(
        Entry(
            Row(record.seq, run.series, run.at_s, body, hashed, signature),
            {one.id: _encoded(one) for one in compared.new},
            record.gone,
            _counting(run.series, run.scope),
            run.counters.encode(),
        )
    )
    of_head = signer.sign(head_text(record.seq, hashed))
    write_head(history.folder, Head(record.seq, hashed, of_head.hex()))
    return record


def note_told(folder: Path, series: str, seq: int) -> None:
    """Note that a run was told of. Where that fails, the next tells its news once more."""
    with suppress(DcctlError), reading(folder) as history:
        history.mark_told(series, seq)


def note_errors(path: Path, verdict: Verdict) -> None:
    """Put the tracebacks of checks that broke in a file; none is left where none did."""
    told = [f"{one.check.id}\n{one.error}" for one in verdict.tallies if one.error]
    with suppress(OSError):
        path.unlink(missing_ok=True)
        if told:
            text = without_credentials("\n".join(told))
            path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _digest(evidence: Evidence) -> str:
    from dcctl.inventory.evidence.document import pieces

    found = hashlib.sha256()
    for piece in pieces(evidence):
        found.update(piece)
    return found.hexdigest()


def opened(history: History) -> list[Finding]:
    """Return what is open after the last run of each series, each finding once. DamagedError."""
    bodies = {
        key: one.body
        for name in {row.series for row in history.runs()}
        for key, one in history.open(name).items()
    }
    try:
        return [msgspec.json.decode(body, type=Finding) for body in bodies.values()]
    except (ValueError, msgspec.DecodeError) as error:
        raise damaged(history.folder, f"it was changed: {error}") from error


def records(history: History) -> list[Record]:
    """Return all records. DcctlError: one was changed so that it is none."""
    try:
        return [record_of(_link(row)) for row in history.runs()]
    except ValueError as error:
        raise DcctlError(f"the history in {history.folder}", str(error), "dcctl audit verify") from error
