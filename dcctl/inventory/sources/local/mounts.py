"""Mounted file systems with space of their own, measured without waiting for one that hangs."""

from __future__ import annotations

import time
from threading import Thread
from typing import TYPE_CHECKING

from dcctl.inventory.probes.rules import has_space
from dcctl.inventory.sources.machine.facts import MountFacts, Unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dcctl.inventory.model import Cause

    Answer = tuple[int, int] | OSError


def partitions(rows: Iterable[tuple[str, str, str]]) -> list[MountFacts]:
    """Of (path, device, type), those with space of their own, not yet measured; the root in any case."""
    return [MountFacts(path, device, fstype) for path, device, fstype in rows if has_space(path, fstype)]


def measured(
    rows: Sequence[MountFacts], measure: Callable[[str], tuple[int, int]], deadline_s: float
) -> tuple[tuple[MountFacts, ...], tuple[Unread, ...]]:
    """The mounts with size and free bytes, and what could not be measured by the deadline.

    statvfs on a dead NFS server never returns, so each is asked in a thread of its own that is left behind.
    """
    answers: dict[str, Answer] = {}
    threads = [Thread(target=_ask, args=(measure, row.path, answers), daemon=True) for row in rows]
    until = time.monotonic() + deadline_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    found = [(row, answers.get(row.path)) for row in rows]
    mounts = tuple(_with_space(row, answer) for row, answer in found)
    unread = tuple(
        _unread(row.path, answer, deadline_s) for row, answer in found if not isinstance(answer, tuple)
    )
    return mounts, unread


def _ask(measure: Callable[[str], tuple[int, int]], path: str, answers: dict[str, Answer]) -> None:
    try:
        answers[path] = measure(path)
    except OSError as error:
        answers[path] = error


def _with_space(row: MountFacts, answer: Answer | None) -> MountFacts:
    if not isinstance(answer, tuple):
        return row
    return MountFacts(row.path, row.device, row.fstype, size_bytes=answer[0], free_bytes=answer[1])


def _unread(path: str, answer: OSError | None, deadline_s: float) -> Unread:
    if answer is None:
        return Unread(f"mount {path}", f"the file system did not answer within {deadline_s:g} s", "timeout")
    cause: Cause = "denied" if isinstance(answer, PermissionError) else "failed"
    return Unread(f"mount {path}", answer.strerror or "statvfs failed", cause)
