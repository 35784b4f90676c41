"""Large questions: solved where places are one, and brought back to the places there are.

Types of node that the linear programme shows to be too dear are left out (reduced costs): a mix with one of
them costs more than the best that is known, so that the bound holds for all types.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from dcctl.assess.cost.merge import merge
from dcctl.assess.cost.milp import GAP, Relaxation, Solved, any_values, cheapest, is_small, relaxed, within
from dcctl.assess.cost.unmerge import all_broken, row_of, unmerged

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.assess.cost.merge import Merged
    from dcctl.assess.cost.programme import Programme, Row
    from dcctl.assess.cost.unmerge import Broken
    from dcctl.inventory.market import Market

    Ask = Callable[[Merged, float], Solved]

_DEARER: Final = (0.01, 0.1, inf)
"""Shares of the bound; what adds more than that to it is left out."""
_SHARES: Final = {1.0: 0.6, 0.99: 0.2, 0.97: 0.1, 0.9: 0.05, 0.75: 0.05}
"""Of each rack, to be used, where the nodes of the cheapest mix could not be shared out over the racks, and
the part of the time for each."""
_FIRST_S: Final = 60.0
"""To find any mix, where the time for a cheap one is over."""
_ROUNDS: Final = 30
"""Of rows that racks make, before whole nodes are asked for."""


def solve(market: Market, made: Programme, limit_s: float) -> Solved:
    """Return the cheapest values of a market's programme, within GAP or as time allows."""
    if is_small(made):
        found = cheapest(made, limit_s)
        if found.state == "infeasible" or (found.state == "solved" and found.gap <= GAP):
            return found
    return _Search(market, made, limit_s).run()


class _Search:
    def __init__(self, market: Market, made: Programme, limit_s: float) -> None:
        self._market, self._made = market, made
        self._limit_s, self._left_s = limit_s, 0.0
        self._bound, self._first_s = 0.0, _FIRST_S
        self._broken: list[Broken] = []
        self._sites = len(market.sites) > 1 and all(one.split for one in market.workloads)
        """Whether sites are one: work that is not split is at one of them."""

    def run(self) -> Solved:
        limited = any(site.racks for site in self._market.sites)
        for ask in (self._cheap, self._any):
            for share, part in _SHARES.items() if limited else ((1.0, 1.0),):
                self._left_s = max(0.0, self._left_s) + part * self._limit_s
                found = self._within_racks(ask, share)
                if found.state == "infeasible" and share == 1:
                    return found
                if found.state == "solved":
                    return found._replace(bound=min(self._bound, found.cost))
        return Solved("stopped", [], 0, self._bound, [])

    def _within_racks(self, ask: Ask, share: float) -> Solved:
        """Ask again with a row for what racks cannot hold, until they hold it."""
        merged = self._merged(share)
        while True:
            found = ask(merged, share)
            if share == 1:
                self._bound = max(self._bound, found.bound)
            if not found.values:
                return found
            put = unmerged(self._market, self._made, merged, found.values)
            if isinstance(put, Solved):
                return put
            if put is None and self._sites:
                self._sites = False
                merged = self._merged(share)
            elif put and self._left_s > 0:
                self._forbid(merged, put, share)
            else:
                return found._replace(state="stopped")

    def _merged(self, share: float) -> Merged:
        merged = merge(self._market, self._made, sites=self._sites, share=share)
        merged.programme.rows.extend(row_of(self._market, merged, one, share) for one in self._broken)
        return merged

    def _forbid(self, merged: Merged, broken: list[Broken], share: float) -> list[Row]:
        rows = [row_of(self._market, merged, one, share) for one in broken]
        self._broken += broken
        merged.programme.rows.extend(rows)
        return rows

    def _cheap(self, merged: Merged, share: float) -> Solved:
        """The cheapest, first of the types that are not too dear for it."""
        first = relaxed(merged.programme)
        self._left_s -= first.spent_s
        if first.state != "solved":
            return first
        best, bound = Solved("stopped", [], inf, 0, []), first.cost
        for dearer in _DEARER:
            most = first.cost * (1 + dearer)
            found, all_types = self._of_types(merged, share, _dear(merged.programme, first, most), most)
            if found.state == "infeasible" and all_types:
                return found
            bound = max(bound, found.bound if all_types else min(found.bound, most))
            if found.values and found.cost < best.cost:
                best = found
            best = best._replace(bound=bound)
            if self._left_s <= 0 or all_types or (best.values and best.gap <= GAP):
                break
        return best

    def _of_types(
        self, merged: Merged, share: float, without: frozenset[int], most: float
    ) -> tuple[Solved, bool]:
        """The cheapest mix but of these types, below `most`, and whether none was left out."""
        loose = self._loose(merged, share, without)
        if loose.state == "solved":
            without |= _dear(merged.programme, loose, most)
            loose = within(merged.programme, self._left_s, without)
            self._left_s -= loose.spent_s
        bound = {"solved": loose.bound, "infeasible": inf, "stopped": 0.0}[loose.state]
        return loose._replace(bound=bound), not without

    def _loose(self, merged: Merged, share: float, without: frozenset[int]) -> Solved:
        """The cheapest where nodes can be had in parts, which racks hold."""
        relaxation = Relaxation(merged.programme, without)
        for _ in range(_ROUNDS):
            loose = relaxation.solved()
            broken = all_broken(self._market, merged, loose.values) if loose.values else []
            for row in self._forbid(merged, broken, share):
                relaxation.add(row)
            if not broken or self._left_s <= loose.spent_s:
                break
        self._left_s -= loose.spent_s
        return loose

    def _any(self, merged: Merged, _: float) -> Solved:
        """The first that is found: the time for a cheap one is over."""
        found = any_values(merged.programme, self._first_s)
        self._first_s = max(0.0, self._first_s - found.spent_s)
        return found


def _dear(made: Programme, loose: Solved, most: float) -> frozenset[int]:
    """Whole nodes of which one makes a mix cost more than `most`."""
    return frozenset(
        at for at in made.nodes.values() if made.columns[at].whole and loose.cost + loose.reduced[at] > most
    )
