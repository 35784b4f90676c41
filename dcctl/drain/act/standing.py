"""Whether work that was displaced stands again elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.drain.act.board import Board
    from dcctl.drain.act.going import Going
    from dcctl.drain.campaign import Unit

_LOOK_S = 0.5


class Before:
    """How many pods of each owner stood before they were evicted."""

    def __init__(self, board: Board, units: Iterable[Unit]) -> None:
        """Work that finds no room, or that nobody makes anew, is not waited for."""
        self._board = board
        self._works: dict[str, str] = {}
        for unit in units:
            if unit.verdict == "does not fit":
                continue
            for leave in unit.leaves:
                pod = board.pods.get(leave.uid) if leave.uid else board.named(leave.pod, leave.node)
                if pod is not None and pod.owner:
                    self._works[pod.owner] = unit.workload
        self._stood = board.standing(self._works)

    def waiting(self) -> tuple[str, ...]:
        """Ids of the work of which fewer pods stand than before."""
        now = self._board.standing(self._works)
        found = {work for owner, work in self._works.items() if now[owner] < self._stood[owner]}
        return tuple(sorted(found))

    def await_again(self, going: Going) -> tuple[str, ...]:
        """Wait until all of it stands, for as long as is waited at most; returns what does not."""
        until_s = time.monotonic() + going.world.stand_s
        waiting = self.waiting()
        while waiting and time.monotonic() < until_s:
            going.pass_time(min(_LOOK_S, max(0.01, until_s - time.monotonic())))
            waiting = self.waiting()
        return waiting
