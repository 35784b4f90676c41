"""Patterns of a site on names that others choose: a search that goes on without end is given up."""

from __future__ import annotations

import re
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_MATCH_S: Final = 0.25
"""Of processor time, for one text."""
_LOST_S: Final = 2.0
"""So much time one pattern may lose on texts that were given up."""


class Pattern:
    """A regular expression whose searches end."""

    def __init__(self, text: str) -> None:
        """Raises re.error: it is none."""
        self._pattern, self._left_s = re.compile(text), _LOST_S

    def found_in(self, text: str) -> bool:
        """Tell whether it is in a text. Raises TimeoutError when that takes too long."""
        if self._left_s > 0:
            try:
                with _limited():
                    return self._pattern.search(text) is not None
            except TimeoutError:
                self._left_s -= _MATCH_S
        why = "takes too long: give it no repeat inside a repeat"
        raise TimeoutError(f"to search for {self._pattern.pattern} {why}")


@contextmanager
def _limited() -> Iterator[None]:
    """Raises TimeoutError inside it once its time is used up; only the main thread can be stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _end)
    signal.setitimer(signal.ITIMER_VIRTUAL, _MATCH_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError
