"""Parts of a data centre: what is lost together, and which feed takes the power from whom."""

from __future__ import annotations

import numpy as np
import pytest

from dcctl.inventory.model import Fleet, PowerMeter
from dcctl.packing.fit.parts import Parts, named, parts_of
from tests.unit.packing.problems import a_bin

BINS = (
    a_bin("n1", path=("", "", "r1", "", "s")),
    a_bin("n2", path=("", "", "r1", "", "s")),
    a_bin("n3", path=("", "", "r1", "", "t")),
)


def feeds(*meters: PowerMeter) -> dict[str, frozenset[int]]:
    """Which nodes go dark with each feed."""
    return {one.name: one.bins for one in parts_of(BINS, Fleet(meters=meters)) if one.level == "feed"}


def test_the_nodes_come_first_then_the_narrowest() -> None:
    assert [(one.level, one.name, set(one.bins)) for one in parts_of(BINS, Fleet())] == [
        ("node", "n1", {0}),
        ("node", "n2", {1}),
        ("node", "n3", {2}),
        ("rack", "s/r1", {0, 1}),
        ("rack", "t/r1", {2}),
        ("site", "s", {0, 1}),
        ("site", "t", {2}),
    ]


@pytest.mark.parametrize(
    ("meters", "dark"),
    [
        ((("pdu", "p1", "n[1-2]"),), {"p1": {0, 1}}),
        ((("pdu", "p1", "n[1-2]"), ("pdu", "p2", "n[2-3]")), {"p1": {0}, "p2": {2}}),  # n2 has both
        ((("pdu", "p1", "n1"), ("pdu", "p2", "n1")), {}),
        ((("pdu", "p1", "n[1-2]"), ("ups", "u1", "n[1-2]")), {"p1": {0, 1}, "u1": {0, 1}}),  # in a row
        ((("pdu", "p1", "n1,other"),), {"p1": {0}}),
        ((("rapl", "r1", "n1"), ("pdu", "p1", "")), {}),
    ],
)
def test_a_node_with_a_second_feed_stays_up(
    meters: tuple[tuple[str, str, str], ...], dark: dict[str, set[int]]
) -> None:
    told = tuple(PowerMeter(name, kind=kind, nodes=nodes) for kind, name, nodes in meters)  # type: ignore[arg-type]
    assert feeds(*told) == dark


@pytest.mark.parametrize(
    ("text", "found"),
    [("rack:r1", ["s/r1", "t/r1"]), ("s/r1", ["s/r1"]), ("n1", ["n1"]), ("site:r1", []), ("site:s", ["s"])],
)
def test_parts_by_name(text: str, found: list[str]) -> None:
    assert [one.name for one in named(parts_of(BINS, Fleet()), text)] == found


def test_within_one_zone_is_whatever_lies_in_one_for_certain() -> None:
    """A zone, a rack of which some or all do not tell theirs, or a node; racks of one name may be two."""
    told = [("r1", "z", "s"), ("r2", "z", "s"), ("r3", "", "s"), ("r3", "y", "s"), ("r3", "", "t")]
    parts = Parts([a_bin(f"n{at}", path=("", "", *path)) for at, path in enumerate(told)])
    rows = {
        tuple(np.flatnonzero(each.of == at).tolist())
        for each in parts.within("zone")
        for at in each.of
        if at >= 0
    }
    assert sorted(rows) == [(0,), (0, 1), (1,), (2,), (2, 3), (3,), (4,)]
