"""How quantities are worded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.render.units import moment, near, show
from dcctl.units import elapsed

if TYPE_CHECKING:
    from dcctl.render.report import Cell, Unit

GIB = 1024**3


@pytest.mark.parametrize(
    ("cell", "unit", "text"),
    [
        (0, "bytes", "0 B"),
        (999, "bytes", "999 B"),
        (1000, "bytes", "1 kB"),
        (1_530_000_000, "bytes", "1.53 GB"),
        (999_700_000_000, "bytes", "1 TB"),
        (1, "power_mw", "<0.01 W"),
        (-15_300_000, "bytes", "-15.3 MB"),
        (80 * GIB, "memory", "80 GiB"),
        (1023 * GIB, "memory", "1023 GiB"),
        (2048 * GIB, "memory", "2 TiB"),
        (1500, "milli", "1.5"),
        (96_000, "milli", "96"),
        (12_345_000, "milli", "12,345"),
        (1, "milli", "0.001"),
        (0, "milli", "0"),
        (400_000_000_000, "bps", "400 Gb/s"),
        (6_210_000, "power_mw", "6.21 kW"),
        (350_000, "power_mw", "350 W"),
        (5_400_000_000_000, "energy_mj", "1.5 MWh"),
        (640_000, "mass_mg", "0.64 kg"),
        (7_940_000_000, "mass_mg", "7.94 t"),
        (1_980_000_000, "hz", "1.98 GHz"),
        (65, "celsius", "65 °C"),
        (1024, "count", "1,024"),
        (870, "percent_milli", "87 %"),
        (48, "percent_milli", "4.8 %"),
        (0, "percent_milli", "0 %"),
        (4, "percent_milli", "0.4 %"),
        (999, "percent_milli", "99.9 %"),
        (1000, "percent_milli", "100 %"),
        (350, "duration_ms", "350 ms"),
        (1800, "duration_ms", "1.8 s"),
        (200_000, "duration_ms", "3 min 20 s"),
        (95, "duration_s", "95 s"),
        (7800, "duration_s", "2 h 10 min"),
        (26 * 3600, "duration_s", "26 h"),
        (76 * 3600, "duration_s", "3 d 4 h"),
        (97 * 86400, "duration_s", "97 d"),
        (-7800, "duration_s", "-2 h 10 min"),
        (-7.5, "duration_s", "-7.5 s"),
        (-0.001, "duration_s", ">-0.01 s"),
        (-400, "power_mw", "-0.4 W"),
        (-0.0, "power_mw", "0 W"),
        (-0.0, "count", "0"),
        (-0.2, "milli", ">-0.001"),
        (0.4, "percent_milli", "<0.1 %"),
        (True, "text", "yes"),
        (False, "count", "no"),
        (("a", "b"), "text", "a, b"),
        ("unlimited", "memory", "unlimited"),
        ("", "text", ""),
    ],
)
def test_a_quantity_reads_as_people_say_it(cell: Cell, unit: Unit, text: str) -> None:
    assert show(cell, unit) == text


@pytest.mark.parametrize(
    "unit", ["text", "count", "memory", "power_mw", "duration_s", "time_s", "percent_milli"]
)
def test_unknown_is_a_dash_and_never_zero_or_blank(unit: Unit) -> None:
    assert show(None, unit) == "–"
    assert show(None, unit, unicode=False) == "-"
    assert show(float("nan"), unit) == "–"


def test_a_moment_is_local_with_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX-08:00")
    time.tzset()
    assert show(0, "time_s") == "1970-01-01 08:00:00+08:00"
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert show(1_700_000_000, "time_s") == "2023-11-14 22:13:20Z"
    monkeypatch.undo()
    time.tzset()


@given(st.integers(-(2**70), 2**70) | st.floats(), st.booleans())
def test_every_number_can_be_worded_in_every_unit(value: float, unicode: bool) -> None:
    units: tuple[Unit, ...] = (
        *(
            "count",
            "milli",
            "percent_milli",
            "bytes",
            "memory",
            "bps",
            "power_mw",
            "energy_mj",
            "mass_mg",
            "hz",
        ),
        *("duration_s", "duration_ms", "time_s", "celsius", "text", "nodes", "state"),
    )
    for unit in units:
        text = show(value, unit, unicode)
        assert text
        assert unicode or text.isascii()
        assert unit in ("text", "nodes", "state") or text.split(" ")[0] not in ("-0", "-0.0")


@given(
    st.integers(1, 999),
    st.sampled_from(["percent_milli", "milli", "power_mw", "energy_mj", "mass_mg", "duration_ms"]),
)
def test_something_is_never_worded_as_nothing_nor_a_part_as_all(value: int, unit: Unit) -> None:
    number = show(value, unit).split(" ")[0]
    assert number not in ("0", "-0", "")
    assert unit != "percent_milli" or number != "100"


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0, "0 s"),
        (1, "<0.1 s"),
        (24_333, "24.3 s"),
        (119_000, "119 s"),
        (910_000, "15 min 10 s"),
        (3_600_000, "1 h"),
        (47_537_902, "13 h 12 min"),
        (3 * 86_400_000 + 4 * 3_600_000, "3 d 4 h"),
    ],
)
def test_time_since_a_start_has_two_units(ms: int, said: str) -> None:
    assert elapsed(ms) == said


def test_a_time_that_is_near_is_told_as_people_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    now = 1_795_420_800  # Mon 2026-11-23 08:00
    day = 86400
    steps = (0, 60, 16 * 3600 - 1, 16 * 3600, 6 * day - 60, 6 * day, -day)
    assert [near(now + step, now) for step in steps] == [
        *("now", "08:01", "23:59", "Tue 00:00", "Sun 07:59"),
        *("2026-11-29 08:00", "2026-11-22 08:00"),
    ]
    assert near(10**18, now) == "1000000000000000000"
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("here", ["UTC", "XXX-08:00"])
def test_a_time_of_another_zone_tells_its_offset_whatever_this_machine_has(
    here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", here)
    time.tzset()
    now, berlin = 1_795_420_800, "Europe/Berlin"  # Mon 2026-11-23 08:00 UTC
    assert [near(now + hours * 3600, now, berlin) for hours in (0, 2, 15, 7 * 24)] == [
        *("now", "11:00+01:00", "Tue 00:00+01:00", "2026-11-30 09:00+01:00"),
    ]
    assert near(now + 3600, now, "UTC") == "09:00Z"
    assert moment(1_783_000_000, berlin) == "2026-07-02 15:46:40+02:00"
    assert moment(now, "Mars/Olympus") == moment(now)
    assert moment(10**18, berlin) == "1000000000000000000"
    monkeypatch.undo()
    time.tzset()
