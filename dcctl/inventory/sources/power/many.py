"""Many devices asked at once: what each tells, in their order, and a gap for each that tells nothing."""

from __future__ import annotations

import time
from collections.abc import Callable  # noqa: TC003 - the type of a field
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.plant import Plant
from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.evidence.plant import Temperature

T = TypeVar("T")
R = TypeVar("R")


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

    def answer(device: T) -> Fleet:
        try:
            return ask(device)
        except SourceError as error:
            gap = Gap(asking.name, error.subject, error.reason, error.cause, error.hint)
            return Fleet(gaps=(gap,))

    return _together(_each(asking, devices, answer))


def ask_plants(
    asking: Asking, nodes: Sequence[str], ask: Callable[[str], tuple[Temperature, ...]]
) -> tuple[Plant, ...]:
    """Return how warm the air is at each node; one whose BMC gives no answer is silent, with why."""

    def answer(node: str) -> Plant:
        bare = Plant(name=node, kind="node", site=asking.site or "", nodes=(node,))
        try:
            return replace(bare, temperatures=ask(node), read_at_s=int(asking.now()))
        except SourceError as error:
            return replace(bare, silent={"temperatures": Silence(error.reason, error.cause)})

    return tuple(_each(asking, nodes, answer))


def _each(asking: Asking, devices: Sequence[T], ask: Callable[[T], R]) -> list[R]:
    """What comes of each device, in their order: of those that were begun before `stop` was set."""
    left: SimpleQueue[int] = SimpleQueue()
    for at in range(len(devices)):
        left.put(at)
    answers: dict[int, R] = {}
    broken: dict[int, Exception] = {}

    def work() -> None:
        while not asking.stop.is_set():
            try:
                at = left.get_nowait()
            except Empty:
                return
            try:
                answers[at] = ask(devices[at])
            except Exception as error:  # noqa: BLE001  # raised again where somebody sees it
                broken[at] = error

    threads = [
        Thread(target=work, name=f"{asking.name} {number}", daemon=True)
        for number in range(min(asking.fanout, len(devices)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at in sorted(broken):
        raise broken[at]
    return [answers[at] for at in sorted(answers)]


def _together(answers: Sequence[Fleet]) -> Fleet:
    return Fleet(
        meters=tuple(meter for one in answers for meter in one.meters),
        gaps=tuple(gap for one in answers for gap in one.gaps),
    )
