"""How a UPS fares, by variables as drivers of NUT tell them (usbhid-ups, snmp-ups)."""

from __future__ import annotations

import pytest

from dcctl.inventory.evidence.plant import Temperature
from dcctl.inventory.sources.nut.plant import parse

TOLD = {
    "ups.status": "OL CHRG RB",
    "battery.date": "2019/03/02",
    "battery.mfr.date": "2018/01/01",
    "ups.test.date": "05/17/23",
    "ups.test.result": "Done and passed",
    "ambient.temperature": "24.50",
    "ups.load": "34",
}


def test_a_ups_tells_how_it_fares() -> None:
    one = parse("ups-a", TOLD, 5)
    assert (one.key, one.kind, one.status, one.read_at_s) == ("Plant/ups-a", "ups", ("OL", "CHRG", "RB"), 5)
    assert (one.battery_made_s, one.tested_at_s, one.test_passed) == (1_551_484_800, 1_684_281_600, True)
    assert one.temperatures == (Temperature("ambient", 24_500),)


def test_what_it_does_not_tell_is_not_known() -> None:
    one = parse("ups-a", {}, 5)
    assert (one.status, one.battery_made_s, one.tested_at_s, one.test_passed) == (None, None, None, None)
    assert (one.temperatures, one.silent["status"].cause) == (None, "missing")


@pytest.mark.parametrize("date", ["", "17.05.2023", "2023/13/40", "not set", "05/17/123"])
def test_a_date_that_is_none(date: str) -> None:
    assert parse("a", TOLD | {"ups.test.date": date}, 5).tested_at_s is None


@pytest.mark.parametrize(
    ("result", "passed"),
    [
        ("Done and passed", True),
        ("Done and error", False),
        ("No test initiated", None),
        ("In progress", None),
    ],
)
def test_results_of_tests(result: str, passed: bool | None) -> None:
    assert parse("a", TOLD | {"ups.test.result": result}, 5).test_passed is passed
