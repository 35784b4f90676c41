"""A season and a trend are found again, gaps or not; the error told is that on unseen time."""

from __future__ import annotations

import random
from math import pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.assess.history.forecast import forecast, full_after, quantile

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


def test_quantiles() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3, 1, 2], 0.5) == 2
    assert quantile([0, 10], 0.95) == pytest.approx(9.5)
