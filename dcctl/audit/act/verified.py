"""What came of verifying the history."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dcctl.audit.act.signing import read_head
from dcctl.audit.shape import VERIFY
from dcctl.errors import UsageError
from dcctl.render.report import Note, Report, Table
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcctl.state import Row

_HEAD: Final = re.compile(r"(?:(\d{1,18}):)?([0-9a-f]{64})")


def lost(folder: Path) -> tuple[tuple[int, str], ...]:
    """Return the flaw of a folder whose signed head names a history that is not there.

    UsageError: there is no head either.
    """
    head = read_head(folder)
    if head is None:
        raise UsageError(f"the history in {folder}", "there is none yet", "dcctl audit")
    return ((head.seq, f"history.db is missing, and the signed head names run {head.seq}"),)


def anchored(runs: Sequence[Row], head: str) -> tuple[tuple[int, str], ...]:
    """Return a flaw where the head that was kept elsewhere is not in the chain. UsageError: it is no head."""
    if not head:
        return ()
    match = _HEAD.fullmatch(head)
    if match is None:
        why = "must be a hash, or a number and a hash, as `audit verify` prints them"
        raise UsageError(f"--head {head}", why, "dcctl audit verify")
    found = {row.hash: row.seq for row in runs}.get(match[2])
    if found is not None and match[1] in (None, str(found)):
        return ()
    return ((int(match[1] or 0), "the head that was kept elsewhere is not in the chain"),)


def verify_report(flaws: Sequence[tuple[int, str]], kept: Sequence[Row], public: str) -> Report:
    """Return what is wrong with the history, and what to keep elsewhere."""
    rows = tuple((number or None, why) for number, why in flaws)
    head = f"{kept[-1].seq}:{kept[-1].hash}" if kept else None
    runs = len(kept)
    first = next((f", the first at run {number}" for number, _ in flaws if number), "")
    bad = f"{plural(len(rows), 'flaw')} in {plural(runs, 'run')}{first}"
    return Report(
        VERIFY.kind,
        bad if rows else f"{plural(runs, 'run')}, all whole",
        Table("items", VERIFY.items, rows),
        summary={"runs": runs, "head": head, "public_key": public},
        notes=(
            Note("head", head or "no run yet"),
            Note("public key", public),
            Note("limit", "who has root here has the key: keep both on another host, and compare them there"),
        ),
        name_key="run",
        level="crit" if rows else "ok",
    )
