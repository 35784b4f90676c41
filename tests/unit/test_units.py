"""Plain figures read with four significant digits, counts with all of theirs."""

import pytest

from dcctl.units import count, four


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (63.17, "63.17"),
        (178880.0, "178,880"),
        (3.8e25, "3.8e+25"),
        (0, "0"),
        (0.5, "0.5"),
        (9999.7, "10,000"),
        (7029.5, "7,030"),
        (2953.000642456631, "2,953"),
        (6_191_874.3, "6,192,000"),
        (-6_191_874.3, "-6,192,000"),
        (7.222e9, "7.222e+09"),
    ],
)
def test_four_significant_digits(value: float, text: str) -> None:
    assert four(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1396000, "1,396,000"), (16.0, "16"), (0, "0"), (2953.000642456631, "2,953")]
)
def test_a_count_that_was_computed_has_no_more_digits_than_it_knows(value: float, text: str) -> None:
    assert count(value) == text
