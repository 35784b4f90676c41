"""Whatever stands in a file of costs, it is read or refused with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from dcctl.errors import UsageError
from dcctl.inventory.conditions import Curve
from dcctl.inventory.sources.market.parse import parse
from tests.conftest import ROOT
from tests.examples import examples

if TYPE_CHECKING:
    from dcctl.inventory.market import Market

LINES = (ROOT / "examples" / "assess" / "cost.yaml").read_text().splitlines()
VALUES = [
    "",
    " {}",
    " []",
    " 0",
    " -1",
    " 1e9",
    " 9" + "9" * 30,
    " null",
    " '\u202e'",
    " [a, a]",
    " 50%",
    " x: y: z",
]


def market(text: str) -> Market | None:
    try:
        return parse(text, "f.yaml", lambda _, __: {"south": Curve((0, 3600), (80_000, None))})
    except UsageError as error:
        refused = error
    assert refused.what.startswith("f.yaml")
    assert "\n" not in str(refused)
    assert refused.hint
    return None


def test_the_example_is_read() -> None:
    found = market("\n".join(LINES))
    assert found is not None
    assert [site.tariff_micro for site in found.sites] == [45_000, 80_000]
    assert [rack.name for rack in found.sites[0].racks] == ["r1", "r2", "r3"]


@examples(150)
@given(st.integers(0, len(LINES) - 1), st.sampled_from(VALUES), st.integers(0, len(LINES) - 1))
def test_a_line_with_another_value(at: int, value: str, gone: int) -> None:
    lines = list(LINES)
    lines[at] = lines[at].partition(":")[0] + ":" + value
    market("\n".join(lines))
    del lines[gone]
    market("\n".join(lines))
