"""What amounts cost: the example of the article, worked out by hand."""

from __future__ import annotations

from fractions import Fraction

from dcctl.packing.sharing.price import WholeNodes, cost, whole_nodes

PRICES = {"units": Fraction(100), "tb": Fraction(200), "gbps": Fraction(300)}
NODE = {"units": 100, "tb": 10, "gbps": 100}
WANTED = {"units": 50, "tb": 5, "gbps": 50}


def test_by_the_unit() -> None:
    assert cost(WANTED, PRICES) == 50 * 100 + 5 * 200 + 50 * 300 == 21_000


def test_as_whole_nodes() -> None:
    assert whole_nodes(WANTED, [NODE] * 10, PRICES) == WholeNodes(1, Fraction(42_000))
    # 250 units take three nodes of a hundred, though the rest would fit on one.
    assert whole_nodes({**WANTED, "units": 250}, [NODE] * 10, PRICES) == WholeNodes(3, Fraction(126_000))


def test_the_cheaper_type_is_taken() -> None:
    small = {"units": 50, "tb": 5, "gbps": 50}
    assert whole_nodes(WANTED, [NODE, small], PRICES) == WholeNodes(1, Fraction(21_000))


def test_no_type_has_it() -> None:
    assert whole_nodes({"gpu": 1}, [NODE], PRICES) is None
    assert whole_nodes({"units": 250}, [NODE] * 2, PRICES) is None
