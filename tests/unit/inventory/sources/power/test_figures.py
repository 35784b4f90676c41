"""Figures by hand: what a file says, and what is wrong with it, by line."""

from __future__ import annotations

import pytest

from dcctl.errors import UsageError
from dcctl.inventory.sources.energy.parse import parse
from tests.conftest import ROOT

EXAMPLE = (ROOT / "examples" / "assess" / "energy.yaml").read_text()
MWH = 3_600_000_000_000


def of(body: str) -> str:
    return f"kind: Energy\nsites:\n  - name: dc1\n{body}"


def period(more: str) -> str:
    return of(f"    periods:\n      - from: 2026-01-01T00:00Z\n        to: 2026-02-01T00:00Z\n{more}")


def registers(*readings: str, wraps: str = "") -> str:
    rows = "".join(
        f"          - {{at: 2026-0{at}-01T00:00Z, energy: {e}}}\n" for at, e in enumerate(readings, 1)
    )
    return of(f"    registers:\n      - point: facility\n{wraps}        readings:\n{rows}")


def test_the_example_is_read() -> None:
    found = parse(EXAMPLE, "energy.yaml")
    assert found.currency == "CNY"
    assert [len(found.periods[site]) for site in ("dc1", "dc2")] == [4, 1]
    (dc2,) = found.periods["dc2"]
    assert dc2.energy_mj["facility"] == 6967 * MWH // 10
    assert dc2.energy_mj["pdu"] == 5326 * MWH // 10  # its register went round
    grid = found.grids["dc1"]
    assert grid.price is not None
    assert grid.location is not None
    assert (grid.price.values_milli, grid.location.values_milli) == ((620_000,), (570_000,))
    assert [len(model.points) for model in found.ups] == [4]
    assert [(model.model, len(model.points)) for model in found.caps] == [
        ("NVIDIA H100 80GB HBM3", 4),
        ("NVIDIA A100-SXM4-80GB", 0),
    ]


def test_units_of_energy_agree() -> None:
    told = [
        parse(period(f"        facility: {text}\n"), "x").periods["dc1"][0].energy_mj["facility"]
        for text in ("1 MWh", "1000kWh", "3.6 GJ", "3600 MJ", "0.001 GWh")
    ]
    assert set(told) == {MWH}


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (period("        facility: 10 MW\n"), 7, "MW is power; energy is written as 10 MWh"),
        (period("        facility: 10\n"), 7, "has no unit"),
        (period("        facility: ten MWh\n"), 7, "is no amount of energy"),
        (period("        facility: -4 MWh\n"), 7, "is negative"),
        (period("        facility: 10 MWh\n        it: 11 MWh\n"), 8, "the PUE would be below 1"),
        (period("        ups: 10 MWh\n        pdu: 11 MWh\n"), 8, "losses would be negative"),
        (period("        facility: 1 MWh\n        reused: 2 MWh\n"), 8, "no more can be reused"),
        (period("        facility: 1 MWh\n        renewable: 2 MWh\n"), 8, "no more can be renewable"),
        (period("        water: 3 kg\n"), 7, "is no unit that is known here"),
        (period("        facilty: 3 MWh\n"), 7, "did you mean"),
        (registers("5 MWh", "4 MWh"), 8, "the meter runs backwards"),
        (registers("5 MWh", "4 MWh", wraps="        wraps_at: 3 MWh\n"), 9, "the meter runs backwards"),
        (registers("5 MWh"), 6, "at least two are needed"),
        (of("    price: 0.6 per kW\n"), 4, "is no price of this"),
        (of("    carbon: {location: 5 kg}\n"), 4, "no unit"),
        ("kind: Jobs\n", 1, "must be Energy"),
        (
            "kind: Energy\nups:\n  - {name: a, nominal: 5 kW, points: [{load: 50%, efficiency: 101%}]}\n",
            3,
            "at most 100%",
        ),
        ("kind: Energy\nups:\n  - {name: a, nominal: 5 kWh, points: []}\n", 3, "kWh is energy"),
        ("kind: Energy\nups:\n  - {name: a, nominal: 5 kVA, points: []}\n", 3, "kVA is apparent power"),
        (
            "kind: Energy\ncaps:\n  - model: A100\n    points:\n"
            + "".join(f"      - {{cap: {w} W, power: {w} W, time: {t}%}}\n" for w, t in ((4, 120), (3, 100))),
            4,
            "less time under a lower cap",
        ),
        (
            "kind: Energy\nups:\n  - {name: a, nominal: 5 kW, points: [{load: 50%, efficiency: 90%}]}\n",
            3,
            "three loads",
        ),
        (
            "kind: Energy\ncaps:\n  - {model: A100, idle: 500 W, limit: 400 W, compute: 40%}\n",
            3,
            "below the limit",
        ),
        ("kind: Energy\ncaps:\n  - {model: A100}\n", 3, "`idle` is missing"),
        (
            "kind: Energy\ncaps:\n  - {model: A, points: [{cap: 5 W, power: 9 W, time: 100%}]}\n",
            3,
            "above the cap",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(UsageError) as told:
        parse(text, "energy.yaml")
    assert told.value.what.startswith(f"energy.yaml:{line}")
    assert why in told.value.why
    assert told.value.hint == "dcctl schema energy"


def test_periods_that_overlap_are_refused_with_both_places() -> None:
    months = [f"{{from: 2026-0{at}-01T00:00Z, to: 2026-0{at + 2}-01T00:00Z, it: 1 MWh}}" for at in (1, 2)]
    text = of("    periods:\n" + "".join(f"      - {month}\n" for month in months))
    with pytest.raises(UsageError) as told:
        parse(text, "e.yaml")
    assert (told.value.what, told.value.why) == ("e.yaml:6", "overlaps the period of e.yaml:5")
