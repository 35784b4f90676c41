"""What full bins look like in the plan that only sums bound: patterns to begin filling a bin with."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.improve.bound import Relaxation, worth_solving
from dcctl.packing.improve.groups import groups_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.packing.greedy.engine import Engine
    from dcctl.packing.improve.rooms import Kind
    from dcctl.packing.problem import Problem

_DRAWN = 16
"""Patterns drawn for one bin: as many as most bins have devices, and some for CPU alone."""

Pattern = tuple[tuple[tuple[int, ...], int], ...]
"""(kinds, any of which will do; items)."""


class Guide:
    """Patterns by group of bins, drawn as often as the relaxed plan has them."""

    def __init__(self, problem: Problem, engine: Engine, kinds: Sequence[Kind], members: int) -> None:
        """`engine`: of the state before anything that can be moved is placed."""
        self.patterns: dict[int, list[tuple[Pattern, float]]] = defaultdict(list)
        """By group: (pattern, how often it is in the relaxed plan)."""
        self._odds: dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
        groups = groups_of(problem, engine.items)
        self.group: list[int] = groups.group.tolist()
        """By bin; -1: it takes nothing."""
        if not worth_solving(groups):
            return
        named: dict[int, list[int]] = defaultdict(list)
        for number, kind in enumerate(kinds):
            if kind.of in groups.row:
                named[groups.row[kind.of]].append(number)
        relaxed = Relaxation(groups, members)
        relaxed.solve()
        for one in relaxed.patterns:
            pattern = tuple((tuple(named[of]), count) for of, count in one.items if of in named)
            if pattern:
                self.patterns[one.group].append((pattern, one.times))
        self._odds = {
            group: np.cumsum([times for _, times in every]) for group, every in self.patterns.items()
        }

    def __bool__(self) -> bool:
        return bool(self._odds)

    def draw(self, at: int, rng: np.random.Generator) -> list[tuple[tuple[int, ...], int]]:
        """Items to put into a bin, one pattern after the other: (kinds, any of which will do; count)."""
        odds = self._odds.get(self.group[at])
        if odds is None:
            return []
        drawn = np.searchsorted(odds, rng.random(_DRAWN) * odds[-1])
        patterns = self.patterns[self.group[at]]
        return [item for one in drawn.tolist() for item in patterns[one][0]]
