"""One question of cost, answered: the mix with proof and prices, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.cost.build import programme
from dcctl.assess.cost.conflict import conflict
from dcctl.assess.cost.fit import fits
from dcctl.assess.cost.large import solve
from dcctl.assess.cost.milp import GAP
from dcctl.assess.cost.mix import mix_of
from dcctl.assess.cost.shadow import worths

if TYPE_CHECKING:
    from dcctl.assess.cost.conflict import Conflict
    from dcctl.assess.cost.fit import Catalogue, Fits
    from dcctl.assess.cost.milp import State
    from dcctl.assess.cost.mix import Mix
    from dcctl.assess.cost.shadow import Worth
    from dcctl.inventory.market import Market


class Answer(NamedTuple):
    """All that a report of cost is made from."""

    market: Market
    fits: Fits
    state: State
    mix: Mix | None = None
    worths: tuple[Worth, ...] = ()
    conflict: Conflict | None = None

    @property
    def limited(self) -> bool:
        """Whether time ended the search for a cheaper mix before it was proved that there is hardly one."""
        return self.mix is not None and self.mix.gap > GAP


def answer(market: Market, catalogue: Catalogue, limit_s: float) -> Answer:
    """Return the cheapest mix, or the conflict that there is none for. UsageError: see fits."""
    found_fits = fits(market, catalogue)
    made = programme(market, found_fits)
    found = solve(market, made, limit_s)
    if found.state == "infeasible":
        return Answer(market, found_fits, found.state, conflict=conflict(made))
    if found.state == "stopped":
        return Answer(market, found_fits, found.state)
    return Answer(market, found_fits, found.state, mix_of(market, made, found), worths(made, found))
