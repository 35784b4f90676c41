"""Erlang C against tables and against its own limits."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.assess.demand.queueing import groups_needed, late, waits


@pytest.mark.parametrize(
    ("load", "servers", "chance"),
    [(0.5, 1, 0.5), (1, 2, 1 / 3), (10, 14, 0.1741), (2, 3, 4 / 9)],
)
def test_the_chance_to_wait_is_that_of_the_tables(load: float, servers: int, chance: float) -> None:
    assert waits(load, servers) == pytest.approx(chance, abs=1e-4)


def test_one_server_is_the_textbook_queue() -> None:
    """M/M/1: P(W > t) = rho exp(-mu (1 - rho) t)."""
    assert late(0.8, 1, 2.0, 3.0) == pytest.approx(0.8 * exp(-0.5 * 0.2 * 3))


def test_more_work_than_servers_waits_for_ever() -> None:
    assert waits(5, 5) == 1
    assert late(6, 5, 1, 100) == 1


@given(st.floats(0.01, 500), st.integers(1, 40), st.floats(0.001, 10))
def test_the_fewest_groups_are_enough_and_one_less_is_not(load: float, size: int, wait_s: float) -> None:
    found = groups_needed(load, size, 1.0, wait_s, 0.95)
    assert late(load, found * size, 1.0, wait_s) <= 0.05
    assert found == 1 or late(load, (found - 1) * size, 1.0, wait_s) > 0.05
