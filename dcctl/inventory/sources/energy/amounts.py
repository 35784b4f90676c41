"""Amounts of energy, water and carbon as people write them, as whole units of the model."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Final

from dcctl.inventory.nodeexpr import shown
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.jobs.amounts import MILLIWATTS, Measure
from dcctl.inventory.sources.jobs.resources import checked
from dcctl.inventory.sources.power.numbers import WH_MJ

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor

_WATT_HOURS: Final = {f"{prefix}Wh": WH_MJ * 1000**at for at, prefix in enumerate(("", "k", "M", "G"))}
_JOULES: Final = {f"{prefix}J": 1000**at for at, prefix in enumerate(("", "k", "M", "G", "T"), 1)}
ENERGY: Final = Measure("amount of energy", {**_WATT_HOURS, **_JOULES}, "412MWh or 1500GJ", "a millijoule")
WATER: Final = Measure("amount of water", {"l": 1000, "m3": 10**6}, "480m3 or 500l", "a millilitre")
SHARE: Final = Measure("share", {"%": 10}, "25%", "a thousandth")
CARBON: Final = Measure(
    "carbon intensity",
    {"g/kWh": 1000, "kg/kWh": 10**6, "kg/MWh": 1000, "t/MWh": 10**6},
    "570g/kWh",
    "1 mg/kWh",
)
"""Thousandths of g/kWh."""


def energy(given: Cursor) -> int:
    """Millijoules. UsageError with the place; a unit of power is named as such."""
    return checked(given, _energy)


def water(given: Cursor) -> int:
    """Millilitres. UsageError with the place."""
    return checked(given, partial(amounts.read, measure=WATER, least=0))


def power(given: Cursor) -> int:
    """Milliwatts, above nothing. UsageError with the place."""
    return checked(given, _power)


def share(given: Cursor) -> int:
    """Thousandths, above nothing. UsageError with the place."""
    return checked(given, partial(amounts.read, measure=SHARE))


def carbon(given: Cursor) -> int:
    """Thousandths of g/kWh. UsageError with the place."""
    return checked(given, partial(amounts.read, measure=CARBON, least=0))


def price(given: Cursor) -> int:
    """Thousandths of the currency for a MWh, from `0.62 per kWh`. UsageError with the place."""
    return checked(given, _price)


def _price(text: str) -> int:
    milli, per_mj = amounts.rate(text, ENERGY)
    found = Fraction(milli * 1_000_000 * WH_MJ, per_mj)
    if found.denominator != 1:
        raise ValueError(f"{shown(text)} is finer than a thousandth for a MWh")
    return int(found)


def _energy(text: str) -> int:
    unit = text.lstrip("+-0123456789. ")
    if unit in MILLIWATTS:
        raise ValueError(f"{unit} is power; energy is written as {text.strip()}h, power times time")
    return amounts.read(text, ENERGY, least=0)


def _power(text: str) -> int:
    unit = text.lstrip("+-0123456789. ")
    if unit in ENERGY.units:
        raise ValueError(f"{unit} is energy; power is written as {amounts.POWER.example}")
    if unit.endswith("VA"):
        raise ValueError(f"{unit} is apparent power; real power is written as {amounts.POWER.example}")
    return amounts.read(text, amounts.POWER)
