"""Large questions: places that are one, against the whole question solved as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.assess.cost.build import programme
from dcctl.assess.cost.fit import Catalogue, fits
from dcctl.assess.cost.large import _Search
from dcctl.assess.cost.merge import Alike
from dcctl.assess.cost.milp import GAP, exactly
from dcctl.assess.cost.mix import mix_of
from dcctl.assess.cost.racks import Load, broken, pack
from dcctl.inventory.market import Market, NodeType, Place, Rack, Workload
from dcctl.inventory.model import Resources
from tests.unit.assess.cost.markets import GPU, faults, mixed

if TYPE_CHECKING:
    from dcctl.assess.cost.programme import Programme

KW = 10**6


def of(market: Market) -> Programme:
    return programme(market, fits(market, Catalogue((), ())))


def racks(number: int, kilowatts: int, nodes: int | None = None) -> tuple[Rack, ...]:
    return tuple(Rack(f"r{at}", power_mw=kilowatts * KW, nodes=nodes) for at in range(number))


@pytest.mark.parametrize("racks_", [0, 2, 4])
@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("seed", [1, 5])
def test_the_same_answer_as_of_the_whole_question(seed: int, racks_: int, split: bool) -> None:
    market = mixed(seed, types=8, works=3, racks=racks_, kilowatts=14)
    works = tuple(
        replace(one, need_micro=(one.need_micro or 0) // 5, split=split) for one in market.workloads
    )
    sites = (market.sites[0], replace(market.sites[1], uplink_bps=10 * 10**9), market.sites[2])
    market = replace(market, workloads=works, sites=sites)
    made = of(market)
    whole, merged = exactly(made, 60), _Search(market, made, 60).run()
    assert merged.state == whole.state
    if whole.state == "solved":
        assert merged.bound <= whole.cost * (1 + 1e-9)
        assert merged.cost >= whole.bound * (1 - 1e-9)
        assert merged.gap <= GAP
        assert not faults(market, mix_of(market, made, merged))


def test_racks_that_bind_are_filled_to_the_last() -> None:
    """In a rack of 20 kW is one of 11 kW, though three would fit into the power of two."""
    work = Workload("w", need_micro=3 * 10**6, speed_micro={"": 10**6})
    types = tuple(
        NodeType(name, Resources(devices={GPU: 1}, power_mw=power * KW), opex_milli=cost)
        for name, power, cost in (("big", 11, 1000), ("small", 9, 5000))
    )
    market = Market((Place("a", racks=racks(2, 20)),), types, (work,))
    made = of(market)
    found = _Search(market, made, 60).run()
    assert found.cost == pytest.approx(7.0)
    assert found.gap <= GAP
    assert not faults(market, mix_of(market, made, found))


def test_what_racks_do_not_hold_is_proved() -> None:
    one = Alike("a", racks(2, 20))
    found = broken(one, [Load("big", 3, 11 * KW, whole=True)])
    assert found is not None
    assert found.share(11 * KW) * 3 > 2
    assert found.share(12 * KW) >= found.share(11 * KW)
    assert found.share(10 * KW) == 0


def test_parts_of_a_node_fill_what_is_left() -> None:
    loads = [Load("whole", 3, 3 * KW, whole=True), Load("part", 2.5, 4 * KW, whole=False)]
    put = pack(Alike("a", racks(2, 10, nodes=4)), loads).numbers
    assert put is not None
    for rack in ("r0", "r1"):
        used = [put.get((load.type, rack), 0) * load.power_mw for load in loads]
        assert sum(used) <= 10 * KW * (1 + 1e-9)


def test_a_mix_is_found_whatever_the_limit() -> None:
    market = mixed(1, types=60, works=20, racks=20, kilowatts=20)
    made = of(market)
    found = _Search(market, made, 0.01).run()
    assert found.state == "solved"
    assert 0 < found.bound <= found.cost
    assert not faults(market, mix_of(market, made, found))
