"""A run undone: what it made is deleted, the last first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import DcctlError, RefusedError, UnfinishedError
from dcctl.interrupts import Interrupts
from dcctl.schedule.backends import Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.journal import Entry, Journal
    from dcctl.progress import Progress
    from dcctl.schedule.backends import Backend


def made(steps: Mapping[str, Entry]) -> tuple[tuple[str, Entry], ...]:
    """What the run made, or began to make, by title; the last first. What was there before stays."""
    rows = [
        (step.partition(" ")[2], entry)
        for step, entry in steps.items()
        if step.startswith("create ") and entry.state != "failed" and "kept" not in entry.data
    ]
    return tuple(reversed(rows))


def undo(backend: Backend, journal: Journal, progress: Progress) -> tuple[Step, ...]:
    """All that the run made is being deleted, and nothing else. UnfinishedError: some of it is left."""
    rows = made(journal.steps)
    progress.start(len(rows), "deleting")
    with Interrupts() as interrupts:
        try:
            for title, entry in rows:
                with interrupts.step():
                    _delete(backend, journal, title, entry)
                progress.advance(title)
        except KeyboardInterrupt:
            raise _unfinished(journal, "interrupted") from None
        except DcctlError as error:
            raise _unfinished(journal, str(error)) from error
    journal.end("undone")
    return tuple(Step("delete", title) for title, _ in rows)


def _delete(backend: Backend, journal: Journal, title: str, entry: Entry) -> None:
    step = f"delete {title}"
    known = journal.steps.get(step)
    if known is not None and known.state == "done":
        return
    journal.begin(step)
    try:
        backend.undo(entry, journal.header.run)
    except RefusedError as error:
        journal.failed(step, str(error))
        raise
    journal.done(step)


def _unfinished(journal: Journal, why: str) -> UnfinishedError:
    return UnfinishedError(f"schedule apply --undo: {why}", f"journal {journal.path}", journal.header.undo)
