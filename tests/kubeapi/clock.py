"""The time of the emulated cluster: real time times a speed, plus what a test added."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """`speed` cluster seconds pass in one real second; `advance` jumps ahead at once."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._born, self._real_born, self._jumped_s = time.time(), time.monotonic(), 0.0
        self.changed = threading.Event()

    def now(self) -> float:
        """Seconds since the epoch, in cluster time."""
        return self._born + (time.monotonic() - self._real_born) * self.speed + self._jumped_s

    def advance(self, seconds: float) -> None:
        self._jumped_s += seconds
        self.changed.set()

    def stamp(self, epoch_s: float | None = None) -> str:
        """RFC 3339 in whole seconds, as metav1.Time is written."""
        return datetime.fromtimestamp(self.now() if epoch_s is None else epoch_s, UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        )


def parse_stamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
