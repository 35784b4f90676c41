"""Many devices asked at once: what each tells, in their order, and a gap for each that tells nothing."""

from __future__ import annotations

import time
from collections.abc import Callable  # noqa: TC003 - the type of a field
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.plant import Plant
from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import PART_GRACE_S, SourceError, Task, at_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.evidence.plant import Temperature

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

    def answer(device: T) -> Fleet:
        try:
            return ask(device)
        except SourceError as error:
            gap = Gap(asking.name, error.subject, error.reason, error.cause, error.hint)
            return Fleet(gaps=(gap,))

    cut = Fleet(gaps=(Gap(asking.name, asking.name, CUT.reason, CUT.cause),))
    tasks = [Task(partial(answer, one), lambda: cut) for one in devices]
    return _together(at_once(tasks, asking.stop, most=asking.fanout, grace_s=PART_GRACE_S))


def ask_plants(
    asking: Asking, nodes: Sequence[str], ask: Callable[[str], tuple[Temperature, ...]]
) -> tuple[Plant, ...]:
    """Return how warm the air is at each node; one whose BMC gives no answer is silent, with why."""

    def dark(node: str, why: Silence) -> Plant:
        silent = {"temperatures": why}
        return Plant(name=node, kind="node", site=asking.site or "", nodes=(node,), silent=silent)

    def answer(node: str) -> Plant:
        try:
            told = ask(node)
        except SourceError as error:
            return dark(node, Silence(error.reason, error.cause))
        return replace(dark(node, CUT), temperatures=told, read_at_s=int(asking.now()), silent={})

    tasks = [Task(partial(answer, node), partial(dark, node, CUT)) for node in nodes]
    return tuple(at_once(tasks, asking.stop, most=asking.fanout, grace_s=PART_GRACE_S))


def _together(answers: Sequence[Fleet]) -> Fleet:
    return Fleet(
        meters=tuple(meter for one in answers for meter in one.meters),
        gaps=tuple(dict.fromkeys(gap for one in answers for gap in one.gaps)),
    )
