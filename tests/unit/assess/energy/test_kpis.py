"""Key figures, and the energy of meters that they are made from."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.assess.energy.kpis import best, kpis
from dcctl.assess.energy.meters import told
from dcctl.inventory.conditions import Curve
from dcctl.inventory.energy import Grid, Period, grown_mj
from dcctl.inventory.model import Fleet, PowerMeter
from tests.unit.assess.energy.plants import HOUR_S, KW, KWH, fleet, node

NODES = (node("a", None), node("b", None))
DAY_S = 24 * HOUR_S


def meter(name: str, kind: str, energy_mj: int | None, nodes: str = "", **more: int) -> PowerMeter:
    return PowerMeter(name, kind, "dc1", nodes, KW, energy_mj, DAY_S, **more)  # type: ignore[arg-type]


def plant(*meters: PowerMeter) -> Fleet:
    return fleet(*NODES, meters=meters)


def test_the_figures_of_a_year() -> None:
    year = Period(
        0, 365 * DAY_S, "x:1", {"facility": 1300 * KWH, "it": 1000 * KWH}, 520 * KWH, 130 * KWH, 1_800_000
    )
    grid = Grid(location=Curve((0,), (500_000,)), market=Curve((0,), (100_000,)))
    (found,) = kpis("dc1", [year], grid)
    assert (found.pue_milli, found.category, found.interim) == (1300, 3, False)
    assert (found.ref_milli, found.erf_milli, found.wue_milli) == (400, 100, 1800)
    assert (found.cue_milli, found.cue_market_milli) == (650, 130)  # 0.5 kg/kWh x PUE


def test_less_than_twelve_months_is_interim_and_unknown_inputs_stay_unknown() -> None:
    periods = [
        Period(at * DAY_S, (at + 1) * DAY_S, "x", {"facility": 13 * KWH, "ups": 10 * KWH}, ref, None, None)
        for at, ref in ((0, KWH), (1, None))
    ]
    (found,) = kpis("dc1", periods, None)
    assert (found.category, found.pue_milli, found.interim) == (1, 1300, True)
    assert (found.covered_s, found.ref_milli, found.erf_milli, found.cue_milli) == (
        2 * DAY_S,
        None,
        None,
        None,
    )


def test_hourly_intensity_is_weighed_by_time_and_a_hole_in_it_is_unknown() -> None:
    day = Period(0, 2 * HOUR_S, "x", {"facility": 2 * KWH, "it": 2 * KWH})
    rising = Curve((0, HOUR_S), (100_000, 300_000))
    (found,) = kpis("dc1", [day], Grid(location=rising, market=Curve((0, HOUR_S), (100_000, None))))
    assert (found.cue_milli, found.cue_market_milli) == (200, None)


def test_the_figure_to_quote_covers_most_then_has_the_highest_category() -> None:
    period = Period(
        0, DAY_S, "x", {"facility": 13, "ups": 12, "pdu": 11, "it": 10}, coverage_milli={"it": 500}
    )
    found = kpis("dc1", [period], None)
    assert [one.category for one in found] == [3, 2, 1]
    quoted = best(found)
    assert quoted is not None
    assert quoted.category == 2


def test_a_pue_below_one_is_none() -> None:
    (found,) = kpis("dc1", [Period(0, DAY_S, "meters", {"facility": 9 * KWH, "it": 10 * KWH})], None)
    assert found.pue_milli is None
    assert best([found]) is None


def test_one_sample_of_power_tells_no_energy() -> None:
    assert not told(plant(meter("m", "facility", None), meter("p", "pdu", None)), None).periods
    assert not told(plant(meter("m", "facility", 5 * KWH)), None).periods  # nobody knows since when


def test_a_register_with_a_known_start_tells_energy() -> None:
    found = told(plant(meter("m", "facility", 5 * KWH, energy_from_s=0)), None)
    (period,) = found.periods["dc1"]
    assert (period.start_s, period.end_s, period.energy_mj) == (0, DAY_S, {"facility": 5 * KWH})


def later(one: PowerMeter, grown_mj: int) -> PowerMeter:
    return replace(one, energy_mj=(one.energy_mj or 0) + grown_mj, read_at_s=2 * DAY_S)


def test_two_readings_tell_energy_and_both_feeds_count() -> None:
    before = [meter("m", "facility", 7), meter("pa", "pdu", 5, "[a-b]"), meter("pb", "pdu", 9, "[a-b]")]
    before = [replace(one, nodes="a,b" if one.nodes else "") for one in before]
    now = [later(one, grown * KWH) for one, grown in zip(before, (13, 4, 6), strict=True)]
    (period,) = told(plant(*now), plant(*before)).periods["dc1"]
    assert period.energy_mj == {"facility": 13 * KWH, "pdu": 10 * KWH}
    assert period.coverage_milli["pdu"] == 1000


@pytest.mark.parametrize(
    ("change", "why"),
    [({"energy_mj": 3}, "runs backwards"), ({"read_at_s": DAY_S}, "of one moment")],
)
def test_a_meter_that_cannot_be_is_told_and_not_counted(change: dict[str, int], why: str) -> None:
    before = meter("m", "facility", 7)
    now = replace(later(before, KWH), **change)
    found = told(plant(now), plant(before))
    assert not found.periods
    (trouble,) = found.troubles
    assert trouble.meter == "m"
    assert why in trouble.why


def test_a_register_that_went_round() -> None:
    before = meter("m", "facility", 90 * KWH, wraps_at_mj=100 * KWH)
    now = replace(later(before, 0), energy_mj=4 * KWH)
    (period,) = told(plant(now), plant(before)).periods["dc1"]
    assert period.energy_mj == {"facility": 14 * KWH}


@pytest.mark.parametrize(
    "more",
    [
        {},  # it fell by a third of its range
        {"wraps_at_mj": 100 * KWH, "nominal_mw": KW // 4},  # 10 kWh in a day, of a UPS of 250 W
        {"wraps_at_mj": 1000 * KWH, "power_mw": KW // 10},  # 910 kWh in a day, of 100 W
    ],
)
def test_a_register_that_cannot_have_gone_round_runs_backwards(more: dict[str, int]) -> None:
    before = replace(meter("m", "facility", 95 * KWH, wraps_at_mj=150 * KWH), **more)
    if before.wraps_at_mj == 1000 * KWH:
        before = replace(before, energy_mj=600 * KWH)
    now = replace(later(before, 0), energy_mj=50 * KWH if not more else 5 * KWH)
    found = told(plant(now), plant(before))
    assert not found.periods
    assert "runs backwards" in found.troubles[0].why


def test_an_entry_that_counted_far_more_than_it_draws_is_not_counted() -> None:
    """As a Prometheus has it of a counter that fell by a little: all of it is added."""
    for energy_mj, believed in ((200 * KWH, True), (300 * KWH, False)):  # of 1 kW, in a day
        found = told(plant(meter("m", "facility", energy_mj, energy_from_s=0)), None)
        assert bool(found.periods) == believed
        assert [("another unit" in one.why) for one in found.troubles] == ([] if believed else [True])


def test_where_a_register_goes_round_is_where_it_fell_by_most_of_its_range() -> None:
    assert grown_mj(5, 9, None) == 4
    assert grown_mj(9, 5, None) is None
    assert grown_mj(90, 4, 100) == 14
    assert grown_mj(99, 90, 100) is None
    assert grown_mj(110, 4, 100) is None


def test_a_pue_of_which_the_it_is_metered_in_part_is_high_for_that_alone() -> None:
    energy = {"facility": 12 * KWH, "it": KWH}
    (part,) = kpis("dc1", [Period(0, DAY_S, "x", energy, coverage_milli={"it": 100})], None)  # type: ignore[arg-type]
    assert (part.pue_milli, part.credible) == (12_000, True)
    (whole,) = kpis("dc1", [Period(0, DAY_S, "x", energy)], None)  # type: ignore[arg-type]
    assert (whole.pue_milli, whole.impossible_milli, best([whole])) == (None, 12_000, None)


def test_coverage_is_of_nodes_behind_meters_that_were_all_read() -> None:
    whole = meter("m", "facility", 9 * KWH, energy_from_s=0)
    one = meter("pa", "pdu", 4 * KWH, "a", energy_from_s=0)
    silent = meter("pb", "pdu", None, "b")
    (period,) = told(plant(whole, one, silent), None).periods["dc1"]
    assert period.coverage_milli == {"facility": 1000, "pdu": 500}
    half = meter("ua", "ups", 4 * KWH, energy_from_s=0)  # the other side of 2N did not answer
    (period,) = told(plant(whole, half, meter("ub", "ups", None)), None).periods["dc1"]
    assert period.coverage_milli["ups"] == 0


def test_a_meter_of_another_period_is_not_mixed_in() -> None:
    whole = meter("m", "facility", 9 * KWH, energy_from_s=0)
    other = meter("p", "pdu", 400 * KWH, "a,b", energy_from_s=DAY_S // 2)
    (period,) = told(plant(whole, other), None).periods["dc1"]
    assert period.energy_mj == {"facility": 9 * KWH}


def test_a_register_that_was_set_back_meanwhile_is_told_unless_it_is_of_just_this_time() -> None:
    before = meter("m", "facility", 90 * KWH, energy_from_s=0)
    moved = replace(later(before, 5 * KWH), energy_from_s=DAY_S // 2)
    found = told(plant(moved), plant(before))
    assert not found.periods
    assert "began anew" in found.troubles[0].why
    asked = replace(moved, energy_mj=13 * KWH, energy_from_s=DAY_S + 60)  # as a Prometheus is asked
    (period,) = told(plant(asked), plant(before)).periods["dc1"]
    assert (period.energy_mj, period.start_s) == ({"facility": 13 * KWH}, DAY_S + 60)


def test_registers_that_did_not_move_make_no_figure() -> None:
    assert kpis("dc1", [Period(0, DAY_S, "meters", {"facility": 0, "it": 0})], None) == []


def test_twelve_months_with_holes_between_them_are_interim() -> None:
    energy = {"facility": 13, "it": 10}
    year = [Period(at * DAY_S, (at + 183) * DAY_S, "x", energy) for at in (0, 183)]  # type: ignore[arg-type]
    apart = [year[0], replace(year[1], start_s=400 * DAY_S, end_s=583 * DAY_S)]
    assert [kpis("dc1", found, None)[0].interim for found in (year, apart)] == [False, True]
