"""Plain figures read with four significant digits."""

import pytest

from dcctl.units import four


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (63.17, "63.17"),
        (178880.0, "178,880"),
        (3.8e25, "3.8e+25"),
        (0, "0"),
        (0.5, "0.5"),
        (9999.7, "10,000"),
        (7029.5, "7030"),
    ],
)
def test_four_significant_digits(value: float, text: str) -> None:
    assert four(value) == text
