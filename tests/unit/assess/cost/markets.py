"""Markets for the tests, and what a mix must keep: said again here, from the market alone."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from dcctl.inventory.market import Limits, Market, NodeType, Place, Rack, Workload
from dcctl.inventory.model import Resources

if TYPE_CHECKING:
    from dcctl.assess.cost.mix import Mix

GPU = "nvidia.com/gpu"
_NEAR = 1e-6
"""Relative: what floats may be off."""


def large(seed: int, *, types: int = 200, works: int = 50, sites: int = 1, racks: int = 0) -> Market:
    """A market of a size that is asked for, the same for the same seed."""
    chance = np.random.default_rng(seed)
    places = tuple(
        Place(
            f"s{at}",
            region=f"r{at % 2}",
            pue_milli=int(chance.integers(1080, 1500)),
            tariff_micro=int(chance.integers(40_000, 160_000)),
            carbon_mg=int(chance.integers(20_000, 600_000)),
            renewable_milli=int(chance.integers(300, 1000)),
            uplink_bps=10**12,
            racks=tuple(Rack(f"k{rack}", power_mw=1_500_000_000) for rack in range(racks)),
        )
        for at in range(sites)
    )
    nodes = []
    for at in range(types):
        gpus, speed = int(chance.choice([1, 2, 4, 8, 16])), chance.uniform(0.3, 3)
        nodes.append(
            NodeType(
                f"t{at:03}",
                Resources(
                    devices={GPU: gpus},
                    gpu_memory_bytes=int(chance.choice([24, 40, 48, 80, 141, 192])) * 10**9,
                    power_mw=int(gpus * chance.uniform(0.5, 1.3) * 1e6),
                    storage_bytes=int(chance.integers(2, 60)) * 10**12,
                    bandwidth_bps=int(chance.integers(10, 800)) * 10**9,
                ),
                model=f"{speed:.3f}",
                stock=int(chance.integers(5, 60)),
                capex_milli=int(gpus * speed * chance.uniform(12_000, 24_000)) * 1000,
                life_milliyears=5000,
                opex_milli=int(chance.uniform(500, 2000)) * 1000,
            )
        )
    workloads = tuple(
        Workload(
            f"w{at:02}",
            need_micro=int(chance.uniform(20, 400) * 1e6),
            unit="u/s",
            speed_micro={
                one.name: int(float(one.model or 0) * chance.uniform(0.6, 1.4) * 1e6) for one in nodes
            },
            gpu_memory_bytes=int(chance.choice([16, 30, 60, 100, 150])) * 10**9,
            total=Resources(
                storage_bytes=int(chance.integers(1, 100)) * 10**12,
                bandwidth_bps=int(chance.integers(1, 10)) * 10**9,
            ),
        )
        for at in range(works)
    )
    limits = Limits(renewable_milli=400 if sites > 1 else None, carbon_mg=10**14)
    return Market(places, tuple(nodes), workloads, limits)


def mixed(seed: int, *, types: int = 200, works: int = 50, racks: int = 0, kilowatts: int = 44) -> Market:
    """A market of three sites: few nodes for each workload, and each runs on three types of five."""
    chance = np.random.default_rng(seed)

    def one_of(low: int, high: int) -> int:
        return int(chance.integers(low, high + 1))

    places = tuple(
        Place(
            f"s{at}",
            pue_milli=one_of(1050, 1500),
            tariff_micro=one_of(40, 160) * 1000,
            carbon_mg=one_of(20, 600) * 1000,
            renewable_milli=one_of(20, 100) * 10 if at else 980,
            power_mw=one_of(2000, 6000) * 10**6,
            uplink_bps=10**12,
            racks=tuple(Rack(f"r{rack}", power_mw=kilowatts * 10**6, nodes=8) for rack in range(racks)),
        )
        for at in range(3)
    )
    nodes = tuple(
        NodeType(
            f"t{at}",
            Resources(
                devices={GPU: int(chance.choice([1, 2, 4, 8]))},
                power_mw=one_of(50, 1200) * 10_000,
                storage_bytes=one_of(1, 60) * 10**12,
            ),
            stock=one_of(1, 30),
            capex_milli=one_of(5_000, 300_000) * 1000,
            life_milliyears=one_of(3, 6) * 1000,
            opex_milli=one_of(100, 12_000) * 1000,
        )
        for at in range(types)
    )
    workloads = tuple(
        Workload(
            f"w{at}",
            need_micro=one_of(20, 1000) * 10**6,
            speed_micro={one.name: one_of(1, 30) * 10**6 for one in nodes if chance.random() < 0.6},
            total=Resources(storage_bytes=one_of(1, 50) * 10**12, bandwidth_bps=one_of(1, 20) * 10**9),
        )
        for at in range(works)
    )
    return Market(places, nodes, workloads, Limits(renewable_milli=400))


def faults(market: Market, mix: Mix) -> list[str]:
    """What a mix does not keep, or what it costs other than it says."""
    return [
        *_work(market, mix),
        *_accelerators(market, mix),
        *_amounts(market, mix),
        *_places(market, mix),
        *_limits(market, mix),
        *_money(market, mix),
    ]


def _more(used: float, there: float) -> bool:
    return used > there + _NEAR * max(1.0, abs(there))


def _work(market: Market, mix: Mix) -> list[str]:
    types, found = {one.name: one for one in market.types}, []
    for work in market.workloads:
        done = sum(share for (name, _), share in mix.shares.items() if name == work.name)
        if _more(1, done):
            found.append(f"{work.name}: {done} of it is done")
        for site in market.sites:
            share = mix.shares.get((work.name, site.name), 0)
            runs = [(r, y) for r, y in mix.runs.items() if r.workload == work.name and r.site == site.name]
            speed = 0.0
            for run, gpus in runs:
                node = types[run.type]
                micro = work.speed_micro.get(node.name, work.speed_micro.get(node.model or "", 0))
                speed += gpus * (micro or work.speed_micro.get("", 0)) / 1e6
                fits = (node.each.gpu_memory_bytes or 0) >= (work.gpu_memory_bytes or 0)
                if not fits or sum(node.each.devices.values()) < work.together:
                    found.append(f"{work.name} does not fit {node.name}")
            if work.need_micro and _more(share * work.need_micro / 1e6, speed):
                found.append(f"{work.name} at {site.name}: {speed} for {share}")
            if share and work.sites and site.name not in work.sites:
                found.append(f"{work.name} may not be at {site.name}")
    return found


def _accelerators(market: Market, mix: Mix) -> list[str]:
    found = []
    for site in market.sites:
        for node in market.types:
            used = sum(
                gpus for run, gpus in mix.runs.items() if (run.type, run.site) == (node.name, site.name)
            )
            there = sum(
                one.number for one in mix.bought if (one.stand.type, one.stand.site) == (node.name, site.name)
            )
            if _more(used, float(there * sum(node.each.devices.values()))):
                found.append(f"{node.name} at {site.name}: {used} accelerators of {there} nodes")
    return found


def _amounts(market: Market, mix: Mix) -> list[str]:
    found, types = [], {one.name: one for one in market.types}
    for site in market.sites:
        for field in ("cpu_milli", "memory_bytes", "storage_bytes", "bandwidth_bps"):
            used = sum(
                (getattr(work.total, field) or 0) * mix.shares.get((work.name, site.name), 0)
                for work in market.workloads
            )
            there = Fraction(site.storage_bytes if field == "storage_bytes" else 0)
            there += sum(
                (getattr(types[one.stand.type].each, field) or 0) * one.number
                for one in mix.bought
                if one.stand.site == site.name
            )
            told = any(getattr(one.each, field) is not None for one in market.types)
            if _more(used, float(there)) and (told or field != "bandwidth_bps"):
                found.append(f"{field} at {site.name}: {used} of {there}")
            if field == "bandwidth_bps" and site.uplink_bps is not None and _more(used, site.uplink_bps):
                found.append(f"uplink of {site.name}: {used}")
    return found


def _places(market: Market, mix: Mix) -> list[str]:
    found, types = [], {one.name: one for one in market.types}
    for node in market.types:
        number = sum(one.number for one in mix.bought if one.stand.type == node.name)
        if node.stock is not None and number > node.stock:
            found.append(f"{node.name}: {number} of {node.stock}")
        if node.whole and number != int(number):
            found.append(f"{node.name}: {number} is not whole")
    for site in market.sites:
        for rack in (None, *site.racks):
            inside = [
                one
                for one in mix.bought
                if one.stand.site == site.name and (rack is None or one.stand.rack == rack.name)
            ]
            power = sum((types[one.stand.type].each.power_mw or 0) * one.number for one in inside)
            most = site.power_mw if rack is None else rack.power_mw
            if most is not None and power > most:
                found.append(f"power of {site.name} {rack}: {power}")
            if rack is not None and rack.nodes is not None and sum(o.number for o in inside) > rack.nodes:
                found.append(f"room in {rack.name}")
    return found


def _limits(market: Market, mix: Mix) -> list[str]:
    found, limits, types = [], market.limits, {one.name: one for one in market.types}
    energy: dict[str, Fraction] = {}
    for one in mix.bought:
        site = next(site for site in market.sites if site.name == one.stand.site)
        kilowatts = Fraction(types[one.stand.type].each.power_mw or 0, 10**6) * one.number
        kwh = kilowatts * market.hours * (site.pue_milli or 1000) / 1000
        energy[site.name] = energy.get(site.name, Fraction(0)) + kwh
    floors = [("", limits.renewable_milli), *limits.regions.items()]
    for region, floor in floors:
        inside = [site for site in market.sites if region in ("", site.region)]
        all_ = sum(energy.get(site.name, 0) for site in inside)
        green = sum(energy.get(site.name, 0) * (site.renewable_milli or 0) for site in inside)
        if floor is not None and _more(float(all_ * floor), float(green)):
            found.append(f"renewable {region}: {green} of {all_}")
    carbon = sum(energy.get(site.name, 0) * (site.carbon_mg or 0) for site in market.sites)
    if limits.carbon_mg is not None and _more(float(carbon), limits.carbon_mg):
        found.append(f"carbon: {carbon}")
    capex = sum(types[one.stand.type].capex_milli * one.number for one in mix.bought)
    if limits.capex_milli is not None and _more(float(capex), limits.capex_milli):
        found.append(f"capex: {capex}")
    return found


def _money(market: Market, mix: Mix) -> list[str]:
    """The cost, added up again in whole millionths."""
    total = Fraction(0)
    for one in mix.bought:
        node = next(node for node in market.types if node.name == one.stand.type)
        site = next(site for site in market.sites if site.name == one.stand.site)
        year = Fraction(node.opex_milli, 1000)
        if node.life_milliyears:
            year += Fraction(node.capex_milli, 1000) / Fraction(node.life_milliyears, 1000)
        kwh = Fraction(node.each.power_mw or 0, 10**6) * market.hours * Fraction(site.pue_milli or 1000, 1000)
        year += kwh * Fraction(site.tariff_micro or 0, 10**6)
        total += year * one.number
    return [] if total == mix.cost else [f"{mix.cost} is {total}"]
