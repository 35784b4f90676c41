"""No plan exceeds its bound; where the best is known by hand, the bound is not far."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.packing.greedy.choice import POLICIES
from dcctl.packing.improve.bound import bound, simple_bound
from dcctl.packing.problem import ItemClass, Problem
from dcctl.packing.solve import Options, engine_of, solve
from tests.unit.packing.problems import SPACE, a_bin, device, job, need, problems

if TYPE_CHECKING:
    from dcctl.packing.choices import PolicyName


def bounded(problem: Problem, members: int = 0) -> int:
    return bound(problem, engine_of(problem, "first-fit").items, members)


@given(problems(), st.sampled_from(sorted(POLICIES)))
def test_no_plan_exceeds_its_bound(problem: Problem, policy: PolicyName) -> None:
    plan = solve(problem, Options(policy))
    assert bounded(problem, plan.placed) >= plan.gpu_milli


@given(problems())
def test_it_is_repeatable_and_no_more_than_the_simple_one(problem: Problem) -> None:
    assert bounded(problem) == bounded(problem) <= simple_bound(problem)


def of(*classes: ItemClass, count: int, devices: int = 4, cpu: int = 64_000) -> Problem:
    """One node, and so many items of each class."""
    node = a_bin("a", cpu, tuple(device(at) for at in range(devices)))
    return Problem(SPACE, (node,), classes, tuple(job(f"j{at}", at, count) for at in range(len(classes))))


def test_shares_that_leave_a_rest_on_every_device() -> None:
    assert bounded(of(ItemClass(need(share=600)), count=9)) == 4 * 600


def test_pairs_that_fill_devices() -> None:
    both = (ItemClass(need(share=600)), ItemClass(need(share=400)))
    assert bounded(of(*both, count=2)) == 2000
    assert bounded(of(*both, count=9)) == 4000


def test_cpu_can_be_what_is_short() -> None:
    assert bounded(of(ItemClass(need(cpu=2000, devices=1)), count=9, cpu=5000)) == 2000
    assert bounded(of(ItemClass(need(cpu=900, share=300)), count=40, cpu=10_000)) == 11 * 300 + 33


def test_large_items_are_counted_by_node() -> None:
    nodes = tuple(a_bin(f"n{at}", 10_000, (device(0), device(1))) for at in range(9))
    two = Problem(SPACE, nodes, (ItemClass(need(cpu=5100, devices=1)),), (job("j", 0, 18),))
    assert bounded(two) == 9000


def test_columns_are_generated_until_none_is_missing() -> None:
    rng = random.Random(0)
    cores = (16, 20, 24, 28, 32, 36)
    nodes = tuple(
        a_bin(f"n{at:02}", 1000 * cores[at % 6], tuple(device(one) for one in range(4))) for at in range(80)
    )
    shares = [rng.randrange(10, 90) * 10 for _ in range(60)]
    classes = tuple(ItemClass(need(cpu=rng.randrange(10, 90) * share // 10, share=share)) for share in shares)
    jobs = tuple(job(f"j{at}", at, rng.randrange(1, 30)) for at in range(60))
    assert bounded(Problem(SPACE, nodes, classes, jobs)) == 318_005


def test_members_that_must_stand_take_what_others_need() -> None:
    both = (ItemClass(need(cpu=1000, devices=1)), ItemClass(need(cpu=1000)))
    small = of(*both, count=4, cpu=4000)
    assert bounded(small, 4) == 4000
    more = replace(small, classes=(ItemClass(need(cpu=2000, devices=1)), both[1]))
    assert bounded(more, 2) == 2000
    assert bounded(more, 4) == 0


def test_a_node_holds_few_of_those_that_want_several() -> None:
    nodes = tuple(a_bin(f"n{at}", devices=tuple(device(one) for one in range(8))) for at in range(3))
    five = Problem(SPACE, nodes, (ItemClass(need(devices=5)),), (job("j", 0, 9),))
    assert bounded(five) == 3 * 5000


def test_nothing_can_be_used() -> None:
    assert bounded(of(ItemClass(need(devices=1, models=("H100",))), count=1)) == 0
    assert bounded(Problem(SPACE, (), (), ())) == 0
