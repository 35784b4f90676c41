"""The nodes that are bought and what runs on them, with what they cost to the last thousandth."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.cost.yearly import Yearly, cost_of, energy_kwh

if TYPE_CHECKING:
    from dcctl.assess.cost.milp import Solved
    from dcctl.assess.cost.programme import Programme, Run, Stand
    from dcctl.inventory.market import Market

_NOTHING = 1e-7
"""Below, a float of the solver is none."""


class Bought(NamedTuple):
    """Nodes of one type in one place, and what they take and cost in a year."""

    stand: Stand
    number: Fraction
    gpus: Fraction
    cost: Yearly
    capex: Fraction
    """At once."""
    power_mw: Fraction | None
    """At their nameplates, without what the data centre adds; None: not told."""
    energy_kwh: Fraction | None
    """With it; None: nobody tells power or PUE."""
    priced: bool
    """Whether a tariff is told: else `cost.energy` is nothing for want of one."""
    renewable_kwh: Fraction | None
    carbon_mg: Fraction | None


class Mix(NamedTuple):
    """The answer: nodes, and accelerators by workload."""

    bought: tuple[Bought, ...]
    runs: dict[Run, float]
    """Accelerators that a workload has."""
    shares: dict[tuple[str, str], float]
    """Share of a workload that is done at a site."""
    bound: Fraction
    """No mix costs less in a year."""

    @property
    def cost(self) -> Fraction:
        """Of a year."""
        return sum((one.cost.total for one in self.bought), Fraction(0))

    @property
    def gap(self) -> Fraction:
        """By how much another mix could be cheaper at most, as a share of the cost."""
        return max(Fraction(0), self.cost - self.bound) / self.cost if self.cost else Fraction(0)


def mix_of(market: Market, made: Programme, found: Solved) -> Mix:
    """Return what the values of a programme mean: whole nodes are whole, and work is not done twice."""
    bought = []
    for stand, at in made.nodes.items():
        value = found.values[at]
        number = Fraction(round(value)) if made.columns[at].whole else _part(value)
        if number > 0:
            bought.append(_bought(market, stand, number))
    shares = {key: found.values[at] for key, at in made.parts.items()}
    done = {name: sum(share for (work, _), share in shares.items() if work == name) for name, _ in shares}
    runs = {run: found.values[at] / done[run.workload] for run, at in made.gpus.items()}
    cost = sum((one.cost.total for one in bought), Fraction(0))
    bound = min(cost, Fraction(floor(found.bound * 1000), 1000))
    if found.exact:
        bound = cost
    return Mix(
        tuple(bought),
        {run: gpus for run, gpus in runs.items() if gpus > _NOTHING},
        {key: share / done[key[0]] for key, share in shares.items() if share > _NOTHING},
        bound,
    )


def _part(value: float) -> Fraction:
    """A number of the solver, rid of its noise."""
    return Fraction(round(value * 10**6), 10**6)


def _bought(market: Market, stand: Stand, number: Fraction) -> Bought:
    site = next(one for one in market.sites if one.name == stand.site)
    node = next(one for one in market.types if one.name == stand.type)
    each, kwh = cost_of(market, site, node), energy_kwh(market, site, node) * number
    green, carbon, power = site.renewable_milli, site.carbon_mg, node.each.power_mw
    return Bought(
        stand=stand,
        number=number,
        gpus=sum(node.each.devices.values()) * number,
        cost=Yearly(each.capex * number, each.energy * number, each.opex * number),
        capex=Fraction(node.capex_milli, 1000) * number,
        power_mw=None if power is None else power * number,
        energy_kwh=None if power is None or site.pue_milli is None else kwh,
        priced=site.tariff_micro is not None,
        renewable_kwh=None if green is None else kwh * green / 1000,
        carbon_mg=None if carbon is None else kwh * carbon,
    )
