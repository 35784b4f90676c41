"""What the runs of every command that acts have in common: begun, found again, opened again."""

from __future__ import annotations

import getpass
import socket
from typing import TYPE_CHECKING, Protocol

from dcctl import journal
from dcctl.errors import RefusedError
from dcctl.journal import Header

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from dcctl.journal import Journal, Record


class Target(Protocol):
    """The cluster that a run acts on. Nothing is contacted before it must be."""

    @property
    def tells_cluster(self) -> str:
        """The command that tells a person which cluster is asked."""

    def cluster(self) -> str:
        """What tells the cluster that is asked from every other."""

    def is_cluster(self, ids: Collection[str]) -> bool | None:
        """Whether it is one of these; None: that cannot be learned."""


def begun(
    kind: str,
    plan: str,
    target: Target,
    now_s: int,
    command: str,
    options: str = "",
    files: Mapping[str, str] | None = None,
) -> Header:
    """The header of a run that begins now, of a plan with this digest. The rest: see `Header`."""
    return Header(
        kind=kind,
        run=f"{plan[:8]}-{now_s}",
        plan=plan,
        who=f"{getpass.getuser()}@{socket.gethostname()}",
        started_at_s=now_s,
        cluster=target.cluster(),
        command=command,
        options=options,
        files=dict(files or {}),
    )


def known(folder: Path, kind: str) -> list[Record]:
    """Every run of a kind, the newest first. RefusedError: a journal is damaged."""
    journal.demand_none_damaged(folder, kind)
    return journal.journals(folder, kind)


def unfinished(records: Iterable[Record]) -> Record | None:
    """The first that did not come to its end."""
    return next((one for one in records if not one.outcome), None)


def state(record: Record) -> str:
    """How it ended; else `under way` or `unfinished`."""
    return record.outcome or ("under way" if journal.under_way(record.path) else "unfinished")


def reopen(record: Record, target: Target) -> Journal:
    """Its journal, to go on with. RefusedError: it is under way, or ran on another cluster."""
    header, what = record.header, f"the run {record.header.run}"
    if journal.under_way(record.path):
        raise RefusedError(what, "is under way", header.status)
    if target.cluster() != header.cluster:
        raise RefusedError(what, "it ran on another cluster than the one that is asked now", header.resume)
    return journal.reopen(record.path)


def being_undone(header: Header) -> RefusedError:
    """The error for who would resume it."""
    return RefusedError(f"the run {header.run}", "is being undone", header.undo)


def demand_its_cluster(target: Target, ids: Collection[str]) -> None:
    """Return if a plan for these clusters (empty: it does not say) may be for this one. RefusedError."""
    if ids and target.is_cluster(ids) is False:
        why = "was made for another cluster than the one that is asked"
        raise RefusedError("the plan", why, target.tells_cluster)
