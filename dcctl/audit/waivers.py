"""Waivers: findings that somebody bears, for a time and a reason. They change the exit code, not the rows."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.audit import named
from dcctl.audit.terms import ends_at_s
from dcctl.inventory.evidence.own import Waiver

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from dcctl.audit.entries import Entry
    from dcctl.audit.finding import Finding

_KEYS: Final = ("id", "object", "owner", "ticket", "reason", "created", "expires", "finding")
_ATTESTED_KEYS: Final = ("id", "object", "owner", "reason", "created", "expires")
_OWN: Final = "SLF-"
_ID: Final = re.compile(r"[0-9a-f]{16}")
_DAY_S: Final = 86400


def read(entries: Iterable[Entry], known: Collection[str]) -> tuple[Waiver, ...]:
    """Return the waivers of a file. UsageError, with file and line, for what cannot be one.

    `known`: ids of checks. A waiver without an owner, and one for too long, is read: SLF-03 reports it.
    """
    found: dict[str, Waiver] = {}
    for entry in entries:
        one = _read(entry, known)
        before = found.setdefault(one.key, one)
        if before is not one:
            raise entry.wrong(
                "", f"waives the same as {before.place}: change the dates of one, delete the other"
            )
    return tuple(found.values())


def read_attestations(entries: Iterable[Entry], known: Collection[str]) -> tuple[Waiver, ...]:
    """Return the attestations of a file. UsageError, with file and line, for what cannot be one.

    `known`: ids of the checks that nobody but a person can decide.
    """
    found = []
    for entry in entries:
        entry.check_keys(_ATTESTED_KEYS)
        name = entry.text("id", needed=True)
        if name not in known:
            raise entry.wrong("id", f"{name} is for no person to attest; these are: {', '.join(known)}")
        found.append(replace(_told(entry, name, of_all=True), attests=True))
    return tuple(found)


def _read(entry: Entry, known: Collection[str]) -> Waiver:
    entry.check_keys(_KEYS)
    return _told(entry, _check(entry, known), of_all=False)


def _told(entry: Entry, name: str, *, of_all: bool) -> Waiver:
    """What an entry says. `of_all`: it may name no objects, and then means all."""
    created, expires = entry.day_s("created"), entry.day_s("expires")
    if expires < created:
        raise entry.wrong("expires", "is before `created`")
    finding = entry.text("finding")
    if finding and not _ID.fullmatch(finding):
        raise entry.wrong("finding", "must be 16 hexadecimal digits, as the column ID of `-o wide` has them")
    return Waiver(
        check=name,
        objects=entry.text("object", needed=not of_all) or "*",
        owner=entry.text("owner"),
        ticket=entry.text("ticket"),
        reason=entry.text("reason"),
        created_at_s=created,
        expires_at_s=expires + _DAY_S,
        place=entry.place,
        finding=finding,
    )


def may_be_waived(check: str) -> bool:
    """Tell whether anybody may bear what a check finds: not what the audit says of itself."""
    return not check.startswith(_OWN)


def _check(entry: Entry, known: Collection[str]) -> str:
    """Return the check that an entry names. UsageError: there is none, or it may not be waived."""
    name = entry.text("id", needed=True)
    if not may_be_waived(name):
        raise entry.wrong("id", "the audit of the audit cannot be waived")
    if name in known:
        return name
    if "*" in name or "?" in name:
        raise entry.wrong("id", f"must be one check, not {name}: each risk is decided by itself")
    near = difflib.get_close_matches(name.upper(), known, 1)
    raise entry.wrong("id", f"there is no check {name}" + (f"; did you mean {near[0]}?" if near else ""))


def waived(findings: Iterable[Finding], waivers: Sequence[Waiver], now_s: int) -> dict[str, Waiver]:
    """Return, by finding, the waiver that covers it: the first that is in force."""
    held = [one for one in waivers if not one.attests and holds(one, now_s)]
    found = {}
    for finding in findings:
        cover = next((one for one in held if covers(one, finding)), None)
        if cover is not None:
            found[finding.id] = cover
    return found


def covers(waiver: Waiver, finding: Finding) -> bool:
    """Tell whether a waiver is about a finding, be it in force or not."""
    return (
        waiver.check == finding.check and waiver.finding in ("", finding.id) and means(waiver, finding.object)
    )


def holds(waiver: Waiver, now_s: int) -> bool:
    """Tell whether it is in force."""
    return waiver.created_at_s <= now_s < ends_at_s(waiver)


def means(waiver: Waiver, subject: str) -> bool:
    """Tell whether it is about a subject, by its pattern."""
    return named.means(waiver.objects, subject)


def used(
    waivers: Iterable[Waiver], findings: Sequence[Finding], looked: Callable[[Waiver], bool]
) -> tuple[Waiver, ...]:
    """Return the waivers, each with the number of findings that it covers.

    `looked` tells whether all was looked at that a waiver means: one that covers nothing then is unused.
    """
    by_check: dict[str, list[Finding]] = {}
    for one in findings:
        by_check.setdefault(one.check, []).append(one)

    def count(one: Waiver) -> int | None:
        return sum(covers(one, each) for each in by_check.get(one.check, ())) or (0 if looked(one) else None)

    return tuple(one if one.attests else replace(one, used=count(one)) for one in waivers)


def as_yaml(fields: Mapping[str, str]) -> str:
    """Return one waiver as it stands in a file."""
    import json

    lines = [f"{name}: {json.dumps(fields[name], ensure_ascii=False)}" for name in _KEYS if fields.get(name)]
    return "- " + "\n  ".join(lines) + "\n"
