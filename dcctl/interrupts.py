"""Ctrl-C and SIGTERM: a write in flight is finished first; what only computes ends at once."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from threading import Event, Thread, Timer
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from sys import UnraisableHookArgs
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN_S = 0.05
Answer = TypeVar("Answer")


class Interrupts:
    """Inside it both signals raise KeyboardInterrupt; inside a `step` once that is over, or if sent twice."""

    def __enter__(self) -> Interrupts:
        self._busy = self._asked = self._over = False
        self._again: list[Timer] = []
        self._before = {one: signal.signal(one, self._hear) for one in _SIGNALS}
        self._hook, sys.unraisablehook = sys.unraisablehook, self._lost
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        for timer in self._again:
            timer.cancel()
            timer.join()
        sys.unraisablehook = self._hook
        for one, handler in self._before.items():
            signal.signal(one, handler)

    @property
    def asked(self) -> bool:
        """Whether a signal came that is heard once the step is over: nothing long may be begun."""
        return self._asked

    @contextmanager
    def step(self) -> Iterator[None]:
        """One intent, its write and its end: they belong together."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
        if self._asked:
            raise KeyboardInterrupt

    def _hear(self, _signal: int, _frame: FrameType | None) -> None:
        if self._over:
            return  # nothing is left to end, and nothing may keep the handlers from being put back
        if self._busy and not self._asked:
            self._asked = True
            return
        raise KeyboardInterrupt

    def _lost(self, told: UnraisableHookArgs) -> None:
        """Python throws away what is raised while it clears up an object: there the signal is sent again.

        It never comes after the end: whoever goes on from there is interrupted once, and not a second time.
        """
        if isinstance(told.exc_value, KeyboardInterrupt):
            self._again.append(Timer(_AGAIN_S, os.kill, (os.getpid(), signal.SIGINT)))
            self._again[-1].start()
        else:
            self._hook(told)


class Stop(Event):
    """Set once no more is to be asked: whoever waits for answers looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self._interrupts = False

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Inside it nobody looks, since the main thread itself reads: it is interrupted when this is set."""
        self._interrupts = True
        try:
            if self.is_set():
                raise KeyboardInterrupt
            yield
        finally:
            self._interrupts = False

    def demand(self) -> None:
        """Set it, in the handler of a signal. What is computed meanwhile goes on."""
        self.set()
        if self._interrupts:
            raise KeyboardInterrupt


def awaited(work: Callable[[], Answer]) -> Answer:
    """Return what `work` returns, or raise what it raises, with signals heard meanwhile.

    A library that computes in C hears none. So the work is done in a thread; where a signal ends the wait,
    the thread ends with the process. `work` changes nothing that must be put right again.
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]
