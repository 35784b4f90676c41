"""What fits one board: the truths of NVIDIA's User Guide, and the search against trying everything."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.vendors import GIB
from dcctl.packing.mig import GEOMETRIES, PREFIX, Geometry, fits, geometry, layouts, starts

_MIB = 1 << 20
A100 = GEOMETRIES[1]
A30 = GEOMETRIES[0]


def names(text: str) -> list[str]:
    """`3g.20gb 2 x 1g.5gb` as resources."""
    found: list[str] = []
    words = text.replace(" x ", "*").split()
    for word in words:
        count, _, name = word.rpartition("*")
        found += [PREFIX + name] * int(count or 1)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "7 x 1g.5gb",
        "2 x 3g.20gb",
        "4g.20gb 3g.20gb",
        "4g.20gb 2g.10gb 1g.5gb",
        "4g.20gb 3 x 1g.5gb",
        "3 x 2g.10gb 1g.5gb",
        "3g.20gb 2 x 2g.10gb",
        "3g.20gb 2g.10gb 2 x 1g.5gb",
        "2 x 2g.10gb 3 x 1g.5gb",
        "4 x 1g.10gb",
        "3 x 2g.10gb 1g.10gb",
        "1g.5gb.me 6 x 1g.5gb",
        "7g.40gb",
    ],
)
def test_an_a100_holds(text: str) -> None:
    assert fits(A100, names(text))


@pytest.mark.parametrize(
    "text",
    [
        "8 x 1g.5gb",
        "2 x 3g.20gb 1g.5gb",
        "2 x 4g.20gb",
        "4 x 2g.10gb",
        "4g.20gb 3g.20gb 1g.5gb",
        "4g.20gb 2 x 2g.10gb",
        "5 x 1g.10gb",
        "2 x 1g.5gb.me",
        "7g.40gb 1g.5gb",
        "1g.10gb 1g.12gb",
    ],
)
def test_an_a100_does_not_hold(text: str) -> None:
    assert not fits(A100, names(text))


def test_an_a30_has_four_slices() -> None:
    assert fits(A30, names("4 x 1g.6gb"))
    assert fits(A30, names("2g.12gb 2 x 1g.6gb"))
    assert not fits(A30, names("5 x 1g.6gb"))
    assert not fits(A30, names("1g.6gb.me 2g.12gb.me"))


@pytest.mark.parametrize(
    ("model", "memory_bytes", "name"),
    [
        ("NVIDIA A100-SXM4-40GB", 40960 * _MIB, "A100 40GB"),
        ("NVIDIA-A100-SXM4-80GB", None, "A100 80GB"),
        ("NVIDIA A100 80GB PCIe", 81920 * _MIB, "A100 80GB"),
        ("NVIDIA H100 80GB HBM3", 81559 * _MIB, "H100 80GB"),
        ("NVIDIA H100 NVL", 95830 * _MIB, "H100 94GB"),
        ("NVIDIA GH200 480GB", 97871 * _MIB, "H100 96GB"),
        ("NVIDIA H200", 143771 * _MIB, "H200"),
        ("NVIDIA H200", None, "H200"),
        ("NVIDIA B200", 183359 * _MIB, "B200"),
        ("NVIDIA GB200", 189471 * _MIB, "GB200"),
        ("NVIDIA H100", None, None),
        ("NVIDIA A100-SXM4-80GB", 40 * GIB, "A100 40GB"),
        ("NVIDIA L40S", 48 * GIB, None),
        ("NVIDIA GH200 144G HBM3e", 144 * GIB, None),
        ("", 80 * GIB, None),
    ],
)
def test_boards_are_known_by_model_and_memory(model: str, memory_bytes: int | None, name: str | None) -> None:
    found = geometry(model, memory_bytes)
    assert (found and found.name) == name


@given(st.sampled_from(GEOMETRIES), st.data())
def test_the_check_is_exact(board: Geometry, data: st.DataObject) -> None:
    plain = [one for one in board.profiles if "+" not in one.name]
    chosen = data.draw(st.lists(st.sampled_from(plain), min_size=1, max_size=5))
    spans = [[set(range(at, at + one.memory)) for at in one.starts] for one in chosen]
    possible = any(sum(map(len, sets)) == len(set().union(*sets)) for sets in product(*spans)) and all(
        chosen.count(one) <= one.most for one in chosen
    )
    assert fits(board, [one.resource for one in chosen]) == possible


@given(st.sampled_from(GEOMETRIES), st.data())
def test_slices_begin_where_they_may_and_do_not_overlap(board: Geometry, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.sampled_from(board.profiles), max_size=7))
    found = starts(board, tuple(sorted(one.resource for one in drawn)))
    if found is None:
        return
    taken: list[int] = []
    for name, at in found:
        profile = board.of(name)
        assert profile is not None
        assert at in profile.starts
        taken += range(at, at + profile.memory)
    assert len(taken) == len(set(taken))


def test_layouts_are_those_to_which_nothing_can_be_added() -> None:
    found = layouts(A100, tuple(names("3g.20gb 1g.5gb")))
    assert sorted(map(sorted, map(list, found))) == sorted(
        sorted(names(text)) for text in ("7 x 1g.5gb", "3g.20gb 4 x 1g.5gb", "2 x 3g.20gb")
    )
