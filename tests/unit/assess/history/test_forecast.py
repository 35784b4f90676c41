"""A season and a trend are found again, gaps or not; the error told is that on unseen time."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import accumulate
from math import pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.assess.history.forecast import forecast, full_after, quantile
from dcctl.assess.history.trial import Lead, growth, leads, nested, tries, winner

HOUR, WEEK = 3600, 168


def _demand(step: int, slope: float = 0.05, swing: float = 20.0) -> float:
    weekend = -15.0 if step % WEEK >= 5 * 24 else 0.0
    return 100 + slope * step + swing * sin(2 * pi * step / 24) + weekend


def test_season_and_trend_are_carried_on() -> None:
    values: list[float | None] = [_demand(step) for step in range(720)]
    found = forecast(values, HOUR, 2 * WEEK)
    assert found is not None
    assert found.name == "season and trend"
    assert found.error < 0.01
    assert found.values == pytest.approx([_demand(step) for step in range(720, 720 + 2 * WEEK)], rel=0.01)


def test_missing_steps_do_no_harm() -> None:
    chance = random.Random(3)
    values = [None if chance.random() < 0.1 else _demand(step) for step in range(720)]
    found = forecast(values, HOUR, WEEK)
    assert found is not None
    assert found.values == pytest.approx([_demand(step) for step in range(720, 720 + WEEK)], rel=0.01)


def test_a_line_alone_errs_more_on_scheduled_load() -> None:
    values: list[float | None] = [_demand(step) for step in range(720)]
    found = forecast(values, HOUR, 1)
    assert found is not None
    tried = dict(found.tried)
    assert tried["trend"] > 10 * tried["season and trend"]


def test_noise_gives_the_season_without_a_trend_or_a_small_error() -> None:
    chance = random.Random(5)
    values: list[float | None] = [50 + chance.gauss(0, 1) for _ in range(720)]
    found = forecast(values, HOUR, 720)
    assert found is not None
    assert found.error < 0.05
    assert full_after(found.values, 80) is None


def test_too_little_gives_nothing() -> None:
    assert forecast([None] * 100, HOUR, 10) is None
    assert forecast([1.0, 2.0, 3.0], HOUR, 10) is None
    assert forecast([1.0, *[None] * 99], HOUR, 10) is None
    assert forecast([0.0] * 100, HOUR, 10) is None


def test_when_it_is_full() -> None:
    values: list[float | None] = [float(step) for step in range(1, 501)]
    found = forecast(values, HOUR, 100)
    assert found is not None
    assert full_after(found.values, 550) == pytest.approx(49, abs=1)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), max_size=400), st.integers(0, 50))
def test_any_values_give_none_or_as_many_as_asked(values: list[float | None], ahead: int) -> None:
    found = forecast(values, HOUR, ahead)
    assert found is None or (len(found.values) == ahead and min(found.values, default=0) >= 0)


Past = Callable[[random.Random], list[float]]
DAYS_30, DAYS_60 = 720, 1440


def _walk(chance: random.Random) -> list[float]:
    return list(accumulate((chance.gauss(0, 4) for _ in range(DAYS_60)), initial=800.0))


def _seasonal(chance: random.Random) -> list[float]:
    return [300 + _demand(step, 0.0, 60.0) + chance.gauss(0, 10) for step in range(DAYS_60)]


def _growing(chance: random.Random) -> list[float]:
    return [_demand(step, 0.2, 40.0) + chance.gauss(0, 8) for step in range(DAYS_60)]


@pytest.mark.parametrize("make", [_walk, _seasonal, _growing])
def test_the_interval_and_the_error_are_those_of_the_horizon_that_is_shown(make: Past) -> None:
    """Thirty days known, thirty shown: nine tenths of what comes lies within, also on the last day of it."""
    inside, last_day, told, true = 0, 0, 0.0, 0.0
    for seed in range(25):
        values = make(random.Random(seed))
        found = forecast(values[:DAYS_30], HOUR, DAYS_30)
        assert found is not None
        off = [abs(a - b) for a, b in zip(values[DAYS_30:], found.values, strict=False)]
        held = [a <= b for a, b in zip(off, found.spreads, strict=True)]
        inside += sum(held)
        last_day += sum(held[-24:])
        told += found.error
        true += sum(off) / sum(values[DAYS_30 : 2 * DAYS_30])
    assert 0.84 <= inside / (25 * DAYS_30) <= 0.96
    assert 0.8 <= last_day / (25 * 24) <= 0.97
    assert told / true == pytest.approx(1, abs=0.25)


def test_what_moves_at_random_stays_where_it_is_and_errs_more_the_further_it_looks() -> None:
    found = forecast(_walk(random.Random(1))[:DAYS_30], HOUR, DAYS_30)
    assert found is not None
    assert found.name == "last value"
    assert found.leads[-1].error > 3 * found.leads[0].error
    assert found.spreads[-1] > 3 * found.spreads[23]


def test_the_error_that_is_quoted_is_not_of_the_candidate_that_won_on_it() -> None:
    """A jump that no candidate could know: who is chosen after it had not been chosen before."""
    values = [100.0] * 360 + [400.0] * 360
    tried = tries(values, 24, 24, 360)
    for at, one in enumerate(nested(tried), 1):
        assert list(one.errors) == [winner(tried[:at], one.origin)]
    before = [one for one in nested(tried) if one.origin <= 360]
    assert leads(before, values)[-1].error > 0.5


def test_errors_stop_growing_where_there_is_evidence_of_it() -> None:
    squares = (1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0)
    found = [Lead(2**at, 0.1, square, 2.0**at, 30) for at, square in enumerate(squares)]
    assert growth(found).square(1000) == pytest.approx(8, rel=0.2)
    walk = [Lead(2**at, 0.1, 2.0**at, 2.0**at, 30) for at in range(8)]
    assert growth(walk).square(1000) == pytest.approx(1000, rel=0.01)


def test_quantiles() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3, 1, 2], 0.5) == 2
    assert quantile([0, 10], 0.95) == pytest.approx(9.5)
