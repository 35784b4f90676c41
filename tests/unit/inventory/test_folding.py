"""Folding names and their natural order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.folding import fold, short, sort_key
from dcctl.inventory.nodeexpr import expand

NUMBERS = st.one_of(st.integers(0, 1200).map(str), st.integers(0, 120).map(lambda n: f"{n:03d}"))
HOSTS = st.builds(
    lambda prefix, number, suffix: f"{prefix}{number}{suffix}",
    st.sampled_from(["gpu", "n", "rack1-n", "r02c"]),
    NUMBERS,
    st.sampled_from(["", "-ib0", ".dc1", "%d"]),
)


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        (["gpu001", "gpu003", "gpu002"], "gpu[001-003]"),
        (["gpu9", "gpu10", "gpu11"], "gpu[9-11]"),
        (["n1", "n01"], "n01,n1"),
        (["n099", "n100", "n1000"], "n1000,n[099-100]"),
        (["r1n1", "r1n2", "r2n1", "r2n2", "r3n1"], "r3n1,r[1-2]n[1-2]"),
        (["a"], "a"),
        ([], ""),
        (["b 1", "gpu1", "x[2]", "a,b"], "gpu1,a,b,b 1,x[2]"),
    ],
)
def test_names_fold_into_ranges(names: list[str], folded: str) -> None:
    assert fold(names) == folded


@given(st.sets(HOSTS, max_size=60))
def test_what_was_folded_expands_to_the_same_names(names: set[str]) -> None:
    assert not names or set(expand(fold(names), {})) == names


@given(st.sets(HOSTS, min_size=1, max_size=60))
def test_clustershell_reads_the_folded_text_alike(names: set[str]) -> None:
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

    assert set(NodeSet(fold(names), resolver=RESOLVER_NOGROUP)) == names


@given(st.sets(st.integers(0, 999), min_size=1), st.sampled_from(["gpu{}", "gpu{:03d}", "gpu{:04d}-ib"]))
def test_clustershell_folds_names_with_one_number_to_the_same_text(numbers: set[int], shape: str) -> None:
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

    names = [shape.format(number) for number in numbers]
    assert fold(names) == str(NodeSet.fromlist(names, resolver=RESOLVER_NOGROUP))


@given(st.lists(HOSTS, max_size=30), st.randoms(use_true_random=False))
def test_order_and_repetition_of_names_do_not_matter(names: list[str], random: object) -> None:
    shuffled = [*names, *names[:3]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(shuffled) == fold(names)


@given(st.lists(st.text(max_size=40)))
def test_any_text_at_all_is_kept_as_a_name(names: list[str]) -> None:
    folded = fold(names)
    assert all(name in folded for name in names if not any(char.isdigit() for char in name))


def test_numbers_count_and_endless_digits_do_not_break_the_order() -> None:
    names = ["gpu10", "gpu9", "gpu1", "gpu01", "gpu" + "9" * 5000, "gpu"]
    assert sorted(names, key=sort_key) == ["gpu", "gpu01", "gpu1", "gpu9", "gpu10", "gpu" + "9" * 5000]


@pytest.mark.parametrize(
    ("name", "host"), [("a.b.c", "a"), ("a", "a"), ("10.0.0.1", "10.0.0.1"), ("fe80::1", "fe80::1")]
)
def test_short_name(name: str, host: str) -> None:
    assert short(name) == host
