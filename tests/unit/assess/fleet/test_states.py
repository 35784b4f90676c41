"""Allocated, free, stranded, unavailable, unknown: each with a fleet whose answer is known."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.assess.fleet.idle import Rule
from dcctl.assess.fleet.judge import judge_fleet
from dcctl.assess.fleet.shortages import stuck
from dcctl.inventory.model import Accelerator, Fleet, Gap, Process, Taint
from tests.unit.assess.fleet.build import GIB, NOW_S, asks, boards, judged, node, size, words, work

_HALF = work("half", asks(cpus=40, gib=40, gpus=4))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ready": False}, "NotReady"),
        ({"ready": False, "state": "NotReady"}, "NotReady"),
        ({"schedulable": False}, "cordoned"),
        (
            {"taints": (Taint("node.kubernetes.io/disk-pressure", "NoSchedule"),)},
            "taint node.kubernetes.io/disk-pressure",
        ),
    ],
)
def test_what_is_free_on_a_node_that_takes_no_work_is_unavailable(
    change: dict[str, object], reason: str
) -> None:
    (state,) = judged(replace(node(), **change), _HALF)
    assert (words(state), state.unavailable) == ("aaaauuuu", reason)


def test_unknown_readiness_keeps_nothing_out() -> None:
    (state,) = judged(node(ready=None, schedulable=None))
    assert words(state) == "ffffffff"


def test_a_taint_of_one_node_keeps_work_out_and_one_of_the_pool_does_not() -> None:
    dedicated, broken = Taint("nvidia.com/gpu", "NoSchedule"), Taint("repair", "NoExecute")
    nodes = tuple(node(f"n{i}", taints=(dedicated, broken) if i == 2 else (dedicated,)) for i in range(3))
    assert [words(state) for state in judged(nodes)] == ["ffffffff", "ffffffff", "uuuuuuuu"]


def test_a_taint_that_only_discourages_keeps_nothing_out() -> None:
    nodes = tuple(
        node(f"n{i}", taints=(Taint("slow", "PreferNoSchedule"),) if i == 2 else ()) for i in range(3)
    )
    assert words(judged(nodes)[2]) == "ffffffff"


def test_boards_that_the_agent_withholds_are_unavailable() -> None:
    (state,) = judged(node(allocatable=size(gpus=6)), work("a", asks(gpus=3)))
    assert words(state) == "aaafffuu"


def test_cpu_spent_by_others_strands_boards() -> None:
    hog = work("hog", asks(cpus=36, gib=1, gpus=0))
    (state,) = judged(node(), _HALF, hog)
    # 4 CPUs are left; work here asks for 10 per board, and an equal share is 80 / 8.
    assert words(state) == "aaaassss"
    assert (state.shortage.dimension, state.shortage.left) == ("cpu_milli", 4000)
    (one,) = stuck([state])
    assert one.boards == 4
    assert one.cause == "4 of 80 CPUs left"
    assert one.held_by == ("t/half", "t/hog")
    assert one.cure == "moving 1 pod frees them"


def test_part_of_the_free_boards_may_be_usable() -> None:
    hog = work("hog", asks(cpus=15, gib=1, gpus=0))
    assert words(judged(node(), _HALF, hog)[0]) == "aaaaffss"  # 25 CPUs left at 8.75 each


def test_memory_strands_boards() -> None:
    half = work("half", asks(cpus=4, gib=400, gpus=4))
    hog = work("hog", asks(cpus=1, gib=400, gpus=0))
    (state,) = judged(node(), half, hog)
    assert (words(state), state.shortage.dimension) == ("aaaassss", "memory_bytes")
    assert stuck([state])[0].cause == "0 B of 800 GiB memory left"


def test_what_is_left_is_told_in_steps_that_nodes_share_and_a_little_is_not_nothing() -> None:
    def cause(left_bytes: int) -> str:
        half = work("half", asks(cpus=4, gib=400, gpus=4))
        hog = asks(cpus=1, gib=400, gpus=0)
        hog = replace(hog, memory_bytes=400 * 2**30 - left_bytes)
        return stuck(judged(node(), half, work("hog", hog)))[0].cause

    assert cause(2**30) == cause(2**30 + 2**29) == "1 GiB of 800 GiB memory left"
    assert cause(1) == cause(2**29) == "less than 1 GiB of 800 GiB memory left"


def test_pods_strand_boards() -> None:
    full = replace(size(), pods=4)
    (state,) = judged(node(allocatable=full), work("a", asks(cpus=1, gib=1), count=4))
    assert (words(state), state.shortage.dimension) == ("aaaassss", "pods")


def test_modest_jobs_are_not_called_stranded() -> None:
    """The pool's work asks for 1 CPU per board: 4 CPUs serve the 4 free boards."""
    modest = work("modest", asks(cpus=4, gib=40, gpus=4))
    hog = work("hog", asks(cpus=72, gib=1, gpus=0))
    assert words(judged(node(), modest, hog)[0]) == "aaaaffff"


