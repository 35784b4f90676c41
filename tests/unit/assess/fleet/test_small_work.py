"""Small work beside accelerators strands none of them, and what fills a node still does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.assess.fleet.shortages import stuck
from dcctl.inventory.model import Resources
from tests.unit.assess.fleet.build import GIB, asks, judged, node, size, words, work

_COREDNS = Resources(100, 70 * 2**20)


@pytest.mark.parametrize("kind", ["Deployment", "Node", "DaemonSet"])
@pytest.mark.parametrize("count", [1, 5])
def test_system_pods_strand_nothing_on_an_idle_node(kind: str, count: int) -> None:
    assert words(judged(node(), work("dns", _COREDNS, count=count, kind=kind))[0]) == "f" * 8


@pytest.mark.parametrize("cpus", [10, 40])
def test_nor_where_work_of_the_pool_asks_for_a_whole_share_or_more(cpus: int) -> None:
    mate = work("mate", asks(cpus=cpus, gib=100), where="n2")
    assert words(judged((node(), node("n2")), work("dns", _COREDNS), mate)[0]) == "f" * 8


def test_a_board_needs_one_pod_whatever_else_runs() -> None:
    few = node(allocatable=replace(size(), pods=60))
    assert words(judged(few, work("dns", _COREDNS, count=52))[0]) == "f" * 8
    assert words(judged(few, work("dns", _COREDNS, count=55))[0]) == "fffffsss"


def test_where_no_work_tells_half_an_equal_share_is_needed() -> None:
    """Of 80 CPUs 21 are left, and 8 boards of 5 each would need 40."""
    hog = work("hog", asks(cpus=59, gib=1, gpus=0))
    (state,) = judged(node(), hog)
    assert (words(state), state.shortage.needed) == ("ffffssss", 40_000)
    assert stuck([state])[0].cure == "moving 1 pod frees them"


def test_a_static_pod_cannot_be_moved() -> None:
    static = work("own", Resources(70_000, GIB), kind="Node")
    assert (
        stuck(judged(node(), static))[0].cure == "smaller requests by the work that holds accelerators there"
    )


def test_what_every_node_carries_is_no_part_of_a_fair_share() -> None:
    """Of 80 CPUs 40 are for DaemonSets: half an equal share of the rest is 2.5, and 19 are left."""
    daemons = work("agent", asks(cpus=40, gib=1, gpus=0), kind="DaemonSet")
    hog = work("hog", asks(cpus=21, gib=1, gpus=0))
    assert words(judged(node(), daemons, hog)[0]) == "fffffffs"


def test_the_largest_pods_are_moved_first() -> None:
    large, small = work("large", asks(cpus=50, gib=1, gpus=0)), work("small", asks(cpus=9, gib=1, gpus=0))
    assert stuck(judged(node(), small, large))[0].cure == "moving 1 pod frees them"
