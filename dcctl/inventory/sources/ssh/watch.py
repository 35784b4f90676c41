"""Deadlines that hold whatever the other side does: when time is up, the connection is cut."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Alarm:
    """One deadline."""

    def __init__(self, cut: Callable[[], None]) -> None:
        self.cut, self.rang, self.off = cut, False, False


class Watchdog:
    """One thread for all deadlines of a run.

    Blocking calls end because their connection is cut under them: a peer that drips bytes gains nothing.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Alarm]] = []
        self._number = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def limit(self, seconds: float, cut: Callable[[], None]) -> Iterator[Alarm]:
        """Call `cut` in another thread unless the block ends in time; `rang` says whether it was called."""
        alarm = Alarm(cut)
        entry = (time.monotonic() + seconds, next(self._number), alarm)
        with self._changed:
            heapq.heappush(self._heap, entry)
            self._start()
            if self._heap[0] is entry:
                self._changed.notify()
        try:
            yield alarm
        finally:
            alarm.off = True

    def close(self) -> None:
        """End the thread, and cut at once what still has a deadline open."""
        with self._changed:
            self._closed = True
            waiting = [alarm for _, _, alarm in self._heap if not alarm.off]
            self._changed.notify()
        for alarm in waiting:
            alarm.rang = True
            alarm.cut()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="ssh-deadlines", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        while True:
            with self._changed:
                alarm = self._next()
            if alarm is None:
                return
            if not alarm.off:
                alarm.rang = True
                alarm.cut()

    def _next(self) -> Alarm | None:
        """Return the first alarm whose time has come; None when the watchdog was closed."""
        while not self._closed:
            while self._heap and self._heap[0][2].off:
                heapq.heappop(self._heap)
            if self._heap and self._heap[0][0] <= time.monotonic():
                return heapq.heappop(self._heap)[2]
            self._changed.wait(self._heap[0][0] - time.monotonic() if self._heap else None)
        return None
