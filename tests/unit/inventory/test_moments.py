"""Points in time: dates, and lengths from now on."""

from __future__ import annotations

import pytest

from dcctl.inventory.moments import moment_or_length

NOW = 1_800_000_000
TOLD = {
    "90m": NOW + 5400,
    "2d": NOW + 172_800,
    "3600s": NOW + 3600,
    "1440m": NOW + 86_400,
    "20260101s": NOW + 20_260_101,
    "2027-01-15T08:00Z": NOW,
    "2027-01-15 08:00Z": NOW,
    "20270115T080000Z": NOW,
}


@pytest.mark.parametrize("text", TOLD)
def test_a_length_is_from_now_on_and_a_date_is_itself(text: str) -> None:
    assert moment_or_length(text, NOW) == TOLD[text]


WRONG = {"2027-13-01T00:00Z": "no date and time", "3600": "no length of time", "soon": "no length of time"}
WRITTEN = "a date and time reads 2026-11-28T22:00Z"
WRONG |= dict.fromkeys(("tomorrow", "22:00", "28.11.2026", "0h", "6h6h"), WRITTEN)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_neither_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=WRONG[text]):
        moment_or_length(text, NOW)