def test_greedy_jobs_do_not_raise_the_share_above_the_fair_one() -> None:
    """One pool mate asks for 40 CPUs per board; the fair share is 10, so 80 CPUs serve 8 boards."""
    greedy = work("greedy", asks(cpus=80, gpus=2), where="n2")
    states = judged((node(), node("n2")), greedy)
    assert words(states[0]) == "ffffffff"
    assert words(states[1]) == "aassssss"


def test_daemons_of_every_node_strand_nothing_on_an_empty_one() -> None:
    agent = work("agent", asks(cpus=3, gib=3, gpus=0), kind="DaemonSet")
    assert words(judged(node(), agent)[0]) == "ffffffff"


def test_moving_daemons_is_no_cure() -> None:
    hog = work("hog", asks(cpus=36, gib=1, gpus=0), kind="DaemonSet")
    (one,) = stuck(judged(node(), work("big", asks(cpus=44, gib=4, gpus=4)), hog))
    assert one.cure == "smaller requests by the work that holds accelerators there"


def test_a_dimension_that_is_not_counted_limits_nothing() -> None:
    offer = replace(size(), cpu_milli=None, pods=None)
    assert words(judged(node(allocatable=offer), _HALF)[0]) == "aaaaffff"


def test_without_scheduler_processes_tell() -> None:
    used, idle, unread = boards(3)
    read = (replace(used, processes=(Process(7, memory_bytes=GIB),)), replace(idle, processes=()), unread)
    bare = node(sources=("local",), allocatable=None, capacity=size(gpus=0), accelerators=read)
    (state,) = judged(bare)
    assert (words(state), state.by_processes) == ("af?", True)


def test_nothing_is_known_where_pods_could_not_be_listed() -> None:
    fleet = Fleet(nodes=(node(),), gaps=(Gap("kubernetes:t", "pods", "403", "denied", part="work"),))
    (state,) = judge_fleet(fleet, Rule(), NOW_S)
    assert (words(state), state.by_processes) == ("????????", False)


def test_withheld_shares_are_counted_in_boards() -> None:
    shared = tuple(replace(b, kind="shared", replicas=4) for b in boards(4))
    (state,) = judged(node(accelerators=shared, capacity=size(gpus=16), allocatable=size(gpus=12)))
    assert words(state) == "fffu"


def test_withheld_slices_are_counted_in_boards() -> None:
    name = "nvidia.com/mig-1g.10gb"
    parts = [Accelerator(i, f"m{i}", resource=name, kind="mig", parent=f"b{i // 7}") for i in range(14)]
    room = size(gpus=14, resource=name)
    for offered, expected in ((14, "ff"), (8, "ff"), (7, "fu"), (0, "uu")):
        offer = size(gpus=offered, resource=name)
        (state,) = judged(node(accelerators=(*boards(2), *parts), capacity=room, allocatable=offer))
        assert words(state) == expected
