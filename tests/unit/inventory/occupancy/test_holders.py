"""Who holds which board."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.model import Accelerator, Process
from dcctl.inventory.occupancy import holders
from dcctl.inventory.occupancy.boards import boards_of
from dcctl.inventory.occupancy.demand import requested
from dcctl.inventory.occupancy.holders import hold
from tests.unit.assess.fleet.build import GPU, asks, boards, judged, node, process, size, words, work

if TYPE_CHECKING:
    from dcctl.assess.fleet.nodes import NodeState


def _held(state: NodeState) -> list[tuple[str, ...]]:
    return [tuple(one.workload.id for one in board.holders) for board in state.boards]


def test_ids_that_a_member_names_win() -> None:
    one = work("a", asks(gpus=2))
    one = replace(one, members=(replace(one.members[0], devices=("b5", "b2")),))
    (state,) = judged(node(), one, work("b", asks(gpus=1)))
    assert words(state) == "afaffaff"
    assert _held(state)[2] == ("t/a",)
    assert _held(state)[5] == ("t/a",)
    assert _held(state)[0] == ("t/b",)


def test_processes_tell_the_rest() -> None:
    read = tuple(replace(b, processes=process("b-0") if b.index == 7 else ()) for b in boards(8))
    (state,) = judged(node(accelerators=read), work("a", asks(gpus=1)), work("b", asks(gpus=1)))
    assert _held(state)[7] == ("t/b",)
    assert _held(state)[0] == ("t/a",)


def test_a_batch_job_is_known_by_its_id() -> None:
    read = tuple(replace(b, processes=(Process(1, job_id="t/a"),) if b.index == 3 else ()) for b in boards(8))
    (state,) = judged(node(accelerators=read), work("a", asks()), work("b", asks()))
    assert _held(state)[3] == ("t/a",)


def test_without_evidence_two_workloads_stay_unnamed() -> None:
    (state,) = judged(node(), work("a", asks(gpus=2)), work("b", asks(gpus=3)))
    assert words(state) == "aaaaafff"
    assert set(_held(state)) == {()}


def test_without_evidence_the_busiest_are_taken() -> None:
    read = tuple(replace(b, busy_milli=900 if b.index in {4, 6} else 0) for b in boards(8))
    (state,) = judged(node(accelerators=read), work("a", asks(gpus=2)))
    assert words(state) == "ffffafaf"


def test_shares_are_spread_over_the_boards() -> None:
    shared = tuple(replace(b, kind="shared", replicas=4) for b in boards(4))
    room = size(gpus=16)
    (state,) = judged(node(accelerators=shared, capacity=room, allocatable=room), work("a", asks(), count=5))
    assert words(state) == "aaaa"


def test_two_workloads_on_one_shared_board() -> None:
    both = (*process("a-0"), *process("b-0"))
    shared = (Accelerator(0, "b0", kind="shared", replicas=4, processes=both),)
    room = size(gpus=4)
    (state,) = judged(
        node(accelerators=shared, capacity=room, allocatable=room), work("a", asks()), work("b", asks())
    )
    assert _held(state) == [("t/a", "t/b")]


def test_one_slice_held_makes_its_board_allocated() -> None:
    name = "nvidia.com/mig-3g.40gb"
    slices = tuple(
        Accelerator(i, f"m{i}", resource=name, kind="mig", parent=f"b{i // 2}", profile="3g.40gb")
        for i in range(4)
    )
    room = size(gpus=4, resource=name)
    one = work("a", asks(resource=name))
    one = replace(one, members=(replace(one.members[0], devices=("m3",)),))
    (state,) = judged(node(accelerators=(*boards(2), *slices), capacity=room, allocatable=room), one)
    assert words(state) == "fa"


def test_requests_beyond_the_boards_invent_none() -> None:
    (state,) = judged(node(accelerators=boards(2)), work("a", asks(gpus=5)))
    assert words(state) == "aa"


def test_several_members_of_one_workload_share_the_node() -> None:
    (state,) = judged(node(), work("a", asks(gpus=2), count=4))
    assert words(state) == "aaaaaaaa"
    assert set(_held(state)) == {("t/a",)}


def test_units_that_no_evidence_places_are_handed_out_too() -> None:
    """One of three by its id, one by its process, the third by elimination; nothing twice."""
    read = tuple(replace(b, processes=process("a-0") if b.index == 6 else ()) for b in boards(8))
    one = work("a", asks(gpus=3))
    one = replace(one, members=(replace(one.members[0], devices=("b3",)),))
    (state,) = judged(node(accelerators=read), one)
    assert words(state) == "affaffaf"


def test_what_boards_cannot_answer_is_left_over() -> None:
    shared = tuple(replace(b, kind="shared", replicas=4) for b in boards(4))

    def left(first: int, second: int) -> dict[str, int]:
        works = work("a", asks(gpus=first)), work("b", asks(gpus=second))
        return hold(boards_of(node(accelerators=shared)) or [], requested(works)["n1"])

    assert left(7, 9) == {}
    assert left(7, 12) == {GPU: 3}


def test_what_an_id_or_a_process_answers_is_not_left_over() -> None:
    read = tuple(replace(b, processes=process("b-0") if b.index == 1 else ()) for b in boards(2))
    named = work("a", asks(gpus=2))
    named = replace(named, members=(replace(named.members[0], devices=("b0",)),))
    demand = requested((named, work("b", asks(gpus=1))))["n1"]
    assert hold(boards_of(node(accelerators=read)) or [], demand) == {GPU: 1}


@given(
    used=st.lists(
        st.tuples(st.sampled_from(["", "a-0", "else"]), st.integers(0, 1000)), min_size=1, max_size=8
    ),
    wanted=st.integers(1, 9),
)
def test_the_short_way_for_one_member_gives_what_counting_units_gives(
    used: list[tuple[str, int]], wanted: int
) -> None:
    read = tuple(
        replace(board, busy_milli=milli, processes=process(uid) if uid else ())
        for board, (uid, milli) in zip(boards(len(used)), used, strict=True)
    )
    one = node(accelerators=read)
    demand = requested([work("a", asks(gpus=wanted))])[one.name]
    short, long = boards_of(one) or [], boards_of(one) or []
    left = hold(short, demand)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holders, "_by_only_one", lambda *_: False)
        assert hold(long, demand) == left
    assert short == long


def test_a_request_below_nothing_takes_no_board() -> None:
    (state,) = judged(node(), work("a", asks(gpus=-1)), work("b", asks(gpus=2)))
    assert words(state).count("a") == 2
    (state,) = judged(node(), work("a", asks(gpus=-1)))
    assert "a" not in words(state)


def test_members_that_have_run_longest_get_the_boards_that_look_most_used() -> None:
    read = tuple(replace(b, busy_milli=b.index * 100) for b in boards(4))
    pair = work("a", asks(gpus=1), count=2)
    young, old = (
        replace(m, started_at_s=at, uid=None) for m, at in zip(pair.members, (900, 100), strict=True)
    )
    (state,) = judged(node(accelerators=read), replace(pair, members=(young, old)))
    assert [board.held_since_s for board in state.boards] == [None, None, 900, 100]


def test_a_job_alone_on_a_node_holds_the_boards_of_its_processes() -> None:
    read = tuple(replace(b, processes=(Process(1, job_id="t/a"),) if b.index == 5 else ()) for b in boards(8))
    (state,) = judged(node(accelerators=read), work("a", asks(gpus=1)))
    assert words(state) == "fffffaff"


def test_who_has_run_longest_is_told_by_the_workload_where_members_do_not_say() -> None:
    read = tuple(replace(b, busy_milli=b.index * 100) for b in boards(4))
    young, old = work("a", asks(gpus=1), started_at_s=900), work("b", asks(gpus=1), started_at_s=100)
    (state,) = judged(node(accelerators=read), young, old)
    assert [board.held_since_s for board in state.boards] == [None, None, 900, 100]
