"""Many devices asked at once: what each tells, in their order, and a gap for each that tells nothing."""

from __future__ import annotations

import time
from collections.abc import Callable  # noqa: TC003 - the type of a field
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field

from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.model import PowerMeter

T = TypeVar("T")


class Asking(Struct, frozen=True):
    """How a source asks its devices."""

    name: str
    """Of the source."""
    site: str | None = None
    fanout: int = 32
    timeout_s: float = 30.0
    """For one device."""
    stop: Event = field(default_factory=Event)
    """Once it is set, no further device is asked."""
    now: Callable[[], float] = time.time


def ask_all(asking: Asking, devices: Sequence[T], ask: Callable[[T], Fleet]) -> Fleet:
    """Return the meters and gaps of all devices. `ask` raises SourceError for one that gives no answer.

    The threads are nobody's to wait for once Ctrl-C was pressed.
    """
    left: SimpleQueue[int] = SimpleQueue()
    for at in range(len(devices)):
        left.put(at)
    answers: dict[int, Fleet | Exception] = {}

    def work() -> None:
        while not asking.stop.is_set():
            try:
                at = left.get_nowait()
            except Empty:
                return
            try:
                answers[at] = ask(devices[at])
            except SourceError as error:
                gap = Gap(asking.name, error.subject, error.reason, error.cause, error.hint)
                answers[at] = Fleet(gaps=(gap,))
            except Exception as error:  # noqa: BLE001  # raised again where somebody sees it
                answers[at] = error

    threads = [
        Thread(target=work, name=f"{asking.name} {number}", daemon=True)
        for number in range(min(asking.fanout, len(devices)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _together([answers[at] for at in sorted(answers)])


def _together(answers: Sequence[Fleet | Exception]) -> Fleet:
    meters: list[PowerMeter] = []
    gaps: list[Gap] = []
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
        meters += answer.meters
        gaps += answer.gaps
    return Fleet(meters=tuple(meters), gaps=tuple(gaps))
