"""What every source promises, and how a run of several is made into one answer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable  # noqa: TC003 - the type of a field
from contextlib import suppress
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, Protocol, TypeVar

from msgspec.structs import replace

from dcctl.inventory.model import Cause, Fleet, Gap, SourceRun
from dcctl.inventory.sound import sound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.evidence.plant import Plant

T = TypeVar("T")
_LOOK_S = 0.2
"""How often the thread that waits looks for Ctrl-C: a signal that another thread took wakes nobody."""
_GRACE_S = 1.0
"""How long after Ctrl-C a source of the fleet may still hand in what it has."""
GRACE_S: Final = 3.0
"""The same for a source of evidence, which waits for its own parts before."""
PART_GRACE_S: Final = 0.5
"""The same for a part of a source: a list, a bucket, a device."""


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


class PlantSource(Source, Protocol):
    """A source of meters that tells of power and cooling beside them."""

    def plants(self) -> tuple[Plant, ...]:
        """How they fare. Raises SourceError when it does not answer."""


class EvidenceSource(Protocol):
    """What tells an audit more than the inventory does."""

    @property
    def name(self) -> str:
        """Unique in one run, that of the source of the inventory where it is the same."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The fields of Evidence that it tells: unknown where it does not answer."""

    def gather(self, stop: Event) -> Evidence:
        """Ask, and return what was told; what was not is silent, with why.

        Once `stop` is set nothing new is asked, and what was read by then is returned soon. Raises
        SourceError when nothing at all was told.
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

    What is not finished shortly after Ctrl-C, or after `stop` was set, is a gap with the cause `interrupted`.
    """

    def collected(source: Source) -> Fleet:
        fleet = run(source)
        if done is not None:
            done(fleet.sources[0])
        return fleet

    tasks = [Task(partial(collected, one), partial(interrupted, one)) for one in sources]
    return at_once(tasks, stop or Event(), grace_s=_GRACE_S)


class Task(NamedTuple, Generic[T]):
    """One piece of work, and what is known where it was not done in time."""

    work: Callable[[], T]
    cut: Callable[[], T]


def at_once(
    tasks: Sequence[Task[T]], stop: Event, *, most: int | None = None, grace_s: float = GRACE_S
) -> list[T]:
    """Return what comes of all tasks, in their order; `most` of them are under way at a time.

    Ctrl-C sets `stop`. Once it is set no other task begins, and those under way have `grace_s` to hand in
    what they have. An error of a task is raised here. The threads are nobody's to wait for when dcctl ends.
    """
    running = [_Running(task) for task in tasks]
    waiting = deque(running)

    def work() -> None:
        with suppress(IndexError):  # none is left
            while not stop.is_set():
                waiting.popleft().run()

    try:
        for number in range(len(tasks) if most is None else min(most, len(tasks))):
            Thread(target=work, name=f"task {number}", daemon=True).start()
        for one in running:
            while not (stop.is_set() or one.over.wait(_LOOK_S)):
                pass  # join() takes a thread for ended once a signal came
    except KeyboardInterrupt:
        stop.set()
    if stop.is_set():
        waiting.clear()
        until = time.monotonic() + grace_s
        for one in running:
            if one.begun:
                one.over.wait(max(0.0, until - time.monotonic()))
    return [one.answer() for one in running]


class _Running(Generic[T]):
    """A task in the hands of a thread."""

    def __init__(self, task: Task[T]) -> None:
        self._task = task
        self.begun, self.over = False, Event()
        self._answers: list[T] = []
        self._error: Exception | None = None

    def run(self) -> None:
        """Keep the answer, or the error for the thread that waits."""
        self.begun = True
        try:
            self._answers.append(self._task.work())
        except Exception as error:  # noqa: BLE001 - raised again by answer()
            self._error = error
        finally:
            self.over.set()

    def answer(self) -> T:
        """What came of it, what is known where it was not done, or its error."""
        if self._error is not None:
            raise self._error
        return next(iter(self._answers)) if self._answers else self._task.cut()


def interrupted(source: Source) -> Fleet:
    """What is known of a source that Ctrl-C came before."""
    gap = Gap(source=source.name, subject=source.name, reason="interrupted by Ctrl-C", cause="interrupted")
    run = SourceRun(name=source.name, kind=source.kind, ok=False, duration_ms=0, items=0, gaps=1)
    return Fleet(gaps=(gap,), sources=(run,))
