"""Work that waits for answers, done by threads that end with the process."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Job: TypeAlias = "Callable[[], None]"


class Workers:
    """So many threads at most, begun as they are needed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._waiting, self._turn = 0, threading.Lock()

    def submit(self, job: Job) -> None:
        """It is done as soon as a thread is free. What it has to tell, it tells itself."""
        with self._turn:
            self._waiting += 1
            if self._waiting > len(self._threads) and len(self._threads) < self._most:
                self._threads.append(threading.Thread(target=self._work, daemon=True))
                self._threads[-1].start()
        self._jobs.put(job)

    def close(self) -> None:
        """Every thread ends after the job that it does now."""
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            with self._turn:
                self._waiting -= 1
