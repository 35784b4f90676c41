"""What one unit more is worth, against the market itself with one unit more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.assess.cost.answer import answer
from dcctl.assess.cost.fit import Catalogue
from dcctl.assess.cost.programme import Group
from dcctl.inventory.market import Limits, Market, NodeType, Place, Rack, Workload
from dcctl.inventory.model import Resources
from tests.unit.assess.cost.markets import GPU

if TYPE_CHECKING:
    from fractions import Fraction

NOTHING = Catalogue((), ())


def market(
    kilowatts: int = 20,
    stock: int = 5,
    need: int = 40,
    renewable: int = 300,
    grey_micro: int = 100_000,
    *,
    whole: bool = True,
) -> Market:
    """A dear node of little power at a green site, and a cheap one at a site that is not."""
    green = Place(
        "green",
        pue_milli=1100,
        tariff_micro=50_000,
        carbon_mg=0,
        renewable_milli=1000,
        racks=(Rack("r1", power_mw=kilowatts * 10**6),),
    )
    grey = Place("grey", pue_milli=1500, tariff_micro=grey_micro, carbon_mg=400_000, renewable_milli=0)
    small = NodeType(
        "small",
        Resources(devices={GPU: 4}, power_mw=2_000_000),
        opex_milli=9_000_000,
        stock=stock,
        whole=whole,
    )
    big = NodeType("big", Resources(devices={GPU: 4}, power_mw=5_000_000), opex_milli=2_000_000, whole=whole)
    work = Workload("w", need_micro=need * 10**6, unit="u/s", speed_micro={"": 10**6})
    return Market((green, grey), (small, big), (work,), Limits(renewable_milli=renewable))


def cost(one: Market) -> Fraction:
    told = answer(one, NOTHING, 60)
    assert told.mix is not None
    return told.mix.cost


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("group", "told", "more"),
    [
        (Group("rack power", "r1", "green"), {}, {"kilowatts": 21}),
        (Group("need", "w"), {}, {"need": 41}),
        (Group("renewable", ""), {"grey_micro": 10_000}, {"renewable": 310}),
    ],
)
def test_solved_again_is_the_market_with_one_unit_more(
    group: Group, told: dict[str, int], more: dict[str, int], whole: bool
) -> None:
    asked = market(whole=whole, **told)
    found = {one.group: one for one in answer(asked, NOTHING, 60).worths}[group]
    saved = float(cost(asked) - cost(market(whole=whole, **told, **more)))
    assert found.again == pytest.approx(saved, abs=0.01)
    if not whole:  # a floor has a slope, and a step along it is no straight line
        assert found.by_part == pytest.approx(saved, rel=0.05 if group.kind == "renewable" else 1e-6)


def test_a_limit_that_does_not_bind_is_not_priced() -> None:
    loose = replace(market(), limits=Limits(carbon_mg=10**18))
    assert not [one for one in answer(loose, NOTHING, 60).worths if one.group.kind == "carbon"]
