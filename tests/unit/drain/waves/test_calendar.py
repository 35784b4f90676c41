"""Windows: how they are read, when they open, and what the clocks do to them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dcctl.drain.waves.calendar import clock, opening, window, zone_of
from dcctl.errors import UsageError
from dcctl.inventory.model import Fleet, Site

H = 3600


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def test_days_times_and_zone_are_read() -> None:
    found = window("Sat,Sun 22:00-06:00 Europe/Berlin")
    assert (found.days, found.from_s, found.to_s, found.zone) == ((5, 6), 22 * H, 6 * H, "Europe/Berlin")
    assert window("Mon-Fri 01:00-05:00", "Asia/Shanghai").zone == "Asia/Shanghai"
    assert window("Fri-Mon 01:00-05:00").days == (0, 4, 5, 6)
    assert window("daily 02:00-04:00 Asia/Shanghai").days == tuple(range(7))
    assert window("saturday 0:00-24:00").to_s == 0
    late = window("Sat,Sun 24:00-02:00")
    assert (late.days, late.from_s, late.to_s) == ((0, 6), 0, 2 * H)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Sat", "DAYS FROM-TO"),
        ("Sax 01:00-02:00", "sax"),
        ("Sat 25:00-26:00", "25:00"),
        ("Sat 01:60-02:00", "01:60"),
        ("Sat 01:00-02:00 Europe/Berlun", "Europe/Berlun"),
        ("Sat 01:00-02:00 ../passwd", "passwd"),
        ("Sat 01:00-02:00 Europe", "Europe"),
        ("Sat, 01:00-02:00", "nothing"),
        ("Mon- 01:00-02:00", "nothing"),
    ],
)
def test_what_is_wrong_is_said_with_an_example(text: str, word: str) -> None:
    with pytest.raises(UsageError) as error:
        window(text)
    assert word.lower() in str(error.value).lower()
    assert "Try: --window 'Sat,Sun 22:00-06:00 Europe/Berlin'" in str(error.value)


def test_the_zone_is_that_of_the_site_if_there_is_one() -> None:
    assert zone_of(Fleet()) == "UTC"
    assert zone_of(Fleet(sites=(Site("a", timezone="Asia/Tokyo"), Site("b")))) == "Asia/Tokyo"
    assert zone_of(Fleet(sites=(Site("a", timezone="Asia/Tokyo"), Site("b", timezone="UTC")))) == "UTC"


def test_it_opens_at_once_inside_and_later_outside() -> None:
    night = (window("daily 22:00-06:00"),)
    assert opening(night, at("2026-11-22T23:00")) == (at("2026-11-22T23:00"), at("2026-11-23T06:00"))
    assert opening(night, at("2026-11-23T05:59")) == (at("2026-11-23T05:59"), at("2026-11-23T06:00"))
    assert opening(night, at("2026-11-23T06:00")) == (at("2026-11-23T22:00"), at("2026-11-24T06:00"))


def test_a_span_that_does_not_fit_in_what_is_left_waits_for_the_next() -> None:
    weekend = (window("Sat,Sun 22:00-06:00 Europe/Berlin"),)
    sunday_morning = at("2026-11-22T05:00", "Europe/Berlin")
    begins = at("2026-11-22T22:00", "Europe/Berlin")
    assert opening(weekend, sunday_morning, H) == (sunday_morning, sunday_morning + H)
    assert opening(weekend, sunday_morning, H + 1) == (begins, begins + 8 * H)
    assert opening(weekend, sunday_morning, 9 * H) is None


def test_windows_that_touch_are_one() -> None:
    both = (window("daily 22:00-00:00"), window("daily 00:00-02:00"))
    assert opening(both, at("2026-11-22T20:00"), 3 * H) == (at("2026-11-22T22:00"), at("2026-11-23T02:00"))
    assert opening((window("daily 0:00-24:00"),), at("2026-11-22T20:00"), 100 * H) is not None


def test_nights_on_which_clocks_change() -> None:
    night = (window("Sat 22:00-06:00 Europe/Berlin"),)
    spring = opening(night, at("2026-03-28T12:00"))
    autumn = opening(night, at("2026-10-24T12:00"))
    assert spring is not None
    assert autumn is not None
    assert spring[1] - spring[0] == 7 * H
    assert autumn[1] - autumn[0] == 9 * H
    assert datetime.fromtimestamp(autumn[0], UTC).hour == 20


def test_an_hour_that_the_clocks_skip_is_no_window() -> None:
    skipped = (window("Sun 02:00-03:00 Europe/Berlin"),)
    found = opening(skipped, at("2026-03-28T12:00"))
    assert found is not None
    assert clock(found[0], "Europe/Berlin") == "2026-04-05 02:00 Europe/Berlin"
