"""Boards whose slices nobody holds, made whole again for members that want whole boards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.fit.feasibility import accepts
from dcctl.packing.problem import WHOLE
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.packing.cuts.spare import Spare, Spares
    from dcctl.packing.problem import Need
    from dcctl.packing.solve import Solution

_CURED = int(Reason.DEVICES | Reason.DEVICE_MEMORY | Reason.RESOURCE)
"""Refusals that more whole boards may cure."""


def made_whole(base: Solution, spares: Spares, wishes: Iterable[Sequence[tuple[int, int]]]) -> list[Spare]:
    """Boards to make whole, for as many wishes as they help; they are not spare any more.

    A wish: (class, members) of those who stand together or not at all.
    """
    found = _Joiner(base, spares)
    for wish in wishes:
        found.serve(wish)
    for spare in found.joined:
        spares.take(spare)
    return found.joined


class _Joiner:
    def __init__(self, base: Solution, spares: Spares) -> None:
        self._base, self._engine = base, base.placer.engine
        self._idle: dict[int, int] = {}
        """Whole boards that are left in bins where some were given away."""
        self._spares = {at: [one for one in boards if one.before] for at, boards in spares.by_bin.items()}
        self.joined: list[Spare] = []

    def serve(self, wish: Sequence[tuple[int, int]]) -> None:
        """All of the wish, or nothing."""
        idle, spares, joined = dict(self._idle), dict(self._spares), list(self.joined)
        if not all(self._one(of) for of, count in wish for _ in range(count)):
            self._idle, self._spares, self.joined = idle, spares, joined

    def _one(self, of: int) -> bool:
        """One member gets its boards in the bin where the fewest have to be made whole."""
        need = self._base.problem.classes[of].need
        if not need.devices:
            return True  # others see to it
        bits = self._engine.refusals(of) & ~_CURED
        best: tuple[int, int] | None = None
        for at, boards in self._spares.items():
            if not bits[at] and boards:
                lacks = max(0, need.devices - self._left(of, at))
                if lacks <= len(self._good(boards, need)) and (best is None or (lacks, at) < best):
                    best = (lacks, at)
        if best is None:
            return False
        lacks, at = best
        taken = self._good(self._spares[at], need)[:lacks]
        self._idle[at] = self._left(of, at) + lacks - need.devices
        self._spares[at] = [one for one in self._spares[at] if one not in taken]
        self.joined = [*self.joined, *taken]
        return True

    def _left(self, of: int, at: int) -> int:
        if at in self._idle:
            return self._idle[at]
        usable = self._engine.items.wanted[of].usable(self._engine.state.view(np.array([at])))
        return int((usable >= WHOLE).sum())

    def _good(self, boards: Sequence[Spare], need: Need) -> list[Spare]:
        kinds = self._base.problem.space.kinds
        return [
            one
            for one in boards
            if need.resource in ("", kinds[one.board.kind].resource)
            and (not need.models or accepts(need.models, kinds[one.board.kind].model))
            and (one.board.memory_bytes or 0) >= need.device_memory_bytes
        ]
