"""In which order nodes are taken, so many at once: the least GPU time lost, then the shortest campaign.

What is lost grows by `rate` for each second until a unit is reached (a weighted sum of completion times).
Few items are solved exactly (dynamic programming over sets), more by first fit in the order of Smith's rule
(W. E. Smith, Various optimizers for single-stage production, Naval Research Logistics Quarterly 3, 1956).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

EXACT: Final = 9
"""So many items are tried in every order: 3^9 steps."""
TURN_S: Final = 3600
"""How long a turn waits until nodes are back in service. Assumed, for the order alone: nobody knows."""

Cost: TypeAlias = tuple[int, int, int]
"""Thousandths of GPU seconds lost by waiting, turns, seconds: compared in this order."""
Plan: TypeAlias = "tuple[tuple[int, ...], ...]"
"""Positions of items, by turn."""


class Work(NamedTuple):
    """One unit of work, as far as the order goes."""

    rate: int
    """Thousandths of GPUs of which each second is lost until it is reached."""
    seconds: int
    """From its first step to its last eviction."""


class Item(NamedTuple):
    """Nodes that are taken together, and what is reached with the first of them (positions of works)."""

    nodes: tuple[str, ...]
    works: frozenset[int]


def chopped(items: Iterable[Item], limit: int | None) -> tuple[Item, ...]:
    """Items of no more than so many nodes. What stands on the nodes of several is reached with the first."""
    if limit is None:
        return tuple(items)
    return tuple(
        Item(one.nodes[at : at + limit], one.works) for one in items for at in range(0, len(one.nodes), limit)
    )


def cost(plan: Plan, items: Sequence[Item], works: Sequence[Work]) -> Cost:
    """What a plan costs."""
    left, total = reached(items), (0, 0, 0)
    for turn in plan:
        now = left & reached(items[one] for one in turn)
        left -= now
        total = _sum(total, _turn(now, left, works))
    return total


def reached(items: Iterable[Item]) -> frozenset[int]:
    """What is reached with any of these."""
    return frozenset(work for one in items for work in one.works)


def _turn(now: frozenset[int], left: frozenset[int], works: Sequence[Work]) -> Cost:
    """What one turn costs: until the next may begin, all that is left loses what it does."""
    seconds = max((works[one].seconds for one in now), default=0)
    return (seconds + TURN_S) * sum(works[one].rate for one in left), 1, seconds


def _sum(one: Cost, other: Cost) -> Cost:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def ordered(items: Sequence[Item], works: Sequence[Work], limit: int | None) -> Plan:
    """Turns of at most so many nodes: the best of all where items are few, never worse than `greedy`.

    No item may have more nodes than that.
    """
    if limit is None or len(items) < 2:
        return (tuple(range(len(items))),) if items else ()
    found = greedy(items, works, limit)
    if len(items) > EXACT:
        return found
    best = _Exact(items, works, limit).best()
    return min(best, found, key=lambda plan: (cost(plan, items, works), plan))


def greedy(items: Sequence[Item], works: Sequence[Work], limit: int) -> Plan:
    """The better of two: each item in the first turn with room, by Smith's rule, or the largest first."""
    smith = sorted(range(len(items)), key=lambda at: (-_worth(items[at], works), items[at].nodes))
    large = sorted(range(len(items)), key=lambda at: (-len(items[at].nodes), items[at].nodes))
    plans = [_first_fit(items, order, limit) for order in (smith, large)]
    return min(plans, key=lambda plan: cost(plan, items, works))


def _worth(item: Item, works: Sequence[Work]) -> Fraction:
    """What is lost for each second that its turn comes later, by the nodes that it takes."""
    return Fraction(sum(works[one].rate for one in item.works), len(item.nodes))


def _first_fit(items: Sequence[Item], order: Iterable[int], limit: int) -> Plan:
    turns: list[list[int]] = []
    free: list[int] = []
    for at in order:
        size = len(items[at].nodes)
        turn = next((turn for turn, room in enumerate(free) if room >= size), len(turns))
        if turn == len(turns):
            turns.append([])
            free.append(limit)
        turns[turn].append(at)
        free[turn] -= size
    return tuple(tuple(sorted(turn)) for turn in turns)


class _Exact:
    """The best order of all, by sets of items that are done: what is still to come depends on these alone."""

    def __init__(self, items: Sequence[Item], works: Sequence[Work], limit: int) -> None:
        self._items, self._works = items, works
        self._all = (1 << len(items)) - 1
        self._reached = [reached(self._of(mask)) for mask in range(self._all + 1)]
        sizes = [sum(len(one.nodes) for one in self._of(mask)) for mask in range(self._all + 1)]
        self._fits = [size <= limit for size in sizes]

    def _of(self, mask: int) -> list[Item]:
        return [one for at, one in enumerate(self._items) if mask >> at & 1]

    def best(self) -> Plan:
        """The plan of least cost; of several the first by the positions of its items."""
        found: dict[int, tuple[Cost, Plan]] = {self._all: ((0, 0, 0), ())}
        for done in range(self._all - 1, -1, -1):
            found[done] = min(self._steps(done, found))
        return found[0][1]

    def _steps(self, done: int, found: dict[int, tuple[Cost, Plan]]) -> Iterator[tuple[Cost, Plan]]:
        """What is best from here on, by what the next turn takes."""
        rest = turn = self._all & ~done
        while turn:
            if self._fits[turn]:
                after = self._reached[done | turn]
                spent = _turn(after - self._reached[done], self._reached[self._all] - after, self._works)
                later, plan = found[done | turn]
                yield _sum(spent, later), (self._positions(turn), *plan)
            turn = (turn - 1) & rest

    def _positions(self, mask: int) -> tuple[int, ...]:
        return tuple(at for at in range(len(self._items)) if mask >> at & 1)
