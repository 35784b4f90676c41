"""Rows of a programme that bound what is bought: stock, racks, power, uplinks, energy, carbon, money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.cost.programme import Group, Row
from dcctl.assess.cost.yearly import energy_kwh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.assess.cost.programme import Programme, Stand
    from dcctl.inventory.market import Market, NodeType, Place, Rack

_KILOWATT = 10**6
"""In milliwatts."""
_GIGABIT = 10**9
_TONNE = 10**9
"""In milligrams."""
_MILLION = 10**9
"""In thousandths."""


def limit_rows(market: Market, made: Programme) -> list[Row]:
    """Return a row for each limit that is told."""
    limits = _Limits(market, made)
    return [*limits.stock(), *limits.sites(), *limits.energy(), *limits.capex()]


class _Limits:
    def __init__(self, market: Market, made: Programme) -> None:
        self._market, self._made = market, made
        self._sites = {one.name: one for one in market.sites}
        self._types = {one.name: one for one in market.types}

    def stock(self) -> Iterator[Row]:
        """So many nodes of a type at most."""
        for one in self._market.types:
            if one.stock is not None:
                stands = [stand for stand in self._made.nodes if stand.type == one.name]
                yield Row(self._terms(_one, stands), None, one.stock, Group("stock", one.name), 1)

    def sites(self) -> Iterator[Row]:
        """What a site and its racks carry."""
        for site in self._market.sites:
            stands = [stand for stand in self._made.nodes if stand.site == site.name]
            if site.power_mw is not None:
                group = Group("power", "", site.name)
                yield Row(self._terms(_kilowatts, stands), None, site.power_mw / _KILOWATT, group, 1)
            for rack in site.racks:
                yield from self._rack(site, rack, [stand for stand in stands if stand.rack == rack.name])
            yield from self._uplink(site)

    def _rack(self, site: Place, rack: Rack, stands: list[Stand]) -> Iterator[Row]:
        if rack.power_mw is not None:
            group = Group("rack power", rack.name, site.name)
            yield Row(self._terms(_kilowatts, stands), None, rack.power_mw / _KILOWATT, group, 1)
        if rack.nodes is not None:
            group = Group("rack room", rack.name, site.name)
            yield Row(self._terms(_one, stands), None, rack.nodes, group, 1)

    def _uplink(self, site: Place) -> Iterator[Row]:
        """The bandwidth of the work that is done there."""
        if site.uplink_bps is None:
            return
        terms = {
            self._made.parts[work.name, site.name]: work.total.bandwidth_bps / _GIGABIT
            for work in self._market.workloads
            if work.total.bandwidth_bps is not None and (work.name, site.name) in self._made.parts
        }
        yield Row(terms, None, site.uplink_bps / _GIGABIT, Group("uplink", "", site.name), 1)

    def energy(self) -> Iterator[Row]:
        """The floors of renewable energy and the bound of CO2; terms are megawatt-hours and tonnes."""
        limits, stands = self._market.limits, list(self._made.nodes)
        if limits.renewable_milli is not None:
            yield self._renewable(limits.renewable_milli, Group("renewable", ""), stands)
        for region, share in limits.regions.items():
            inside = [stand for stand in stands if self._sites[stand.site].region == region]
            yield self._renewable(share, Group("region", region), inside)
        if limits.carbon_mg is not None:

            def tonnes(site: Place, one: NodeType) -> float:
                return self._megawatt_hours(site, one) * (site.carbon_mg or 0) / 10**6

            most = limits.carbon_mg / _TONNE
            yield Row(self._terms(tonnes, stands), None, most, Group("carbon", ""), 1)

    def _renewable(self, share_milli: int, group: Group, stands: list[Stand]) -> Row:
        """Sum of energy * (renewable share - floor) >= 0; one unit more is a per cent of the floor."""

        def above(site: Place, one: NodeType) -> float:
            return self._megawatt_hours(site, one) * ((site.renewable_milli or 0) - share_milli) / 1000

        tilt = self._terms(lambda site, one: -self._megawatt_hours(site, one) / 100, stands)
        return Row(self._terms(above, stands), 0, None, group, tilt=tilt)

    def capex(self) -> Iterator[Row]:
        """What is paid at once, in millions."""
        most = self._market.limits.capex_milli
        if most is not None:
            terms = self._terms(lambda _, one: one.capex_milli / _MILLION, list(self._made.nodes))
            yield Row(terms, None, most / _MILLION, Group("capex", ""), 1)

    def _megawatt_hours(self, site: Place, one: NodeType) -> float:
        return float(energy_kwh(self._market, site, one) / 1000)

    def _terms(self, each: Callable[[Place, NodeType], float], stands: list[Stand]) -> dict[int, float]:
        """A term for each column of nodes, of what one node takes; nothing for those that take none."""
        found = {
            self._made.nodes[stand]: each(self._sites[stand.site], self._types[stand.type])
            for stand in stands
        }
        return {at: value for at, value in found.items() if value}


def _one(_: Place, __: NodeType) -> float:
    return 1.0


def _kilowatts(_: Place, one: NodeType) -> float:
    return (one.each.power_mw or 0) / _KILOWATT
