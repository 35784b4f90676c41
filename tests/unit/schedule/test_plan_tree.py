"""The tree of a plan: sites, racks, nodes that hold the same in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.packing.plan import Assignment, Plan
from dcctl.packing.problem import Problem
from dcctl.schedule.plan_tree import tree
from tests.unit.packing.problems import SPACE, a_bin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.render.report import Branch

PLACES = (("g1", "r1", "dc1"), ("g2", "r1", "dc1"), ("g3", "r2", "dc1"), ("g4", "", ""))
PLAN = Plan(
    (
        Assignment("a", "a-0", "g2", (0, 1)),
        Assignment("a", "a-1", "g1", (0, 1)),
        Assignment("b", "b-0", "g3", (0,), 250),
        Assignment("b", "b-1", "g3", (0,), 250),
        Assignment("a", "a-2", "g3", (1,)),
        Assignment("c", "c-0", "g4"),
    )
)


def drawn(places: Iterable[tuple[str, str, str]]) -> list[str]:
    bins = tuple(a_bin(name, path=("", "", rack, "", site)) for name, rack, site in places)
    return [*_lines(tree(PLAN, Problem(SPACE, bins, (), ())).branches, "")]


def _lines(branches: Sequence[Branch], before: str) -> Iterable[str]:
    for one in branches:
        yield before + one.text
        yield from _lines(one.below, before + "  ")


def test_by_site_and_rack() -> None:
    assert drawn(PLACES) == [
        "dc1: 3 nodes, 5.5 accelerators",
        "  r1: 2 nodes, 4 accelerators",
        "    g[1-2]: a, 2 accelerators",
        "  r2: 1 node, 1.5 accelerators",
        "    g3: a, 1 accelerator; b x 2, 0.5 accelerator",
        "of no known site: 1 node",
        "  of no known rack: 1 node",
        "    g4: c",
    ]


def test_without_sites() -> None:
    shown = drawn((name, rack, "") for name, rack, _ in PLACES)
    assert shown[0] == "r1: 2 nodes, 4 accelerators"
    assert shown[-2:] == ["of no known rack: 1 node", "  g4: c"]
