"""Amounts, lengths of time and points in time, read exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.lengths import duration
from dcctl.inventory.moments import moment
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.jobs.amounts import Measure, rate, read
from dcctl.inventory.sources.jobs.resources import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

MEASURES = [kind.measure for kind in KINDS.values()]


def _refused(function: Callable[[], object]) -> str:
    """Why a text is refused; empty when it is not."""
    try:
        function()
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("text", "measure", "amount"),
    [
        ("96", amounts.CPU, 96_000),
        ("1.5", amounts.CPU, 1500),
        (".5", amounts.CPU, 500),
        ("500m", amounts.CPU, 500),
        ("1Ti", amounts.MEMORY, 1 << 40),
        ("1 TiB", amounts.MEMORY, 1 << 40),
        ("80GB", amounts.MEMORY, 80 * 10**9),
        ("0.5Ki", amounts.MEMORY, 512),
        ("2TB", amounts.STORAGE, 2 * 10**12),
        ("400Gb/s", amounts.BANDWIDTH, 400 * 10**9),
        ("400Gbps", amounts.BANDWIDTH, 400 * 10**9),
        ("1.6Tbit/s", amounts.BANDWIDTH, 1600 * 10**9),
        ("6kW", amounts.POWER, 6_000_000),
        ("0.0015W", amounts.POWER, None),
        ("0.25", amounts.GPUS, 250),
        ("8", amounts.DEVICES, 8),
    ],
)
def test_an_amount_is_exact(text: str, measure: Measure, amount: int | None) -> None:
    if amount is None:
        with pytest.raises(ValueError, match="finer than a milliwatt"):
            read(text, measure)
    else:
        assert read(text, measure) == amount


@given(st.sampled_from(MEASURES), st.data())
def test_what_is_written_is_read_back(measure: Measure, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(sorted(measure.units)))
    amount = data.draw(st.integers(1, min(amounts.MOST, 10**17 * measure.units[unit])))
    number = Fraction(amount, measure.units[unit])
    places = next((n for n in range(19) if (number * 10**n).denominator == 1), None)
    if places is None:
        return
    whole, rest = divmod(int(number * 10**places), 10**places)
    text = f"{whole}.{rest:0{places}d}{unit}" if places else f"{whole}{unit}"
    assert read(text, measure) == amount


@given(st.text(max_size=30), st.sampled_from(MEASURES))
def test_any_text_is_an_amount_or_refused(text: str, measure: Measure) -> None:
    assert "\n" not in _refused(lambda: read(text, measure))
    assert "\n" not in _refused(lambda: rate(text, measure))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("90m", 5400), ("90min", 5400), ("3d12h", 302_400), ("1w 2d", 777_600), ("1.5h", 5400)],
)
def test_a_length_of_time(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@given(st.integers(1, 10**9))
def test_days_hours_minutes_and_seconds_add_up(seconds: int) -> None:
    rest, parts = seconds, []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        parts.append(f"{count}{unit}")
    assert duration("".join(parts)) == seconds


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    assert "\n" not in _refused(lambda: duration(text))
    assert "\n" not in _refused(lambda: moment(text))


@pytest.mark.parametrize(
    ("text", "unix"),
    [
        ("2026-11-24T08:00Z", 1_795_507_200),
        ("2026-11-24 08:00:00Z", 1_795_507_200),
        ("2026-11-24T16:00+08:00", 1_795_507_200),
    ],
)
def test_a_moment_has_a_zone(text: str, unix: int) -> None:
    assert moment(text) == unix


def test_a_price_is_for_a_unit() -> None:
    assert rate("200 per TB", amounts.STORAGE) == (200_000, 10**12)
    assert rate("0.5 per GiB", amounts.MEMORY) == (500, 1 << 30)
    assert rate("100", amounts.CPU) == (100_000, 1000)
    assert rate("0", amounts.GPUS) == (0, 1000)


def test_digits_without_end_are_no_unit() -> None:
    with pytest.raises(ValueError, match="more digits than any amount"):
        read("9" * 40 + "GB", amounts.MEMORY)
