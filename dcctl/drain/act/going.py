"""A campaign under way: what it writes with, and what it hears of pods and of its own writes."""

from __future__ import annotations

import math
import random
import threading
import time
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from dcctl.drain.act.board import Board
from dcctl.drain.act.workers import Workers
from dcctl.drain.backends import Answer, Sight
from dcctl.drain.waves.calendar import opening
from dcctl.errors import DcctlError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.drain.act.world import World
    from dcctl.drain.backends import Lock
    from dcctl.drain.campaign import Leave, Unit
    from dcctl.drain.request import Request
    from dcctl.interrupts import Interrupts
    from dcctl.journal import Journal

T = TypeVar("T")

_CHECKPOINTS = 64
_OUTAGE_S = 300.0
"""How long the server may be away."""
_AGAIN_S = 1.0


class Replied(NamedTuple):
    """One try to evict is over."""

    uid: str
    answer: Answer | Exception


class Proved(NamedTuple):
    """One unit was asked for its checkpoint."""

    work: str
    proof: str | Exception


class Broke(NamedTuple):
    """Pods are not followed any more."""

    error: Exception


Event: TypeAlias = Sight | Replied | Proved | Broke


@dataclass
class Going:
    """One run. Only its main thread writes the journal and reads the board."""

    world: World
    request: Request
    written: Journal
    lock: Lock
    interrupts: Interrupts
    evicting: Workers
    board: Board = field(default_factory=Board)
    events: SimpleQueue[Event] = field(default_factory=SimpleQueue)
    proving: Workers = field(default_factory=lambda: Workers(_CHECKPOINTS))
    chance: random.Random = field(default_factory=random.Random)

    @property
    def run(self) -> str:
        """What its nodes are marked with."""
        return self.written.header.run

    def follow(self) -> None:
        """The board knows all pods, and is told every change from now on."""
        threading.Thread(target=self._follow, daemon=True).start()
        while not self.board.synced:
            for _ in self.heard(_AGAIN_S):
                pass

    def _follow(self) -> None:
        try:
            for sight in self.world.backend.follow():
                self.events.put(sight)
            self.events.put(Broke(DcctlError("pods", "are not followed any more")))
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self.events.put(Broke(error))

    def heard(self, most_s: float) -> Iterator[Replied | Proved | Sight]:
        """Yield what came in `most_s`, or is there already, once the board knows it.

        DcctlError: pods are not followed any more.
        """
        try:
            event = self.events.get(timeout=max(0.0, most_s)) if most_s > 0 else self.events.get_nowait()
            while True:
                if isinstance(event, Broke):
                    raise event.error
                if isinstance(event, Sight):
                    self.board.see(event)
                yield event
                event = self.events.get_nowait()
        except Empty:
            return

    def pass_time(self, seconds: float) -> None:
        """So long only the board is looked after: nothing may be on its way."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            for _ in self.heard(left_s):
                pass

    def demand(self) -> None:
        """Return when something may be written: the lock is ours. DcctlError: it is not any more."""
        self.steadily(self.lock.demand)

    def steadily(self, ask: Callable[[], T]) -> T:
        """What is answered, though the server is away for some time. No event is taken meanwhile."""
        until_s = time.monotonic() + _OUTAGE_S
        while True:
            try:
                return ask()
            except UnreachableError:
                if time.monotonic() >= until_s or self.interrupts.asked:
                    raise
            time.sleep(_AGAIN_S)

    def closes_s(self) -> float:
        """When the window that is open now closes, in Unix time; one that is past: none is open."""
        if not self.request.windows:
            return math.inf
        now_s = int(self.world.clock())
        found = opening(self.request.windows, now_s)
        return float(now_s) if found is None or found[0] > now_s else float(found[1])

    def evict(self, leave: Leave) -> None:
        """A thread asks; the answer is an event."""

        def ask() -> None:
            try:
                answer: Answer | Exception = self.world.backend.evict(leave)
            except UnreachableError as error:
                answer = Answer("unsure", str(error))
            except Exception as error:  # noqa: BLE001 - raised again by the main thread
                answer = error
            self.events.put(Replied(leave.uid or "", answer))

        self.evicting.submit(ask)

    def prove(self, unit: Unit) -> None:
        """A thread asks for a checkpoint; the proof is an event."""

        def ask() -> None:
            try:
                proof: str | Exception = self.world.hooks.checkpoint(unit)
            except Exception as error:  # noqa: BLE001 - the same, but NoProof
                proof = error
            self.events.put(Proved(unit.workload, proof))

        self.proving.submit(ask)

    def end(self) -> None:
        """All threads come to their end."""
        self.world.hooks.stop()
        self.evicting.close()
        self.proving.close()
        self.world.backend.stop()
