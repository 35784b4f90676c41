"""Conflicts: what cannot hold together, none of it too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.assess.cost.answer import answer
from dcctl.assess.cost.build import programme
from dcctl.assess.cost.conflict import smallest
from dcctl.assess.cost.fit import Catalogue, fits
from dcctl.assess.cost.milp import Feasibility
from dcctl.assess.cost.programme import Group
from dcctl.inventory.market import Limits, Place, Rack
from tests.examples import examples
from tests.unit.assess.cost.test_mix import markets
from tests.unit.assess.cost.test_shadow import market

if TYPE_CHECKING:
    from dcctl.inventory.market import Market

NOTHING = Catalogue((), ())


@given(st.data())
def test_the_smallest_of_made_up_conflicts(data: st.DataObject) -> None:
    groups = [Group("stock", str(at)) for at in range(10)]
    sets = data.draw(st.lists(st.sets(st.sampled_from(groups), min_size=1), min_size=1, max_size=4))

    def holds(some: frozenset[Group]) -> bool:
        return not any(one <= some for one in sets)

    found = frozenset(smallest(groups, holds))
    assert not holds(found)
    assert all(holds(found - {one}) for one in found)


@examples(40)
@given(markets())
def test_none_of_a_conflict_can_be_left_out(one: Market) -> None:
    told = answer(one, NOTHING, 60)
    if told.conflict is None:
        return
    found = frozenset(clash.group for clash in told.conflict.clashes)
    asks = Feasibility(programme(one, fits(one, NOTHING)), relax=False)
    assert not asks.holds(found)
    assert all(asks.holds(found - {group}) for group in found)


def test_what_would_do_is_the_least_that_does() -> None:
    # 40 accelerators are 10 nodes; all green energy means 10 nodes of 2 kW in one rack, and 5 are in stock.
    tight = replace(market(kilowatts=10), limits=Limits(renewable_milli=1000))
    told = answer(tight, NOTHING, 60)
    assert told.conflict is not None
    clashes = {clash.group.kind: clash for clash in told.conflict.clashes}
    assert set(clashes) == {"rack power", "renewable", "need"}
    assert clashes["rack power"].would_do == pytest.approx(25)  # 5 small ones and 5 big ones: 35 kW
    assert clashes["need"].would_do == pytest.approx(20)
    rack = Place("green", "", 1100, 50_000, 0, 1000, racks=(Rack("r1", power_mw=35_000_000),))
    assert answer(replace(tight, sites=(rack, tight.sites[1])), NOTHING, 60).mix is not None
