"""What every source promises, and how a run of several is made into one answer."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from dcctl.inventory.model import Cause, Fleet, Gap, SourceRun
from dcctl.inventory.sound import sound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOOK_S = 0.2
"""How often the thread that waits looks for Ctrl-C: a signal that another thread took wakes nobody."""
_GRACE_S = 1.0
"""How long after Ctrl-C a source may still hand in what it has."""


class SourceError(Exception):
    """A whole source gave no answer. Becomes a Gap; never seen by the user as a traceback."""

    def __init__(self, subject: str, reason: str, cause: Cause = "failed", hint: str = "") -> None:
        """`subject` is what was asked, `reason` one line, `hint` the next command to type."""
        super().__init__(subject, reason)
        self.subject, self.reason, self.cause, self.hint = subject, reason, cause, hint


class Source(Protocol):
    """A system that knows part of the fleet."""

    @property
    def kind(self) -> str:
        """Word used in the configuration: `ssh`, `kubernetes`, `local`, …."""

    @property
    def name(self) -> str:
        """Unique in one run, e.g. `kubernetes:prod`."""

    def collect(self) -> Fleet:
        """Ask, and return what was learned, with a Gap for each thing that gave no answer.

        Raises SourceError when nothing at all was learned.
        """


def run(source: Source, *, strict: bool = False) -> Fleet:
    """Collect from one source; a failure is a gap (`strict`: an error), and the duration is kept either way.

    A saved fleet keeps the record of the sources that it was once made from.
    """
    started = time.monotonic()
    try:
        fleet = sound(source.collect(), source.name)
    except SourceError as error:
        if strict:
            raise
        gap = Gap(
            source=source.name, subject=error.subject, reason=error.reason, cause=error.cause, hint=error.hint
        )
        fleet = Fleet(gaps=(gap,))
    report = SourceRun(
        name=source.name,
        kind=source.kind,
        ok=not fleet.gaps,
        duration_ms=round((time.monotonic() - started) * 1000),
        items=len(fleet.nodes),
        gaps=len(fleet.gaps),
        cluster=getattr(source, "cluster", None),  # known once it was asked
    )
    return replace(fleet, sources=fleet.sources or (report,))


def run_all(
    sources: Sequence[Source], done: Callable[[SourceRun], None] | None = None, stop: Event | None = None
) -> list[Fleet]:
    """Collect from all sources at once; answers come in the order of `sources`. `done` hears of each.

    Ctrl-C sets `stop`, which tells sources to begin nothing new, and turns what is not finished shortly after
    into gaps with the cause `interrupted`.
    """
    tasks = [_Task(source, done) for source in sources]
    try:
        for task in tasks:
            task.start()
        for task in tasks:
            while not task.over.wait(_LOOK_S):  # join() takes a thread for ended once a signal came
                pass
    except KeyboardInterrupt:
        if stop is not None:
            stop.set()
        until = time.monotonic() + _GRACE_S
        for task in tasks:
            task.over.wait(max(0.0, until - time.monotonic()))
    return [task.answer() for task in tasks]


class _Task(Thread):
    """One source in a thread of its own, which nobody waits for when dcctl ends."""

    def __init__(self, source: Source, done: Callable[[SourceRun], None] | None) -> None:
        super().__init__(name=f"source {source.name}", daemon=True)
        self.source, self.done = source, done
        self.over = Event()
        self.fleet: Fleet | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Keep the fleet, or the error for the thread that waits."""
        try:
            fleet = run(self.source)
            if self.done is not None:
                self.done(fleet.sources[0])
            self.fleet = fleet
        except Exception as error:  # noqa: BLE001 - raised again by answer()
            self.error = error
        finally:
            self.over.set()

    def answer(self) -> Fleet:
        """The fleet, the gap of a source that was not done, or the error of one that cannot be asked."""
        if self.error is not None:
            raise self.error
        return interrupted(self.source) if self.fleet is None else self.fleet


def interrupted(source: Source) -> Fleet:
    """What is known of a source that Ctrl-C came before."""
    gap = Gap(source=source.name, subject=source.name, reason="interrupted by Ctrl-C", cause="interrupted")
    run = SourceRun(name=source.name, kind=source.kind, ok=False, duration_ms=0, items=0, gaps=1)
    return Fleet(gaps=(gap,), sources=(run,))
