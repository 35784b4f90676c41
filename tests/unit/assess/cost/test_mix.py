"""The cheapest mix against all mixes there are, and against conditions told by other code."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain, combinations, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.assess.cost.answer import Answer, answer
from dcctl.assess.cost.fit import Catalogue
from dcctl.inventory.market import Limits, Market, NodeType, Place, Workload
from dcctl.inventory.model import Resources
from tests.examples import examples
from tests.unit.assess.cost.markets import GPU, faults, large

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTHING = Catalogue((), ())


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Two sites, a few types with a stock, and work whose speed is a factor of the type: Hall's theorem tells
    whether it can be done."""
    small = st.integers(1, 9)
    sites = tuple(
        Place(
            name,
            pue_milli=1000 + 100 * draw(small),
            tariff_micro=20_000 * draw(small),
            carbon_mg=50_000 * draw(small),
            renewable_milli=100 * draw(small),
            power_mw=draw(st.none() | st.integers(1, 12).map(lambda kw: kw * 10**6)),
        )
        for name in ("a", "b")
    )
    types = tuple(
        NodeType(
            f"t{at}",
            Resources(
                devices={GPU: draw(st.sampled_from([1, 2, 4]))},
                gpu_memory_bytes=draw(small) * 10**9,
                power_mw=draw(small) * 500_000,
            ),
            model=str(draw(small)),
            stock=draw(st.integers(0, 3)),
            capex_milli=draw(small) * 10**6,
            life_milliyears=draw(small) * 1000,
            opex_milli=draw(small) * 10**4,
        )
        for at in range(draw(st.integers(1, 2)))
    )
    work = tuple(
        Workload(
            f"w{at}",
            need_micro=draw(st.integers(1, 30)) * 10**6,
            speed_micro={one.name: int(one.model or 0) * 10**6 for one in types},
            gpu_memory_bytes=draw(small) * 10**9,
        )
        for at in range(draw(st.integers(1, 2)))
    )
    limits = Limits(
        renewable_milli=draw(st.none() | small.map(lambda tenth: tenth * 100)),
        carbon_mg=draw(st.none() | small.map(lambda tonnes: tonnes * 10**10)),
        capex_milli=draw(st.none() | small.map(lambda much: much * 3 * 10**6)),
    )
    return Market(sites, types, work, limits)


def mixes(market: Market) -> Iterator[dict[tuple[str, str], int]]:
    """All numbers of nodes by type and site that the stock has."""
    keys = [(one.name, site.name) for one in market.types for site in market.sites]
    for numbers in product(range(4), repeat=len(keys)):
        mix = dict(zip(keys, numbers, strict=True))
        if all(sum(mix[one.name, s.name] for s in market.sites) <= (one.stock or 0) for one in market.types):
            yield mix


def does_the_work(market: Market, mix: dict[tuple[str, str], int]) -> bool:
    """Hall: every set of workloads finds enough on the types that fit any of them."""
    for some in chain.from_iterable(combinations(market.workloads, n) for n in (1, 2)):
        fitting = [
            one
            for one in market.types
            if any((one.each.gpu_memory_bytes or 0) >= (work.gpu_memory_bytes or 0) for work in some)
        ]
        there = sum(
            int(one.model or 0) * one.each.devices[GPU] * mix[one.name, site.name]
            for one in fitting
            for site in market.sites
        )
        if there < sum((work.need_micro or 0) // 10**6 for work in some):
            return False
    return True


def cost(market: Market, mix: dict[tuple[str, str], int]) -> Fraction | None:
    """Of a year; None where a limit is not kept."""
    total = energy = green = carbon = Fraction(0)
    capex = 0
    for site in market.sites:
        milliwatts = sum((one.each.power_mw or 0) * mix[one.name, site.name] for one in market.types)
        if site.power_mw is not None and milliwatts > site.power_mw:
            return None
        kwh = Fraction(milliwatts, 10**6) * 8760 * (site.pue_milli or 0) / 1000
        energy += kwh
        green += kwh * (site.renewable_milli or 0) / 1000
        carbon += kwh * (site.carbon_mg or 0)
        total += kwh * (site.tariff_micro or 0) / 10**6
        for one in market.types:
            number = mix[one.name, site.name]
            capex += one.capex_milli * number
            year = Fraction(one.capex_milli, one.life_milliyears or 1) + Fraction(one.opex_milli, 1000)
            total += number * year
    limits = market.limits
    kept = (
        (limits.renewable_milli is None or green * 1000 >= energy * limits.renewable_milli)
        and (limits.carbon_mg is None or carbon <= limits.carbon_mg)
        and (limits.capex_milli is None or capex <= limits.capex_milli)
    )
    return total if kept else None


@examples(60)
@given(markets())
def test_no_mix_of_all_there_are_is_cheaper(market: Market) -> None:
    told = [cost(market, mix) for mix in mixes(market) if does_the_work(market, mix)]
    costs = [one for one in told if one is not None]
    found = answer(market, NOTHING, 60)
    assert found.state == ("solved" if costs else "infeasible")
    if found.mix is not None:
        assert found.mix.cost == min(costs)
        assert found.mix.bound == found.mix.cost
        assert not faults(market, found.mix)


@pytest.mark.parametrize(("seed", "sites", "racks"), [(1, 1, 0), (1, 2, 0), (4, 2, 3)])
def test_every_condition_is_kept(seed: int, sites: int, racks: int) -> None:
    market = large(seed, types=12, works=4, sites=sites, racks=racks)
    told = answer(market, NOTHING, 60)
    assert told.mix is not None
    assert not faults(market, told.mix)
    assert told.mix.gap <= Fraction(1, 10_000)


def solved(market: Market) -> Answer:
    told = answer(market, NOTHING, 60)
    assert told.mix is not None
    assert not faults(market, told.mix)
    return told


def test_work_that_is_not_split_stays_at_one_site() -> None:
    sites = (Place("a", power_mw=4_000_000), Place("b", power_mw=6_000_000))
    node = NodeType("n", Resources(devices={GPU: 4}, power_mw=2_000_000), opex_milli=1000)
    work = Workload("w", need_micro=20 * 10**6, speed_micro={"": 10**6})
    both = solved(Market(sites, (node,), (work,)))
    assert both.mix is not None
    assert both.mix.cost == 5
    one = Workload("w", need_micro=12 * 10**6, speed_micro={"": 10**6}, split=False)
    there = solved(Market(sites, (node,), (one,)))
    assert there.mix is not None
    assert set(there.mix.shares) == {("w", "b")}


def test_the_article_by_the_unit_and_by_whole_nodes() -> None:
    # 50 x 100 + 5 x 200 + 50 x 300; a node has 100, 10 and 100 of them.
    work = Workload(
        "w", total=Resources(cpu_milli=50_000, storage_bytes=5 * 10**12, bandwidth_bps=50 * 10**9)
    )
    units = (
        NodeType("cpu", Resources(cpu_milli=1000), opex_milli=100_000, whole=False),
        NodeType("tb", Resources(storage_bytes=10**12), opex_milli=200_000, whole=False),
        NodeType("gb", Resources(bandwidth_bps=10**9), opex_milli=300_000, whole=False),
    )
    node = NodeType(
        "node",
        Resources(cpu_milli=100_000, storage_bytes=10 * 10**12, bandwidth_bps=100 * 10**9),
        opex_milli=42_000_000,
    )
    for types, right in ((units, 21_000), ((node,), 42_000), ((*units, node), 21_000)):
        told = solved(Market((Place("dc"),), types, (work,)))
        assert told.mix is not None
        assert told.mix.cost == right
