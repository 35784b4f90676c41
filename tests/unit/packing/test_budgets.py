"""Disruption budgets: as few members as can be are beyond them, and those that are broken are known."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Accelerator, Budget, Fleet, Member, Node, Resources, Workload
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.preemption.blocking import in_the_way
from dcctl.packing.preemption.budgets import Broken, Budgets, Covered
from dcctl.packing.preemption.preempt import preempting
from dcctl.packing.preemption.stoppable import least_first
from dcctl.packing.problem import Allowance, Bin, Held, ItemClass, Problem, Quota, Running
from dcctl.packing.questions.ask import Change, ask
from dcctl.packing.questions.cures import cures
from dcctl.packing.scene import Scene
from dcctl.packing.solve import Options, solved
from tests.unit.packing.problems import SPACE, a_bin, device, job, need

if TYPE_CHECKING:
    from collections.abc import Sequence

NONE, ONE = Allowance("nlp/pg", 0), Allowance("nlp/web", 1)
CLASSES = tuple(ItemClass(need(devices=count)) for count in range(1, 5))


def problem(*nodes: Sequence[tuple[str, int]], **running: Running) -> Problem:
    """Full nodes: of each, who holds so many of its devices."""
    bins: list[Bin] = []
    held: list[Held] = []
    for at, members in enumerate(nodes):
        first = 0
        for name, count in members:
            who = Held(name, str(len(held)), at, count - 1, tuple(range(first, first + count)))
            held.append(who)
            first += count
        bins.append(a_bin(f"n{at}", devices=tuple(device(number, 0) for number in range(first))))
    known = {one.job: Running(preemptible=True) for one in held} | running
    return Problem(SPACE, tuple(bins), CLASSES, (), tuple(held), known)


def covered(*budgets: Allowance, priority: int = 0, **other: Any) -> Running:
    return Running(budgets=budgets, priority=priority, preemptible=True, **other)


def stopped(one: Problem, devices: int, count: int = 1) -> list[str]:
    wanted = job("j", devices - 1, count, minimum=count)
    return sorted(each.job for unit in in_the_way(Scene(solved(one)), wanted) for each in unit)


def broken(one: Problem, names: Sequence[str]) -> list[tuple[str, int]]:
    members = [next(each for each in one.held if each.job == name) for name in names]
    return [(each.budget.name, each.stops) for each in Budgets(one.running).after(members).broken()]


@pytest.mark.parametrize("budget", [NONE, Allowance("nlp/pg", None)], ids=["none", "unknown"])
def test_another_stops_even_if_it_is_larger_and_more_urgent(budget: Allowance) -> None:
    other = Running(priority=5)
    assert stopped(problem([("w", 1)], [("x", 2)], w=covered(budget), x=other), 1) == ["x"]
    assert stopped(problem([("w", 1), ("x", 2)], w=covered(budget), x=other), 1) == ["x"]
    assert stopped(problem([("w", 1)], w=covered(budget)), 1) == ["w"]


def test_what_one_stops_counts_for_all_that_the_budget_covers() -> None:
    shared = {"w": covered(ONE), "x": covered(ONE), "y": covered(priority=5)}
    assert stopped(problem([("w", 1)], [("x", 1)], [("y", 1)], **shared), 1) == ["w"]
    assert stopped(problem([("w", 1)], [("x", 1)], [("y", 1)], **shared), 1, 2) == ["w", "y"]
    assert stopped(problem([("w", 1), ("x", 1), ("y", 1)], **shared), 2) == ["w", "y"]


def test_of_one_node_as_few_as_can_be_are_beyond() -> None:
    one = problem([("w", 1), ("x", 3), ("y", 1)], w=covered(NONE), x=covered(NONE), y=covered())
    assert stopped(one, 4) == ["x", "y"]


def test_a_gang_that_stops_as_a_whole_counts_as_a_whole() -> None:
    gang, many = covered(ONE, minimum=2), covered(Allowance("nlp/many", 1))
    one = problem(
        [("w", 1)], [("w", 1)], [("x", 1), ("x", 1)], [("y", 2)], w=gang, x=many, y=Running(priority=9)
    )
    assert stopped(one, 1) == ["x"]
    assert stopped(replace(one, held=tuple(each for each in one.held if each.job != "x")), 1) == ["y"]


def test_who_gives_back_of_a_quota_is_chosen_alike() -> None:
    one = problem([("w", 1)], [("x", 1)], [("y", 1)])
    mine: dict[str, Any] = {"quotas": ("t",)}
    running = {"w": covered(ONE, **mine), "x": covered(ONE, **mine), "y": covered(priority=5, **mine)}
    quotas = (Quota("t", {"gpu": 3000}, {"gpu": 3000}),)
    scene = Scene(solved(replace(one, running=running, quotas=quotas)))
    wanted = job("j", 0, 2, quotas=("t",), minimum=2)
    assert sorted(each.job for unit in in_the_way(scene, wanted) for each in unit) == ["w", "y"]


@given(
    st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 2)), min_size=1, max_size=6),
    st.lists(st.sampled_from((None, 0, 1, 2)), min_size=3, max_size=3),
    st.data(),
)
def test_fewest_beyond_then_lowest_priority(
    work: list[tuple[int, int]], allowed: list[int | None], data: st.DataObject
) -> None:
    """Every choice is tried, of members of which each holds a node and counts for one budget at most."""
    limits = [Allowance(f"b{at}", most) for at, most in enumerate(allowed)]
    names = [f"w{at}" for at in range(len(work))]
    running = {
        name: covered(*([limits[of]] if of >= 0 else []), priority=priority)
        for name, (of, priority) in zip(names, work, strict=True)
    }
    one = problem(*([(name, 1)] for name in names), **running)
    count = data.draw(st.integers(1, len(work)))

    def beyond(chosen: Sequence[str]) -> int:
        over = dict(broken(one, chosen))
        return sum(stops - (each.allowed or 0) for each in limits for stops in [over.get(each.name)] if stops)

    found = stopped(one, 1, count)
    assert len(found) == count
    assert beyond(found) == min(beyond(chosen) for chosen in combinations(names, count))


@given(st.data())
def test_rows_count_as_members_do(data: st.DataObject) -> None:
    limits = [Allowance("a", 0), Allowance("b", 1), Allowance("c", 3)]
    sets = st.lists(st.sampled_from(limits), max_size=3, unique=True).map(tuple)
    rows = data.draw(st.lists(st.tuples(sets, st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=6))
    rows.sort(key=lambda row: row[2])
    budgets = Budgets({str(at): Running(budgets=each) for at, (each, _, _) in enumerate(rows)})
    units = [[Held(str(at), str(i), 0, 0) for i in range(count)] for at, (_, count, _) in enumerate(rows)]
    found = Covered([each for each, _, _ in rows], np.array([count for _, count, _ in rows]))
    assert found.alone(budgets).tolist() == [budgets.beyond(unit) for unit in units]
    some = [at for at in range(len(rows)) if data.draw(st.booleans())]
    bins = np.array([where for _, _, where in rows])
    expected, before = [], dict.fromkeys(range(3), budgets)
    for at in some:
        expected.append(before[rows[at][2]].beyond(units[at]))
        before[rows[at][2]] = before[rows[at][2]].after(units[at])
    assert found.in_turn(np.array(some, np.int64), bins, budgets).tolist() == expected


def test_who_takes_more_by_now_waits_for_its_turn() -> None:
    told: list[tuple[tuple[int, int, int, int], str]] = [
        ((0, 0, 1, at), name) for at, name in enumerate("abc")
    ]
    more = {"a": (0, 0, 1, 0), "b": (1, 0, 1, 1), "c": (0, 0, 1, 2)}
    assert list(least_first(told, lambda name: more[name])) == ["a", "c", "b"]


def test_earlier_victims_have_used_the_budget_up() -> None:
    one = problem([("w", 1)], [("x", 1)], [("y", 1)], w=covered(ONE), x=covered(ONE), y=covered(priority=5))
    urgent = tuple(job(name, 0, priority=10) for name in "jk")
    found = preempting(replace(one, jobs=urgent), Options())
    assert sorted(each.job for each in found.victims[0].members + found.victims[1].members) == ["w", "y"]


def test_an_eviction_cure_breaks_no_budget_where_another_would_do() -> None:
    """The members of w alone would do, but all of it is evicted."""
    two = problem([("w", 1)], [("w", 1)], [("x", 1)], w=covered(ONE), x=covered(priority=5))
    wanted = job("j", 0)
    asked = replace(two, jobs=(wanted,))

    def evicted(one: Problem) -> list[str]:
        found = next(each for each in cures(one, wanted, Options()) if each.way == "evict")
        return sorted({each.job for each in found.members})

    assert evicted(asked) == ["x"]
    assert evicted(replace(asked, held=two.held[:2])) == ["w"]
    told = ask(asked, Change(evicted=frozenset({"w", "x"})), Options()).broken
    assert told == (Broken(ONE, 2),)


def test_budgets_are_named_with_their_namespace_and_shared_within_it() -> None:
    room = Resources(cpu_milli=64_000, memory_bytes=1 << 40, pods=100, devices={"nvidia.com/gpu": 8})
    boards = tuple(Accelerator(at, "nvidia", "nvidia.com/gpu") for at in range(8))
    node = Node("a", sources=("k",), allocatable=room, accelerators=boards)
    work = tuple(
        Workload(name, source="k", members=(Member("m", "a", "running"),), budgets=(Budget("pg", 0),))
        for name in ("nlp/w", "nlp/deployment/w", "42")
    )
    made = problem_of(Fleet(taken_at_s=1, nodes=(node,), workloads=work), (node,), Asked())
    names = {name: known.budgets for name, known in made.running.items()}
    assert names["nlp/w"] == names["nlp/deployment/w"] == (Allowance("nlp/pg", 0, "k"),)
    assert names["42"] == (Allowance("pg", 0, "k"),)
