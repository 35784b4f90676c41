"""What is kept of a run, and how it differs from the runs before it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Struct

from dcctl.audit.check import State  # noqa: TC001  # msgspec reads it
from dcctl.audit.finding import Finding, rank

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from dcctl.audit.check import Check
    from dcctl.audit.evaluate import Tally


class Scope(Struct, frozen=True, omit_defaults=True):
    """What a run looked at."""

    select: tuple[str, ...] = ()
    """Patterns of checks; empty: all."""
    nodes: str = ""
    exclude: str = ""

    @property
    def partial(self) -> bool:
        """Whether it left nodes out."""
        return bool(self.nodes or self.exclude)


class Record(Struct, frozen=True, omit_defaults=True):
    """One run, as it enters the chain. Findings are told once: when they come and when they go."""

    seq: int
    at_s: int
    series: str
    """Runs of one series ask the same sources: only these are compared."""
    previous: str
    """Hash of the record before it, of whatever series."""
    version: str = ""
    scope: Scope = Scope()
    form: int = 1
    """From 2 on the head that names it is signed as a head, which no signature of a record can stand for."""
    checks: dict[str, dict[State, int]] = {}
    """Subjects by state, for each check."""
    coverage_milli: int | None = None
    new: tuple[Finding, ...] = ()
    gone: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    """Findings that are open and that this run could not look at."""
    known: int = 0
    """Findings that were there before and still are."""
    waived: int = 0
    covered: tuple[str, ...] = ()
    """Findings that are open and that a waiver covers."""
    kinds: tuple[str, ...] = ()
    """Kinds of evidence that this run or one before it was told."""
    gaps: tuple[str, ...] = ()
    digest: bool = False
    """It told how things stand, beside what is new."""
    evidence: str = ""
    """SHA-256 of the evidence."""
    head: str = ""
    """Hash of all ids that are open after this run."""

    def encode(self) -> bytes:
        """Return it as canonical JSON: keys in order, no blanks."""
        return msgspec.json.encode(self, order="sorted")


class Compared(NamedTuple):
    """The findings of a run beside those that were open."""

    new: tuple[Finding, ...]
    """Not open before, or graver than it was; or its waiver ended, or nobody was told of it."""
    known: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    unsure: tuple[Finding, ...]
    """Open before, not seen now, and nobody can tell that they are gone."""

    @property
    def open(self) -> tuple[Finding, ...]:
        """All that is open after this run."""
        return self.new + self.known + self.unsure


def compare(
    before: Mapping[str, Finding],
    now: Iterable[Finding],
    judged: Callable[[Finding], bool],
    again: Container[str] = (),
) -> Compared:
    """Hold the findings of a run against those that were open; `again`: ids that are new once more.

    `judged` tells of one that is not there now whether this run would have found it: what was not asked, or
    was asked and not told, is never gone.
    """
    new: list[Finding] = []
    known: list[Finding] = []
    seen: set[str] = set()
    for one in now:
        old = None if one.id in again else before.get(one.id)
        seen.add(one.id)
        (known if old and rank(old.severity) <= rank(one.severity) else new).append(one)
    missing = [one for key, one in before.items() if key not in seen]
    gone = tuple(one for one in missing if judged(one))
    return Compared(tuple(new), tuple(known), gone, tuple(one for one in missing if not judged(one)))


class Judged:
    """Whether a run looked at what a finding is about."""

    def __init__(self, tallies: Iterable[Tally], seen: Callable[[Check, Finding], bool]) -> None:
        """`seen` tells of a check and what it found before whether this run could have found it again."""
        self._seen = seen
        self._ran = {tally.check.id: (tally.check, tally.dark) for tally in tallies}

    def __call__(self, one: Finding) -> bool:
        if one.check not in self._ran:
            return False
        check, dark = self._ran[one.check]
        return dark.isdisjoint(("", one.object)) and self._seen(check, one)


def open_head(findings: Iterable[Finding]) -> str:
    """Return one hash for all that is open."""
    return hashlib.sha256("\n".join(sorted(one.id for one in findings)).encode()).hexdigest()


def replayed(records: Iterable[Record]) -> dict[str, Finding]:
    """Return what is open after the records of one series, in their order."""
    found: dict[str, Finding] = {}
    for record in records:
        for key in record.gone:
            found.pop(key, None)
        found.update({one.id: one for one in record.new})
    return found


def since_of(records: Iterable[Record]) -> dict[str, int]:
    """Return since when each finding is open after the records of one series, by id."""
    found: dict[str, int] = {}
    for record in records:
        for key in record.gone:
            found.pop(key, None)
        for one in record.new:
            found.setdefault(one.id, record.at_s)
    return found
