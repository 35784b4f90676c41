"""Disruption budgets while members stop: who is beyond what they allow, as kube-scheduler counts it.

A budget forbids nothing here: of all ways to make room, the one with the fewest members beyond budgets is
taken, and those that are broken all the same are told by name.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.problem import Allowance, Held, Running

    Ints = NDArray[np.int64]


class Broken(NamedTuple):
    """A budget of which more members stop than it allows."""

    budget: Allowance
    stops: int


class Budgets:
    """What is left of all budgets once some have stopped. A budget that nobody knows allows nobody."""

    def __init__(self, running: Mapping[str, Running], stopped: Counter[Allowance] | None = None) -> None:
        """`stopped`: members that have, by budget."""
        self._running, self._stopped = running, stopped or Counter()

    def after(self, members: Iterable[Held]) -> Budgets:
        """Once these stop too."""
        return self._changed(members, 1)

    def before(self, members: Iterable[Held]) -> Budgets:
        """Once these stand again."""
        return self._changed(members, -1)

    def _changed(self, members: Iterable[Held], sign: int) -> Budgets:
        stopped = self._stopped.copy()
        for job, count in Counter(one.job for one in members).items():
            for budget in self.of(job):
                stopped[budget] += sign * count
        return Budgets(self._running, stopped)

    def of(self, job: str) -> tuple[Allowance, ...]:
        """The budgets that cover its members."""
        known = self._running.get(job)
        return () if known is None else known.budgets

    def left(self, budget: Allowance) -> int:
        """How many more of its members may stop; below zero: so many are beyond it."""
        return (budget.allowed or 0) - self._stopped[budget]

    def beyond(self, members: Iterable[Held]) -> int:
        """How many of these would be beyond a budget if they stopped one after the other."""
        more: Counter[Allowance] = Counter()
        found = 0
        for job, count in Counter(one.job for one in members).items():
            budgets = self.of(job)
            more.update(dict.fromkeys(budgets, count))
            worst = max((more[one] - self.left(one) for one in budgets), default=0)
            found += min(count, max(0, worst))
        return found

    def exceeded(self, members: Iterable[Held]) -> bool:
        """Whether one of these counts for a budget of which too many have stopped."""
        return any(self.left(one) < 0 for job in {each.job for each in members} for one in self.of(job))

    def broken(self) -> tuple[Broken, ...]:
        """The budgets of which too many have stopped, by name."""
        found = (Broken(one, stops) for one, stops in self._stopped.items() if self.left(one) < 0)
        return tuple(sorted(found, key=lambda each: (each.budget.name, each.budget.source)))


class Covered:
    """The same for many rows of members at once."""

    def __init__(self, budgets: Sequence[tuple[Allowance, ...]], members: Ints) -> None:
        """By row: the budgets that cover it, and how many members stop with it."""
        self._numbers = {one: at for at, one in enumerate(dict.fromkeys(chain.from_iterable(budgets)))}
        pairs = [(row, self._numbers[one]) for row, each in enumerate(budgets) for one in each]
        self._row, self._budget = np.array(pairs, np.int64).reshape(len(pairs), 2).T
        self._count, self._rows = members[self._row], len(members)

    def _over(self, pairs: Ints, stop: Ints, budgets: Budgets) -> Ints:
        """By row, how many of its members are beyond. `stop`: by pair, how many do up to its row."""
        left = np.array([budgets.left(one) for one in self._numbers], np.int64)
        over = np.zeros(self._rows, np.int64)
        found = np.clip(stop - left[self._budget[pairs]], 0, self._count[pairs])
        np.maximum.at(over, self._row[pairs], found)
        return over

    def alone(self, budgets: Budgets) -> Ints:
        """By row, of all: how many of its members are beyond if it stops alone."""
        every = np.arange(len(self._row))
        return self._over(every, self._count, budgets)

    def in_turn(self, rows: Ints, bins: Ints, budgets: Budgets) -> Ints:
        """How many are beyond if the rows of each bin stop one after the other. `bins`: of all rows."""
        turn = np.full(self._rows, -1, np.int64)
        turn[rows] = np.arange(len(rows))
        pairs = np.flatnonzero(turn[self._row] >= 0)
        of, at = self._budget[pairs], bins[self._row[pairs]]
        order = np.lexsort((turn[self._row[pairs]], of, at))
        pairs, group = pairs[order], at[order] * len(self._numbers) + of[order]
        stop = summed(self._count[pairs], group)
        return self._over(pairs, stop, budgets)[rows]


def summed(amounts: Ints, groups: Ints) -> Ints:
    """Sums up to each row, of the rows of its group alone; those of a group follow each other."""
    total = amounts.cumsum(axis=0)
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    counts = np.diff(first, append=len(groups))
    return total - np.repeat(total[first] - amounts[first], counts, axis=0)


def highest(amounts: Ints, groups: Ints) -> Ints:
    """The same of maxima."""
    if not len(amounts):
        return amounts
    least = amounts.min()
    step = (np.diff(groups, prepend=groups[0]) != 0).cumsum() * (amounts.max() - least + 1)
    return np.maximum.accumulate(amounts - least + step) - step + least  # type: ignore[no-any-return]
