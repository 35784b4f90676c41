"""Asking one source after the other for evidence, until all have answered or Ctrl-C comes."""

from __future__ import annotations

from concurrent.futures import Future, wait
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.unreached import CUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dcctl.inventory.model import Fleet

_GRACE_S: Final = 3.0
"""So long a source that is told to stop may take to say what it knows."""
_BEAT_S: Final = 0.2
"""A signal that comes just before a wait begins is heard when it ends."""


class Asking:
    """Sources asked one after the other, until Ctrl-C, be it while the fleet was met or here."""

    def __init__(self, fleet: Fleet) -> None:
        """`fleet`: as it was met; a gap of it tells that Ctrl-C came."""
        self.stop = Event()
        if any(gap.cause == CUT.cause for gap in fleet.gaps):
            self.stop.set()

    def of(self, work: Callable[[], Iterable[Evidence]], kinds: Iterable[str]) -> tuple[Evidence, ...]:
        """Return what a source tells; after Ctrl-C what it has by then, else silence about its kinds."""
        dark = (Evidence(silent=dict.fromkeys(kinds, CUT)),)
        if self.stop.is_set():
            return dark
        found: Future[tuple[Evidence, ...]] = Future()
        try:
            Thread(target=_into, args=(found, work), daemon=True).start()
            while not found.done():
                wait((found,), _BEAT_S)
        except KeyboardInterrupt:
            self.stop.set()
            wait((found,), _GRACE_S)
        return found.result() if found.done() else dark


def _into(found: Future[tuple[Evidence, ...]], work: Callable[[], Iterable[Evidence]]) -> None:
    """Put what `work` returns or raises where the one who waits finds it."""
    try:
        found.set_result(tuple(work()))
    except Exception as error:  # noqa: BLE001 - raised again by who waits
        found.set_exception(error)
