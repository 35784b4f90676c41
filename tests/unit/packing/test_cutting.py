"""Boards that are cut for work that wants slices: never one that is held, never more than needed."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.packing.cuts.cutting import solved_with_cuts
from dcctl.packing.mig import GEOMETRIES, PREFIX, WHOLE_BOARD, fits, geometry
from dcctl.packing.plan import Cut
from dcctl.packing.problem import UNLIMITED, Bin, ItemClass, Job, Kind, Need, Problem, Sliced, Space
from dcctl.packing.reasons import Reason
from dcctl.packing.solve import Options, solve
from dcctl.packing.verify.verify import verify
from tests.unit.packing.problems import GIB, device, job

if TYPE_CHECKING:
    from dcctl.packing.plan import Plan

ONE, TWO, THREE, FOUR = (PREFIX + name for name in ("1g.10gb", "2g.20gb", "3g.40gb", "4g.40gb"))
NAMES = (ONE, TWO, THREE, FOUR)
SPACE = Space(NAMES, (Kind(WHOLE_BOARD, "NVIDIA A100-SXM4-80GB"), Kind(WHOLE_BOARD, "NVIDIA L40S")))
A100 = GEOMETRIES[2]


def node(
    name: str,
    boards: int = 2,
    held: int = 0,
    cpu: int = 64_000,
    sliced: tuple[Sliced, ...] = (),
    kind: int = 0,
) -> Bin:
    """A node of A100 boards, the first of which are held."""
    counts = Counter(resource for one in sliced for resource in one.resources)
    free = (cpu, UNLIMITED, UNLIMITED, 110, UNLIMITED, UNLIMITED, *(counts[one] for one in NAMES))
    devices = tuple(device(at, 0 if at < held else 1000, kind, 80 * GIB) for at in range(boards))
    return Bin(name, free, free, devices, boards + len(sliced), held_count=held, kinds=(kind,), sliced=sliced)


def slices(cpu: int = 1000, **counts: int) -> ItemClass:
    """A pod that asks for slices: one=2."""
    named = [counts.get(word, 0) for word in ("one", "two", "three", "four")]
    return ItemClass(Need((cpu, 0, 0, 1, 0, 0, *named)))


def boards(count: int = 1) -> ItemClass:
    """A pod that asks for whole boards."""
    return ItemClass(Need((1000, 0, 0, 1, 0, 0, 0, 0, 0, 0), count))


def problem(bins: list[Bin], classes: list[ItemClass], *jobs: Job) -> Problem:
    return Problem(SPACE, tuple(bins), tuple(classes), jobs)


def planned(found: Problem) -> Plan:
    plan = solved_with_cuts(found, Options()).plan
    assert verify(plan, found) == ()
    return plan


def told(plan: Plan) -> list[tuple[str, int, tuple[str, ...]]]:
    return [(one.node, one.device, one.after) for one in plan.cuts]


def test_seven_share_one_board() -> None:
    plan = planned(problem([node("a")], [slices(one=1)], job("j", 0, 7)))
    assert told(plan) == [("a", 0, (ONE,) * 7)]
    assert plan.placed == 7
    assert plan.cuts[0].must_be_idle == (0,)
    assert plan.cuts[0].reset


def test_no_more_is_cut_than_is_needed() -> None:
    assert told(planned(problem([node("a")], [slices(one=1)], job("j", 0, 2)))) == [("a", 0, (ONE, ONE))]


def test_free_slices_come_first() -> None:
    cut = Sliced(0, 7, (ONE,) * 7, free=True, memory_bytes=80 * GIB)
    found = problem([node("a", sliced=(cut,))], [slices(one=1)], job("j", 0, 7))
    assert told(planned(found)) == []
    more = replace(found, jobs=(job("j", 0, 9),))
    assert told(planned(more)) == [("a", 0, (ONE, ONE))]


def test_two_boards_where_greed_would_take_three() -> None:
    found = problem([node("a", 4)], [slices(three=1), slices(two=1)], job("a", 0, 2), job("b", 1, 4))
    plan = planned(found)
    assert [sorted(one.after) for one in plan.cuts] == [sorted((THREE, TWO, TWO))] * 2


def test_used_nodes_before_free_ones_and_nodes_without_cpu_not_at_all() -> None:
    bins = [node("a"), node("b", 2, 1, cpu=500), node("c", 2, 1)]
    assert told(planned(problem(bins, [slices(one=1)], job("j", 0)))) == [("c", 1, (ONE,))]


def test_cpu_decides_how_many_stand_on_a_node() -> None:
    bins = [node("a", cpu=3000), node("b", cpu=3000), node("c", cpu=3000)]
    plan = planned(problem(bins, [slices(one=1)], job("j", 0, 7)))
    assert [len(one.after) for one in plan.cuts] == [3, 3, 1]


def test_held_boards_closed_nodes_unknown_models_and_uncounted_nodes_are_left() -> None:
    uncounted = node("u")
    free = (*uncounted.free[:6], *(UNLIMITED,) * 4)
    bins = [
        node("a", 2, 2),
        replace(node("b"), closed=Reason.CORDONED),
        node("c", kind=1),
    ]
    found = problem(bins, [slices(one=1)], job("j", 0))
    assert told(planned(found)) == []
    open_ended = replace(uncounted, free=free, total=free)
    assert told(planned(replace(found, bins=(*bins, open_ended)))) == []


def test_whole_boards_that_are_placed_stay_placed() -> None:
    work = [job("whole", 0, 2), job("urgent", 1, 1, priority=9)]
    plan = planned(problem([node("a")], [boards(), slices(one=1)], *work))
    assert (told(plan), plan.placed) == ([], 2)


def test_a_gang_that_does_not_fit_cuts_nothing() -> None:
    gang = job("g", 0, 3, minimum=3)
    assert told(planned(problem([node("a", 1)], [slices(three=1)], gang))) == []
    alone = job("s", 1, 1)
    plan = planned(problem([node("a", 1)], [slices(three=1), slices(one=1)], gang, alone))
    assert (told(plan), plan.placed) == ([("a", 0, (ONE,))], 1)


def test_as_many_as_the_boards_hold() -> None:
    plan = planned(problem([node("a", 1)], [slices(three=1)], job("j", 0, 5)))
    assert (told(plan), plan.placed, plan.unplaced[0].members) == ([("a", 0, (THREE, THREE))], 2, 3)


def test_slices_of_one_member_are_on_one_node() -> None:
    plan = planned(problem([node("a", 2), node("b", 1)], [slices(three=3)], job("j", 0)))
    assert told(plan) == [("a", 0, (THREE, THREE)), ("a", 1, (THREE,))]


def test_a_free_cut_board_is_cut_anew_before_a_whole_one() -> None:
    cut = Sliced(0, 2, (ONE,) * 7, free=True, memory_bytes=80 * GIB)
    plan = planned(problem([node("a", sliced=(cut,))], [slices(three=1)], job("j", 0)))
    assert told(plan) == [("a", 2, (THREE,))]
    assert (plan.cuts[0].before, plan.cuts[0].reset) == ((ONE,) * 7, False)


def test_slices_that_nobody_holds_become_a_board() -> None:
    free = Sliced(0, 2, (ONE,) * 7, free=True, memory_bytes=80 * GIB)
    held = Sliced(0, 3, (ONE,) * 7, free=False, memory_bytes=80 * GIB)
    found = problem([node("a", sliced=(free, held))], [boards(3)], job("j", 0))
    plan = planned(found)
    assert told(plan) == [("a", 2, ())]
    assert plan.assignments[0].devices == (0, 1, 2)
    assert told(planned(problem([node("a", sliced=(held,))], [boards(3)], job("j", 0)))) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"node": "nowhere"}, "does not exist"),
        ({"device": 1}, "held"),
        ({"device": 9}, "held"),
        ({"before": (ONE,)}, "not cut as the plan says"),
        ({"after": (FOUR, FOUR)}, "no board of its model holds"),
        ({"after": ()}, "whole or in slices"),
        ({"must_be_idle": ()}, "must be idle"),
    ],
)
def test_wrong_cuts_are_found(change: dict[str, object], word: str) -> None:
    one = node("a", 2, 1)
    found = problem(
        [replace(one, devices=(device(0, 1000, 0, 80 * GIB), device(1, 0)))], [slices(one=1)], job("j", 0)
    )
    plan = planned(found)
    (cut,) = plan.cuts
    wrong = verify(replace(plan, cuts=(replace(cut, **change),)), found)
    assert any(word in one for one in wrong)
    assert any("twice" in one for one in verify(replace(plan, cuts=(cut, cut)), found))
    assert verify(replace(plan, cuts=()), found)


def test_a_plan_without_slices_is_left_alone() -> None:
    found = problem([node("a")], [boards(3)], job("j", 0))
    assert solved_with_cuts(found, Options()).plan == solve(found)


_WANTED = st.lists(st.sampled_from(NAMES), min_size=1, max_size=6)


@cache
def _fewest(wanted: tuple[str, ...], filled: tuple[tuple[str, ...], ...] = ()) -> int:
    """Boards for these slices: every way of dealing them out."""
    if not wanted:
        return len(filled)
    ways = [len(filled) + len(wanted)]
    for at, board in enumerate(filled):
        fuller = tuple(sorted((*board, wanted[0])))
        if fits(A100, fuller):
            ways.append(_fewest(wanted[1:], tuple(sorted((*filled[:at], fuller, *filled[at + 1 :])))))
    ways.append(_fewest(wanted[1:], tuple(sorted((*filled, (wanted[0],))))))
    return min(ways)


@given(_WANTED)
def test_as_few_boards_as_possible(wanted: list[str]) -> None:
    classes = [ItemClass(Need((0, 0, 0, 1, 0, 0, *(int(name == one) for one in NAMES)))) for name in NAMES]
    jobs = [job(f"j{at}", at, count) for at, name in enumerate(NAMES) if (count := wanted.count(name))]
    plan = planned(problem([node("a", 3), node("b", 4)], classes, *jobs))
    assert plan.placed == len(wanted)
    assert len(plan.cuts) == _fewest(tuple(sorted(wanted)))


@st.composite
def _fleets(draw: st.DrawFn) -> Problem:
    layout = st.sampled_from(((ONE,) * 7, (THREE, THREE), (FOUR, TWO)))
    bins = []
    for at in range(draw(st.integers(1, 4))):
        count = draw(st.integers(0, 3))
        cut = [
            Sliced(0, count + number, draw(layout), free=True, memory_bytes=80 * GIB)
            for number in range(draw(st.integers(0, 2)))
        ]
        cpu = draw(st.sampled_from((2000, 5000, 64_000)))
        bins.append(node(f"n{at}", count, draw(st.integers(0, count)), cpu, tuple(cut)))
    few = st.integers(0, 2)
    classes = [
        slices(one=draw(few), two=draw(few), three=draw(few), four=draw(st.integers(0, 1))) for _ in range(2)
    ]
    classes.append(boards(draw(st.integers(1, 4))))
    jobs = []
    for of in range(3):
        size = draw(st.integers(1, 6))
        minimum = draw(st.sampled_from((0, size)))
        jobs.append(job(f"j{of}", of, size, minimum=minimum, priority=draw(st.integers(0, 2))))
    return problem(bins, classes, *jobs)


@given(_fleets())
def test_cuts_can_be_made_and_no_job_has_fewer_members(found: Problem) -> None:
    plan, before = planned(found), solve(found)
    counts = Counter(one.job for one in plan.assignments)
    assert all(
        counts[name] >= count for name, count in Counter(one.job for one in before.assignments).items()
    )
    assert plan.placed > before.placed if plan.cuts else plan.placed == before.placed
    for one in plan.cuts:
        known = geometry(one.model, 80 * GIB)
        assert known is not None
        assert fits(known, one.after)


def test_cuts_of_a_plan_are_ordered() -> None:
    found = problem([node("b", 1, 0), node("a", 2, 1)], [slices(three=1)], job("j", 0, 4))
    assert [(one.node, one.device) for one in planned(found).cuts] == [("a", 1), ("b", 0)]
    assert isinstance(planned(found).cuts[0], Cut)
