"""Large questions: solved where places are one, and brought back to the places there are.

Types of node that the linear programme shows to be too dear are left out (reduced costs): a mix with one of
them costs more than the best that is known, so that the bound holds for all types.
"""

from __future__ import annotations

from itertools import product
from math import inf
from typing import TYPE_CHECKING, Final

from dcctl.assess.cost.merge import merge
from dcctl.assess.cost.milp import GAP, Solved, any_values, cheapest, is_small, relaxed, within
from dcctl.assess.cost.programme import Stand
from dcctl.assess.cost.racks import Load, pack

if TYPE_CHECKING:
    from dcctl.assess.cost.merge import Merged
    from dcctl.assess.cost.programme import Programme
    from dcctl.inventory.market import Market

_DEARER: Final = (0.01, 0.1, inf)
"""Shares of the bound; what adds more than that to it is left out."""
_SHARES: Final = (1.0, 0.95, 0.85, 0.7)
"""Of each rack, to be used, where the nodes of the cheapest mix could not be shared out over the racks."""
_FIRST_S: Final = 60.0
"""To find any mix, where the time for a cheap one is over."""
_PUT_S: Final = 20.0


def solve(market: Market, made: Programme, limit_s: float) -> Solved:
    """Return the cheapest values of a market's programme, within GAP or as time allows."""
    if is_small(made):
        found = cheapest(made, limit_s)
        if found.state == "infeasible" or (found.state == "solved" and found.gap <= GAP):
            return found
    return _Search(market, made, limit_s).run()


class _Search:
    def __init__(self, market: Market, made: Programme, limit_s: float) -> None:
        self._market, self._made, self._left_s = market, made, limit_s
        self._bound, self._first_s = 0.0, _FIRST_S

    def run(self) -> Solved:
        for ask in (self._cheap, self._any):
            for share, sites in product(_SHARES, (True, False) if self._may_merge() else (False,)):
                merged = merge(self._market, self._made, sites=sites, share=share)
                found = ask(merged)
                if found.state == "infeasible" and share == 1:
                    return found
                if share == 1:
                    self._bound = max(self._bound, found.bound)
                put = unmerged(self._market, self._made, merged, found.values)
                if put is not None:
                    return put._replace(bound=min(self._bound, put.cost))
        return Solved("stopped", [], 0, self._bound, [])

    def _may_merge(self) -> bool:
        """Work that is not split is at one of the sites."""
        return len(self._market.sites) > 1 and all(one.split for one in self._market.workloads)

    def _cheap(self, merged: Merged) -> Solved:
        """The cheapest, first of the types that are not too dear for it."""
        loose = relaxed(merged.programme)
        self._left_s -= loose.spent_s
        if loose.state != "solved":
            return loose
        best, bound = Solved("stopped", [], inf, 0, []), loose.cost
        for dearer in _DEARER:
            most = loose.cost * (1 + dearer)
            without = _dear(merged.programme, loose, most)
            found = within(merged.programme, self._left_s, without)
            self._left_s -= found.spent_s
            if found.state == "infeasible" and not without:
                return found
            proved = {"solved": found.bound, "infeasible": inf, "stopped": 0.0}[found.state]
            bound = max(bound, min(proved, most if without else inf))
            best = min(best, found, key=lambda one: one.cost if one.state == "solved" else inf)
            best = best._replace(bound=bound)
            if self._left_s <= 0 or not without or (best.state == "solved" and best.gap <= GAP):
                break
        return best

    def _any(self, merged: Merged) -> Solved:
        """The first that is found: the time for a cheap one is over."""
        found = any_values(merged.programme, self._first_s)
        self._first_s = max(0.0, self._first_s - found.spent_s)
        return found


def _dear(made: Programme, loose: Solved, most: float) -> frozenset[int]:
    """Whole nodes of which one makes a mix cost more than `most`."""
    return frozenset(
        at for at in made.nodes.values() if made.columns[at].whole and loose.cost + loose.reduced[at] > most
    )


def unmerged(market: Market, made: Programme, merged: Merged, values: list[float]) -> Solved | None:
    """Return the values of the whole programme; None: its nodes could not be shared out."""
    numbers = _shared_out(market, merged, values) if values else None
    if numbers is None:
        return None
    there = {at: numbers.get(stand, 0.0) for stand, at in made.nodes.items()}
    rest, columns = made.given(there)
    found = within(rest, _PUT_S) if any(one.whole for one in rest.columns) else relaxed(rest)
    if found.state != "solved":
        return None
    values_of = there | dict(zip(columns, found.values, strict=True))
    cost = sum(made.columns[at].cost * number for at, number in there.items())
    return Solved("solved", [values_of[at] for at in range(len(made.columns))], cost, 0, [])


def _shared_out(market: Market, merged: Merged, values: list[float]) -> dict[Stand, float] | None:
    """The nodes in the racks that there are."""
    types = {one.name: one for one in market.types}
    loads: dict[tuple[str, str], list[Load]] = {}
    for stand, at in merged.programme.nodes.items():
        node = types[stand.type]
        number = round(values[at]) if node.whole else max(0.0, values[at])
        if number:
            load = Load(stand.type, number, node.each.power_mw or 0, node.whole)
            loads.setdefault((stand.site, stand.rack), []).append(load)
    racks = {(one.site, one.racks[0].name): one for one in merged.alike}
    found: dict[Stand, float] = {}
    for place, inside in loads.items():
        if place not in racks:
            found |= {Stand(load.type, *place): load.number for load in inside}
            continue
        put = pack(racks[place], inside)
        if put is None:
            return None
        found |= {Stand(type_, place[0], rack): number for (type_, rack), number in put.items()}
    return found
