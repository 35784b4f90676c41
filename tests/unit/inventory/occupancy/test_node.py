"""Boards that are out of service, whatever is free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.assess.fleet.report import Options, report
from dcctl.inventory.model import Ecc, Fleet, Node, Resources
from tests.unit.assess.fleet.build import NOW_S, asks, boards, judged, node, process, size, words, work


def test_a_free_board_that_must_be_replaced_is_out_of_service() -> None:
    broken = tuple(replace(one, ecc=Ecc(remap_failed=True)) if one.index == 2 else one for one in boards(8))
    (state,) = judged(node(accelerators=broken))
    assert words(state) == "ffufffff"
    (state,) = judged(node(accelerators=broken), work("all", asks(gpus=8)))
    assert words(state) == "a" * 8


def test_what_the_device_plugin_withholds_is_the_board_that_must_be_replaced() -> None:
    broken = tuple(replace(one, ecc=Ecc(remap_failed=True)) if one.index == 2 else one for one in boards(8))
    (state,) = judged(node(accelerators=broken, allocatable=size(gpus=7)), work("most", asks(gpus=7)))
    assert words(state) == "aauaaaaa"


def test_a_withheld_board_is_none_with_a_process_on_it() -> None:
    used = tuple(replace(one, processes=process("a-0") if one.index == 7 else ()) for one in boards(8))
    (state,) = judged(node(accelerators=used, allocatable=size(gpus=7)), work("a", asks(gpus=7)))
    assert words(state) == "aaaaaaua"


def test_a_withheld_shared_board_holds_no_shares() -> None:
    shared = tuple(replace(one, kind="shared", replicas=4) for one in boards(8))
    sick = node(accelerators=shared, capacity=size(gpus=32), allocatable=size(gpus=28))
    (state,) = judged(sick, work("all", asks(cpus=1, gib=1, gpus=28)))
    assert words(state) == "a" * 7 + "u"


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"ready": False, "state": "NotReady"}, "NotReady"), ({"schedulable": False}, "cordoned")],
)
def test_nodes_without_accelerators_that_take_no_work_are_named(
    change: dict[str, object], reason: str
) -> None:
    bare = {"accelerators": (), "capacity": size(gpus=0), "allocatable": size(gpus=0)}
    answer = report(Fleet(nodes=(node("c1", **bare, **change), node("c2", **bare))), Options(), NOW_S)
    notes = {note.label: note.text for note in answer.notes}
    assert notes["out of service"] == "1 node with none free: c1"
    assert answer.level == "warn"
    assert (answer.summary["cpu_capacity_milli"], answer.summary["cpu_free_milli"]) == (160_000, 80_000)
    assert [row[2] for table in answer.details if table.name == "unavailable" for row in table.rows] == [
        reason
    ]


def test_boards_that_only_the_bus_tells_of_are_unknown_not_none() -> None:
    seen = Node("n1", sources=("ssh",), accelerator_counts={"pci": 8}, capacity=Resources(8000))
    answer = report(Fleet(nodes=(seen,)), Options(), NOW_S)
    assert (answer.summary["accelerators"], answer.summary["free"]) == (None, None)
    assert "no accelerators" not in answer.headline
    notes = {note.label: note.text for note in answer.notes}
    assert notes["accelerators"] == "unknown on 1 node: 8 boards seen, none could be read"


def test_beside_boards_that_are_known_there_are_at_least_so_many() -> None:
    seen = Node("n2", sources=("ssh",), accelerator_counts={"pci": 8}, capacity=Resources(8000))
    answer = report(Fleet(nodes=(node(), seen)), Options(), NOW_S)
    assert "at least 8 GPUs" in answer.headline
    assert answer.summary["nodes_unread"] == 1


def test_what_is_held_is_not_out_although_the_device_plugin_offers_nothing() -> None:
    down = node(allocatable=size(gpus=0))
    assert words(judged(down, work("all", asks(gpus=8)))[0]) == "a" * 8
    assert words(judged(down)[0]) == "u" * 8
    assert words(judged(node(allocatable=size(gpus=6)), work("all", asks(gpus=8)))[0]) == "a" * 8
    assert words(judged(node(allocatable=size(gpus=6)), work("most", asks(gpus=7)))[0]) == "a" * 7 + "u"


def test_what_is_withheld_is_never_free_whatever_runs_or_is_held_there() -> None:
    used = tuple(replace(one, processes=process("nobody")) for one in boards(8))
    assert words(judged(node(accelerators=used, allocatable=size(gpus=0)))[0]) == "u" * 8
    by_id = work("a", asks(gpus=2))
    by_id = replace(by_id, members=(replace(by_id.members[0], devices=("b6", "b7")),))
    assert words(judged(node(allocatable=size(gpus=6)), by_id)[0]) == "ffffuuaa"


@given(
    offered=st.integers(0, 8),
    asked=st.lists(st.integers(0, 4), max_size=4),
    named=st.booleans(),
    shares=st.sampled_from([1, 4]),
)
def test_held_is_what_is_asked_for_and_free_no_more_than_is_offered(
    offered: int, asked: list[int], named: bool, shares: int
) -> None:
    read = tuple(replace(one, kind="shared", replicas=4) if shares > 1 else one for one in boards(8))
    one = node(accelerators=read, capacity=size(gpus=8 * shares), allocatable=size(gpus=offered * shares))
    work_ = [work(f"w{at}", asks(cpus=1, gib=1, gpus=count)) for at, count in enumerate(asked)]
    if named and asked and asked[0]:
        ids = tuple(f"b{at}" for at in range(asked[0]))
        work_[0] = replace(work_[0], members=(replace(work_[0].members[0], devices=ids),))
    (state,) = judged(one, *work_)
    told, taken = words(state), sum(asked)
    assert told.count("a") >= min(8, -(-taken // shares))
    if shares == 1:
        assert told.count("a") == min(8, taken)
        assert told.count("f") + told.count("s") == max(0, min(offered, 8) - taken)
    assert (told.count("f") + told.count("s")) * shares <= offered * shares
