"""The largest sum of training x inference: examples worked out by hand, and a search by brute force."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.packing.sharing.bilinear import GAP, train_x_infer
from dcctl.packing.sharing.shares import Claim, Limit, fair
from tests.examples import examples
from tests.unit.packing.test_shares import A, B, check_feasible, claims_of, supplies


def test_the_two_models_of_the_article() -> None:
    # Neither has inference, so the sum is a + b. A CPU is worth 1/100 to a and 1/50 to b: b has all ten.
    found = train_x_infer([A, B], {"cpu": 10, "gb": 100})
    assert [one.training for one in found.shares] == [0, Fraction(1, 5)]
    assert found.value == Fraction(1, 5)
    assert found.bound is not None
    assert found.value <= found.bound <= found.value * (1 + 2 * Fraction(GAP)) + Fraction(1, 10**7)


def test_the_two_models_where_there_is_no_gpu() -> None:
    found = train_x_infer([A, B], {"cpu": 10, "gb": 100, "gpu": 0})
    assert [found.value, found.bound] == [0, 0]
    assert {one.limits for one in found.shares} == {(Limit("gpu"),)}


def test_one_model_splits_the_bottleneck_in_equal_halves() -> None:
    # Maximise t f with 60 t + 40 f <= 50: 60 t = 40 f = 25, so t = 5/12, f = 5/8 and t f = 25/96.
    found = train_x_infer([Claim("m", {"cpu": 60}, {"cpu": 40})], {"cpu": 50})
    assert float(found.value) == pytest.approx(25 / 96, rel=1e-6)
    assert found.shares[0].training == pytest.approx(5 / 12, abs=1e-3)


def test_one_whole_model_is_worth_more_than_two_halves() -> None:
    # Halves of both: 2 x (1/2 x 1/2) = 1/2. One whole: 1.
    twins = [Claim(name, {"cpu": 10}, {"cpu": 10}) for name in ("a", "b")]
    found = train_x_infer(twins, {"cpu": 20})
    assert sorted(one.product for one in found.shares) == [0, 1]
    assert fair(twins, {"cpu": 20}).value == Fraction(1, 2)


def test_minimums_and_quotas_hold() -> None:
    # b keeps 2 of its 10 CPUs in each part; a, of twice the weight, has 8 of 10 in each of the other 16:
    # 2 x 0.64 + 0.04. (All 20 for b would be worth 1.)
    a = Claim("a", {"cpu": 10}, {"cpu": 10}, weight=Fraction(2))
    b = Claim("b", {"cpu": 10}, {"cpu": 10}, minimum={"cpu": 4})
    assert float(train_x_infer([a, b], {"cpu": 20}).value) == pytest.approx(1.32, rel=1e-5)
    # With a minimum and a quota of 12 a has 6 of 10 in each part, and b 4: 2 x 0.36 + 0.16.
    held = Claim("a", {"cpu": 10}, {"cpu": 10}, weight=Fraction(2), quota={"cpu": 12}, minimum={"cpu": 12})
    assert float(train_x_infer([held, b], {"cpu": 20}).value) == pytest.approx(0.88, rel=1e-5)


def test_when_the_search_ends_early_the_gap_is_told() -> None:
    claims = [
        Claim(f"m{at}", {"a": 7 + at, "b": 20 - at}, {"a": 15 - at, "b": 5 + 2 * at}) for at in range(6)
    ]
    early, late = (train_x_infer(claims, {"a": 40, "b": 45}, boxes) for boxes in (1, 3000))
    assert early.bound is not None
    assert late.bound is not None
    assert early.value <= late.value <= late.bound <= early.bound


@examples(60)
@given(claims_of, supplies)
def test_between_the_fair_value_and_the_bound(claims: list[Claim], supply: dict[str, int | None]) -> None:
    found = train_x_infer(claims, supply, boxes=200)
    check_feasible(claims, supply, found)
    assert found.bound is not None
    assert fair(claims, supply).value <= found.value <= found.bound
    assert found == train_x_infer(claims, supply, boxes=200)


GRID = [Fraction(at, 8) for at in range(9)]
needs = st.fixed_dictionaries({"a": st.integers(1, 9), "b": st.integers(0, 9)})


@examples(60)
@given(
    st.lists(st.tuples(needs, needs, st.integers(1, 3)), min_size=1, max_size=2),
    st.integers(1, 30),
    st.integers(1, 30),
)
def test_no_point_of_a_grid_is_above_the_bound(
    wants: list[tuple[dict[str, int], dict[str, int], int]], a: int, b: int
) -> None:
    claims = [Claim(str(at), t, f, Fraction(w)) for at, (t, f, w) in enumerate(wants)]
    found = train_x_infer(claims, {"a": a, "b": b})
    best = Fraction(0)
    for point in product(GRID, repeat=2 * len(claims)):
        pairs = list(zip(claims, point[::2], point[1::2], strict=True))
        if all(
            sum(x * c.training[name] + y * c.inference[name] for c, x, y in pairs) <= room
            for name, room in (("a", a), ("b", b))
        ):
            best = max(best, sum((c.weight * x * y for c, x, y in pairs), Fraction(0)))
    assert found.bound is not None
    assert best <= found.bound
    assert best <= found.value * (1 + 2 * Fraction(GAP)) + Fraction(1, 10**6)
