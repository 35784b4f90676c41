"""UPS curves, power caps, bills and hours."""

from __future__ import annotations

import pytest

from dcctl.assess.energy.bill import bill
from dcctl.assess.energy.caps import by_slowdown, by_weight, choices
from dcctl.assess.energy.hours import best_start, movable
from dcctl.assess.energy.sites import stated_grids
from dcctl.assess.energy.ups import fit
from dcctl.inventory.conditions import Curve
from dcctl.inventory.energy import CapModel, CapPoint, Grid, UpsModel, UpsPoint
from dcctl.inventory.model import Member, Site, Workload
from tests.unit.assess.energy.plants import HOUR_S, KW, KWH

LOADS = ((250, 940), (500, 957), (750, 960), (1000, 957))


def test_the_curve_of_illustrative_points() -> None:
    curve = fit(UpsModel("x", 500 * KW, tuple(UpsPoint(*point) for point in LOADS)))
    assert (round(curve.a, 4), round(curve.b, 4), round(curve.c, 4)) == (0.0137, 0.0024, 0.0287)
    assert curve.misfit < 0.0005
    assert [curve.efficiency_milli(load / 1000) for load, _ in LOADS] == pytest.approx(
        [efficiency for _, efficiency in LOADS], abs=1
    )
    assert 0.65 < curve.best_load < 0.75
    assert curve.efficiency_milli(0) == 0


def test_a_curve_never_gives_more_than_it_draws() -> None:
    """The nearest parabola of these points would lose less than nothing below half of the load."""
    points = tuple(UpsPoint(*point) for point in ((500, 975), (750, 970), (1000, 950)))
    curve = fit(UpsModel("x", 500 * KW, points))
    assert min(curve.a, curve.b, curve.c) >= 0
    assert all(curve.efficiency_milli(load / 100) <= 1000 for load in range(1, 101))
    assert curve.misfit == pytest.approx(0.0049, abs=1e-4)  # and says how far off it is


def test_a_stated_model_of_llama_65b_at_175_of_250_watts() -> None:
    # arXiv 2310.03003: 23 % less energy for 6 to 7 % more time.
    model = CapModel("V100", idle_mw=50_000, limit_mw=250_000, compute_milli=400)
    (at_175,) = [one for one in choices(model) if one.cap_mw == 175_000]
    assert 1060 <= at_175.time_milli <= 1070
    assert at_175.energy() / choices(model)[0].energy() == pytest.approx(0.77, abs=0.03)


POINTS = tuple(
    CapPoint(cap, power, time)
    for cap, power, time in ((700_000, 640_000, 1000), (500_000, 489_000, 1070), (400_000, 396_000, 1210))
)


def test_energy_alone_time_alone_and_what_lies_between() -> None:
    found = choices(CapModel("H100", POINTS))
    assert [by_weight(found, eta).cap_mw for eta in (0, 500, 1000)] == [700_000, 500_000, 400_000]


@pytest.mark.parametrize(("most", "cap_mw"), [(0, 700_000), (69, 700_000), (70, 500_000), (999, 400_000)])
def test_the_lowest_cap_that_is_not_slower(most: int, cap_mw: int) -> None:
    assert by_slowdown(choices(CapModel("H100", POINTS)), most).cap_mw == cap_mw


def test_a_bill_by_the_hour_with_both_ways_to_count_carbon() -> None:
    price = Curve((0, HOUR_S), (500_000, 1_500_000))  # a MWh
    grid = Grid(price, Curve((0,), (400_000,)), Curve((0,), (100_000,)))
    found = bill({"dc1": 10 * KW}, {"dc1": 1250}, {"dc1": grid}, 0, 2 * HOUR_S)
    assert found.energy_mj == 25 * KWH
    assert found.cost_milli == 25_000  # 12.5 kWh at 0.5 and as many at 1.5
    assert (found.carbon_mg, found.carbon_market_mg) == (10_000_000, 2_500_000)


def test_a_bill_of_two_sites_is_unknown_where_one_of_them_is() -> None:
    grids = {"dc1": Grid(Curve((0,), (500_000,))), "dc2": Grid()}
    found = bill({"dc1": KW, "dc2": KW}, {}, grids, 0, HOUR_S)
    assert (found.energy_mj, found.cost_milli, found.carbon_mg) == (2 * KWH, None, None)


def waiting(**more: int) -> Workload:
    return Workload("w", members=(Member("w-0", phase="pending"),), duration_s=2 * HOUR_S, **more)  # type: ignore[arg-type]


NIGHT = Curve(tuple(at * HOUR_S for at in range(7)), (900, 800, 700, 200, 100, 900, None))


def test_the_cheapest_hours_and_what_they_save() -> None:
    found = best_start(waiting(), {"dc1": NIGHT, "dc2": Curve((0,), (950,))}, 0)
    assert found is not None
    assert (found.site, found.start_s) == ("dc1", 3 * HOUR_S)
    assert found.saved_milli == (1700 - 300) * 1000 // 1700


def test_a_deadline_is_met() -> None:
    found = best_start(waiting(deadline_s=4 * HOUR_S), {"dc1": NIGHT}, 0)
    assert found is not None
    assert found.start_s == 2 * HOUR_S


def test_alike_hours_and_unknown_ones_recommend_nothing() -> None:
    assert best_start(waiting(), {"dc1": Curve((0,), (500,))}, 0) is None
    assert best_start(waiting(), {"dc1": Curve((9 * HOUR_S,), (500,))}, 0) is None
    assert best_start(waiting(), {}, 0) is None


def test_only_what_has_not_begun_and_has_a_length_is_moved() -> None:
    running = Workload("r", members=(Member("r-0", phase="running"),), duration_s=5)
    endless = Workload("e", members=(Member("e-0", phase="pending"),))
    assert [one.id for one in movable((running, endless, waiting()))] == ["w"]


def test_what_the_inventory_says_of_sites_is_priced_in_one_currency() -> None:
    one = Site("a", energy_price_milli_per_mwh=620_000, carbon_mg_per_kwh=570_000, currency="CNY")
    other = Site("b", energy_price_milli_per_mwh=90_000, carbon_mg_per_kwh=300_000, currency="EUR")
    alone, both = stated_grids([one], ""), stated_grids([one, other], "")
    asked = stated_grids([one, other], "EUR")
    assert [alone["a"].price, both["a"].price] == [Curve((0,), (620_000,)), None]
    assert [asked[name].price for name in "ab"] == [None, Curve((0,), (90_000,))]
    assert both["b"].location == Curve((0,), (300_000,))
