"""What checks of nodes share: majorities, ends of support, since when a taint is there."""

from __future__ import annotations

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.checks.nodes_common import majority
from dcctl.audit.checks.nodes_health import taints_since
from dcctl.audit.counters import Counters
from dcctl.audit.evaluate import evaluate
from dcctl.audit.facts.support import ends_s
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.hosts import Host
from dcctl.inventory.model import Fleet, Node, Taint


def test_a_majority_is_more_than_three_quarters_of_three_at_least() -> None:
    assert majority(["a"] * 4 + ["b"]) == "a"
    assert majority(["a"] * 3) == "a"
    assert majority(["a"] * 3 + ["b"]) is None
    assert majority(["a", "a"]) is None
    assert majority([]) is None


def test_support_ends_by_release_or_by_the_number_before_its_point() -> None:
    assert ends_s("rhel 9.4") == ends_s("rhel 9")
    assert ends_s("ubuntu 22.04") != ends_s("ubuntu 24.04")
    assert ends_s("arch") is None


def test_since_when_a_taint_is_there_is_carried_from_run_to_run() -> None:
    node = Node("a", taints=(Taint("dcctl.io/drain", "NoSchedule"), Taint("new", "NoSchedule")))
    before = Counters().after([("a taint", {"dcctl.io/drain": 5, "gone": 6}), ("b taint", {"else": 7})])
    scene = Scene(Evidence(fleet=Fleet(nodes=(node,))), 100, counters=before)
    assert list(taints_since(scene)) == [("a taint", {"dcctl.io/drain": 5, "new": 100})]
    kept = scene.counted()
    assert [kept.get("a taint", name) for name in ("dcctl.io/drain", "new", "gone")] == [5, 100, None]
    assert kept.get("b taint", "else") == 7, "the node was not told of"


def test_a_taint_that_went_and_came_back_is_new() -> None:
    tainted = Node("a", ready=True, taints=(Taint("dcctl.io/drain", "NoSchedule"),))
    kept = Counters()
    for now_s, node in ((100, tainted), (200, Node("a", ready=True)), (300, tainted)):
        kept = Scene(Evidence(fleet=Fleet(nodes=(node,))), now_s, counters=kept).counted()
    assert kept.get("a taint", "dcctl.io/drain") == 300


def _pool(governors: list[str]) -> set[str]:
    """Return the nodes that NOD-20 finds in a pool with these governors."""
    hosts = tuple(Host(node=f"n{at}", tuning={"governor": one}) for at, one in enumerate(governors))
    (tally,) = evaluate(Scene(Evidence(hosts=hosts), 0), [CATALOGUE["NOD-20"]])
    return {one.subject for one in tally.outcomes if one.state == "fail"}


@pytest.mark.parametrize("size", [8, 9, 31, 128, 1024])
def test_the_one_that_differs_is_found_in_pools_of_every_size(size: int) -> None:
    for odd in (0, size // 2, size - 1):
        assert _pool(["powersave" if at == odd else "performance" for at in range(size)]) == {f"n{odd}"}
    assert _pool(["performance"] * size) == set()
    assert _pool(["performance", "powersave"] * (size // 2)) == set()
