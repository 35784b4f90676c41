"""Fair shares of a supply that is too small: examples worked out by hand, and what holds for all."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from dcctl.packing.sharing.shares import Claim, Limit, Share, Shares, fair, max_min
from dcctl.packing.sharing.shares import given as amounts_given

A = Claim("a", {"cpu": 100, "gpu": 50, "gb": 20})
B = Claim("b", {"cpu": 50, "gpu": 20, "gb": 30})
"""The two models of the article, on 10 CPUs and 100 GB."""


def training(found: Shares) -> list[Fraction | None]:
    return [one.training for one in found.shares]


def test_dominant_shares_are_equal() -> None:
    # CPUs bind long before the 100 GB: a's dominant share is 100 a / 10 = 10 a, b's 50 b / 10 = 5 b. They are
    # equal at b = 2 a; 100 a + 50 (2 a) = 10 gives a = 1/20, b = 1/10: five CPUs, half of them, each.
    found = fair([A, B], {"cpu": 10, "gpu": None, "gb": 100})
    assert training(found) == [Fraction(1, 20), Fraction(1, 10)]
    assert [one.dominant for one in found.shares] == [Fraction(1, 2)] * 2
    assert {one.limits for one in found.shares} == {(Limit("cpu"),)}
    assert found.value == Fraction(3, 20)


def test_max_min_gives_both_the_same_fraction() -> None:
    # 100 x + 50 x = 10: x = 1/15, which is 6.7 %.
    assert training(max_min([A, B], {"cpu": 10, "gb": 100})) == [Fraction(1, 15)] * 2


def test_nothing_is_had_of_what_there_is_none() -> None:
    found = fair([A, B], {"cpu": 10, "gpu": 0, "gb": 100})
    assert training(found) == [0, 0]
    assert {one.limits for one in found.shares} == {(Limit("gpu"),)}


def test_the_other_part_goes_on() -> None:
    # No GPU: training gets nothing, and inference, 40 of 20 CPUs, one half.
    (one,) = fair([Claim("m", {"cpu": 60, "gpu": 8}, {"cpu": 40})], {"cpu": 20, "gpu": 0}).shares
    assert [one.training, one.inference] == [0, Fraction(1, 2)]
    assert one.limits == (Limit("cpu"), Limit("gpu"))


def test_the_example_of_the_paper() -> None:
    # Ghodsi et al., section 4.1: 9 CPUs, 18 GB; tasks of 1 CPU, 4 GB and of 3 CPUs, 1 GB. A gets 3, B 2 of
    # them. Here each wants a hundred.
    claims = [Claim("A", {"cpu": 100, "gb": 400}), Claim("B", {"cpu": 300, "gb": 100})]
    assert training(fair(claims, {"cpu": 9, "gb": 18})) == [Fraction(3, 100), Fraction(2, 100)]


def test_weights_quotas_and_minimums() -> None:
    supply = {"cpu": 12}
    heavy, light = Claim("a", {"cpu": 100}, weight=Fraction(2)), Claim("b", {"cpu": 100})
    assert training(fair([heavy, light], supply)) == [Fraction(8, 100), Fraction(4, 100)]
    # With a quota of 5 CPUs the heavy one leaves 7 to the other.
    capped = Claim("a", {"cpu": 100}, weight=Fraction(2), quota={"cpu": 5})
    found = fair([capped, light], supply)
    assert training(found) == [Fraction(5, 100), Fraction(7, 100)]
    assert found.shares[0].limits == (Limit("cpu"), Limit("cpu", quota=True))
    # With a minimum of 9 CPUs the light one has them, and the heavy one the other 3.
    assured = Claim("b", {"cpu": 100}, minimum={"cpu": 9})
    assert training(fair([heavy, assured], supply)) == [Fraction(3, 100), Fraction(9, 100)]


def test_minimums_that_do_not_fit_are_shared_out() -> None:
    claims = [Claim("a", {"cpu": 100}, minimum={"cpu": 9}), Claim("b", {"cpu": 100}, minimum={"cpu": 3})]
    found = fair(claims, {"cpu": 10})  # 3 for b, which is its minimum; 7 for a
    assert training(found) == [Fraction(7, 100), Fraction(3, 100)]
    assert [one.below_minimum for one in found.shares] == [True, False]


def test_what_fits_is_given_whole() -> None:
    found = fair([A, B], {"cpu": 150, "gb": 50})
    assert training(found) == [1, 1]
    assert [one.limits for one in found.shares] == [(), ()]


def test_nobody_tells_any_supply() -> None:
    assert training(fair([A], {})) == [1]


DIMENSIONS = ("a", "b", "c")
amounts = st.dictionaries(st.sampled_from(DIMENSIONS), st.integers(0, 30))
weights = st.integers(1, 5).map(Fraction)
claims_of = st.lists(
    st.builds(
        Claim,
        name=st.text("xyz", min_size=1, max_size=3),
        training=amounts,
        inference=amounts,
        weight=weights,
        minimum=amounts,
        quota=st.dictionaries(st.sampled_from(DIMENSIONS), st.integers(0, 40)),
    ),
    min_size=1,
    max_size=5,
)
supplies = st.dictionaries(st.sampled_from(DIMENSIONS), st.one_of(st.none(), st.integers(0, 60)))
wants = st.fixed_dictionaries({name: st.integers(0, 30) for name in DIMENSIONS}).filter(
    lambda one: any(one.values())
)
plain = st.lists(st.builds(Claim, name=st.just("m"), training=wants), min_size=1, max_size=5)
full = st.fixed_dictionaries({name: st.integers(1, 60) for name in DIMENSIONS})


def check_feasible(claims: list[Claim], supply: dict[str, int | None], found: Shares) -> None:
    """In whole units nobody is promised what is not there, or more than its quota."""
    each = [amounts_given(claim, one) for claim, one in zip(claims, found.shares, strict=True)]
    for name in DIMENSIONS:
        there = supply.get(name)
        assert there is None or sum(one.get(name, 0) for one in each) <= there
        for claim, one in zip(claims, each, strict=True):
            assert one.get(name, 0) <= claim.quota.get(name, 1 << 62)
    for share_given in found.shares:
        assert all(
            share is None or 0 <= share <= 1 for share in (share_given.training, share_given.inference)
        )


@given(claims_of, supplies)
def test_shares_are_feasible_and_none_can_be_raised(
    claims: list[Claim], supply: dict[str, int | None]
) -> None:
    for found in (fair(claims, supply), max_min(claims, supply)):
        check_feasible(claims, supply, found)
        for one in found.shares:  # Pareto efficiency: whoever is not whole uses something that is used up
            assert (one.limits == ()) == all(share in (None, 1) for share in (one.training, one.inference))


@given(plain, full)
def test_sharing_incentive(claims: list[Claim], supply: dict[str, int]) -> None:
    """Nobody would have more with an equal cut of everything."""
    for claim, one in zip(claims, fair(claims, supply).shares, strict=True):
        alone = min(Fraction(supply[name], len(claims) * n) for name, n in claim.wanted("training").items())
        assert share_of(one) >= min(Fraction(1), alone)


@given(plain, full)
def test_nobody_envies(claims: list[Claim], supply: dict[str, int]) -> None:
    """With what another was given nobody would have more."""
    shares = fair(claims, supply).shares
    for claim, mine in zip(claims, shares, strict=True):
        for other, theirs in zip(claims, shares, strict=True):
            bundle = {name: n * share_of(theirs) for name, n in other.wanted("training").items()}
            use = min(bundle.get(name, Fraction(0)) / n for name, n in claim.wanted("training").items())
            assert share_of(mine) >= min(Fraction(1), use)


def share_of(one: Share) -> Fraction:
    assert one.training is not None
    return one.training
