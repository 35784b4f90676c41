"""Quantities are exact: compared with a slow reading of the grammar in rational numbers."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.sources.kubernetes.quantity import NANO, ceil_milli, parse, units

BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
SUFFIXES = (*BINARY, *DECIMAL, *(f"{letter}{power}" for letter in "eE" for power in range(-12, 19)))


def slowly(number: str, suffix: str) -> Fraction:
    """The value by the definition: number times the power that the suffix names."""
    if suffix in BINARY:
        return Fraction(number) * BINARY[suffix]
    power = DECIMAL[suffix] if suffix in DECIMAL else int(suffix[1:])
    return Fraction(number) * Fraction(10) ** power


NUMBERS = st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,9})?", fullmatch=True)


@given(NUMBERS, st.sampled_from(SUFFIXES))
def test_every_quantity_is_its_rational_value_rounded_up_to_the_nano(number: str, suffix: str) -> None:
    exact = slowly(number, suffix) * NANO
    assert parse(number + suffix) == ceil(exact)


@pytest.mark.parametrize(
    ("text", "milli"),
    [("100m", 100), ("1.5", 1500), ("0.0001", 1), ("1e3", 10**6), ("1E", 10**21), ("+2", 2000)],
)
def test_processor_quantities(text: str, milli: int) -> None:
    assert ceil_milli(parse(text)) == milli


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("2Gi", 2 << 30),
        ("128974848000m", 128974848),
        ("1.5Ki", 1536),
        (".5k", 500),
        ("1.", 1),
        ("1n", 1),
        ("1e-3", 1),
    ],
)
def test_byte_quantities(text: str, whole: int) -> None:
    assert units(text) == whole


@pytest.mark.parametrize(
    "text",
    ["", "Gi", "1KiB", "1 Gi", "1e", "1e999", "--1", "0x10", "1,5", ".", "١", "NaN", "1" * 41, "1ki", "1\n"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse(text)


@pytest.mark.parametrize("text", ["-1", "-0.1m", "-2Gi", "-1e3"])
def test_a_negative_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is a negative quantity"):
        parse(text)


def test_minus_nothing_is_nothing() -> None:
    assert parse("-0") == 0
