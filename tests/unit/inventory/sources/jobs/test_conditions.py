"""Prices, carbon and links from files: equal steps, what is missing is not known, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dcctl.errors import UsageError
from dcctl.inventory.conditions import SiteLink
from dcctl.inventory.sources.jobs.curves import curves
from dcctl.inventory.sources.jobs.links import links

DAY = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp())
HOUR = 3600


def csv(*rows: str, head: str = "time,site,value") -> str:
    return "\n".join((head, *rows))


def at(hour: int, value: str, site: str = "dc1") -> str:
    return f"2026-11-23T{hour:02}:00Z,{site},{value}"


def test_a_value_holds_for_one_step_and_no_longer() -> None:
    curve = curves(csv(at(1, "50"), at(0, "40.5"), at(2, "60")), "f")["dc1"]
    assert curve.integral(DAY, DAY + 2 * HOUR) == (40_500 + 50_000) * HOUR
    assert curve.integral(DAY + HOUR // 2, DAY + HOUR) == 40_500 * HOUR // 2
    assert curve.integral(DAY, DAY) == 0
    assert curve.integral(DAY - 1, DAY + 1) is None
    assert curve.integral(DAY + 2 * HOUR, DAY + 3 * HOUR) == 60_000 * HOUR
    assert curve.integral(DAY + 2 * HOUR, DAY + 3 * HOUR + 1) is None


def test_a_row_that_is_missing_or_empty_is_not_known() -> None:
    for rows in ([at(0, "1"), at(1, "2"), at(3, "4")], [at(0, "1"), at(1, "2"), at(2, ""), at(3, "4")]):
        curve = curves(csv(*rows), "f")["dc1"]
        assert curve.integral(DAY, DAY + 2 * HOUR) == 3000 * HOUR
        assert curve.integral(DAY + HOUR, DAY + 4 * HOUR) is None
        assert curve.integral(DAY + 3 * HOUR, DAY + 4 * HOUR) == 4000 * HOUR


def test_sites_and_a_price_below_zero() -> None:
    found = curves(csv("2026-11-23T00:00Z,-3", head="time,value"), "f", negative=True)
    assert found[""].integral(DAY, DAY + 10) == -30_000, "one row alone holds from then on"
    both = curves(csv(at(0, "1"), at(0, "2", "dc2"), ""), "f")
    assert sorted(both) == ["dc1", "dc2"]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", 1, "the column time is missing"),
        ("time,site,price\n", 1, "the column 'price' is not known"),
        ("time,site\n", 1, "the column value is missing"),
        ("time,value,value\n", 1, "has a column twice"),
        (csv("2026-11-23T00:00,dc1,1"), 2, "does not say in which time zone"),
        (csv("yesterday,dc1,1"), 2, "is no date and time"),
        (csv(at(0, "cheap")), 2, "'cheap' is no number"),
        (csv(at(0, "nan")), 2, "'nan' is no number"),
        (csv(at(0, "0.0001")), 2, "finer than a thousandth"),
        (csv(at(0, "-1")), 2, "is negative"),
        (csv("2026-11-23T00:00Z,1"), 2, "has 2 cells and not 3"),
        (csv(at(0, "1", "dc 1")), 2, "is no name of a site"),
        (csv(at(0, "1"), at(1, "1"), at(0, "2")), 4, "the time is told before"),
        (csv(at(0, "1"), at(2, "1"), at(5, "2")), 4, "does not begin a step of 7,200 s after"),
        (csv('"unclosed'), 2, "is not CSV"),
    ],
)
def test_a_curve_that_is_refused(text: str, line: int, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        curves(text, "p.csv")
    assert refused.value.what.startswith(f"p.csv:{line}")
    assert why in f"{refused.value.what} {refused.value.why}"


def test_a_curve_without_values() -> None:
    with pytest.raises(UsageError, match="has no values"):
        curves(csv(), "p.csv")


def test_links_hold_in_both_directions() -> None:
    text = "- {from: dc1, to: dc2, rate: 10Gb/s, cost: 2 per TB}\n- {from: dc2, to: dc3, rate: 1Tb/s}"
    assert links(text, "f") == (SiteLink("dc1", "dc2", 10**10, 2000), SiteLink("dc2", "dc3", 10**12))
    assert links(f"links:\n{text}", "f") == links(text, "f")
    assert links(text, "f")[0].joins("dc2", "dc1")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no link"),
        ("- {from: a, to: b}", "the key `rate` is missing"),
        ("- {from: a, to: b, rate: 10}", "'10' has no unit"),
        ("- {from: a, to: b, rate: 10GB/s}", "a network counts bits"),
        ("- {from: a, to: b, rate: 0Gb/s}", "asks for nothing"),
        ("- {from: a, to: a, rate: 1Gb/s}", "not a with itself"),
        ("- {from: a, to: b, rate: 1Gb/s}\n- {from: b, to: a, rate: 2Gb/s}", "is there twice"),
        ("- {from: a, to: b, rate: 1Gb/s, cost: cheap}", "is no price of this"),
        ("- {from: a, to: b, rate: 1Gb/s, costs: 1}", "did you mean cost?"),
    ],
)
def test_links_that_are_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        links(text, "l.yaml")
    assert why in f"{refused.value.what} {refused.value.why}"
    assert refused.value.what.startswith("l.yaml")
