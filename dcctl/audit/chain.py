"""The chain of runs: each record has the hash of the one before it, and each hash is signed."""

from __future__ import annotations

import hashlib
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Struct

from dcctl.audit.record import Record, open_head, replayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

START = "0" * 64
"""What the first record has for the hash of the one before it."""


class Link(NamedTuple):
    """A record as it is kept."""

    seq: int
    body: bytes
    hash: str
    signature: bytes
    series: str
    at_s: int
    """These two stand beside the body too, for who looks for a run."""


class Head(Struct, frozen=True):
    """Where the chain ends: kept beside it, and to be sent to another host."""

    seq: int
    hash: str
    signature: str
    """Of its `text`, in hexadecimal."""

    @property
    def text(self) -> str:
        """What is signed: no record has a signature of it."""
        return head_text(self.seq, self.hash)


def head_text(seq: int, hashed: str) -> str:
    """Return what is signed of a head."""
    return f"head:{seq}:{hashed}"


def digest(previous: str, body: bytes) -> str:
    """Return the hash of a record."""
    return hashlib.sha256(previous.encode() + body).hexdigest()


def flaws(
    links: Sequence[Link], head: Head | None, signed: Callable[[str, bytes], bool]
) -> tuple[tuple[int, str], ...]:
    """Return (number of the run, what is wrong with it) for each flaw; 0: with the chain as a whole.

    `signed` tells whether a signature of a hash is by our key.
    """
    found = sorted((*_of_links(links), *_unsigned(links, signed)), key=itemgetter(0))
    last = links[-1] if links else None
    if head is None:
        return (*found, *(((0, "the signed head is missing"),) if last else ()))
    by_number = {link.seq: link for link in links}
    named = by_number.get(head.seq)
    if not signed(head.text, bytes.fromhex(head.signature)) and not _of_old(named, head, signed):
        found.append((0, "the head is not signed by this key"))
    elif last is None or head.seq > last.seq:
        found.append((head.seq, f"runs are missing at the end: the head names run {head.seq}"))
    elif named is None or named.hash != head.hash:  # a run after it was kept, and then the power failed
        found.append((head.seq, "is not the one that the head names"))
    return tuple(found)


def _of_old(named: Link | None, head: Head, signed: Callable[[str, bytes], bool]) -> bool:
    """Whether a head has the signature of its record, as all had before heads were signed as heads."""
    record = named and _record(named.body)
    return bool(record and record.form == 1) and signed(head.hash, bytes.fromhex(head.signature))


def _of_links(links: Sequence[Link]) -> Iterator[tuple[int, str]]:
    previous, number = START, 0
    for link in links:
        if link.seq != number + 1:
            yield link.seq, f"runs {number + 1} to {link.seq - 1} are missing before it"
        record = _record(link.body)
        if record is None:
            yield link.seq, "is no record"
        elif record.seq != link.seq:
            yield link.seq, f"stands in the place of run {record.seq}"
        elif record.previous != previous:
            yield link.seq, "does not follow the run before it"
        elif (record.series, record.at_s) != (link.series, link.at_s):
            yield link.seq, "was changed: it is kept as of other sources, or of another time"
        if digest(record.previous if record else previous, link.body) != link.hash:
            yield link.seq, "was changed: its hash is another"
        previous, number = link.hash, link.seq


def _unsigned(links: Sequence[Link], signed: Callable[[str, bytes], bool]) -> Iterator[tuple[int, str]]:
    """Each stretch of runs that our key did not sign, once: a key that was lost is one flaw."""
    for known, group in groupby(links, lambda link: signed(link.hash, link.signature)):
        if not known:
            stretch = [link.seq for link in group]
            upto = f", nor is any run up to {stretch[-1]}" if len(stretch) > 1 else ""
            yield stretch[0], f"is not signed by this key{upto}"


def _record(body: bytes) -> Record | None:
    try:
        return msgspec.json.decode(body, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def record_of(link: Link) -> Record:
    """Return the record of a link. Raises ValueError when it is none."""
    found = _record(link.body)
    if found is None:
        raise ValueError(f"run {link.seq} is no record")
    return found


def disagreements(series: Iterable[Sequence[Record]]) -> tuple[tuple[int, str], ...]:
    """Return the last runs of series whose findings, told again from the first, are not those it names."""
    return tuple(
        (each[-1].seq, "what is open is not what the runs before it leave")
        for each in series
        if each[-1].head != open_head(replayed(each).values())
    )
