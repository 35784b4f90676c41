"""A search keeps what holds, loses no member, and finds the best of small cases."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from dcctl.packing.improve.bound import bound
from dcctl.packing.improve.search import improve
from dcctl.packing.problem import ItemClass, Problem
from dcctl.packing.solve import Options, Solution, ended, engine_of, solve, solved
from dcctl.packing.verify.verify import verify
from tests.examples import examples
from tests.unit.packing.problems import SPACE, a_bin, device, job, need, problems


def searched(problem: Problem, steps: int = 60, seed: int = 0) -> tuple[Solution, Solution]:
    """Before and after a search."""
    before, made = solved(problem), solved(problem)
    placed = improve(problem, made.placer.engine, made.placed, steps, seed)
    plan = ended(problem, made.placer, placed, Options())
    return before, made._replace(placed=tuple(placed), plan=plan)


def tiers(one: Solution) -> list[tuple[int, int]]:
    """(thousandths of devices, members) by priority, the most urgent first."""
    needs = [of.need for of in one.problem.classes]
    every = sorted({-found.job.priority for found in one.placed})
    stands = [(-found.job.priority, stand.of) for found in one.placed for stand in found.stands]
    return [
        (
            sum(needs[of].gpu_milli for tier, of in stands if tier == wanted),
            sum(tier == wanted for tier, _ in stands),
        )
        for wanted in every
    ]


@given(problems(), st.integers(0, 9))
def test_what_it_finds_holds_and_loses_nobody(problem: Problem, seed: int) -> None:
    before, after = searched(problem, seed=seed)
    assert verify(after.plan, problem) == ()
    assert [gpu for gpu, _ in tiers(after)] >= [gpu for gpu, _ in tiers(before)]
    assert all(more >= had for (_, more), (_, had) in zip(tiers(after), tiers(before), strict=True))


@examples(20)
@given(problems())
def test_the_same_seed_gives_the_same_plan(problem: Problem) -> None:
    options = Options(seed=3, effort="normal")
    assert solve(problem, options) == solve(problem, options)


def test_a_large_item_pushes_small_ones_aside() -> None:
    nodes = tuple(a_bin(f"n{at}", devices=(device(0), device(1))) for at in range(2))
    classes = (ItemClass(need(cpu=40_000, devices=1)), ItemClass(need(cpu=24_000, devices=1)))
    crossed = Problem(SPACE, nodes, classes, (job("a", 0, 2), job("b", 1, 2)))
    assert solve(crossed, Options(effort="normal")).gpu_milli == 4000


def test_shares_that_fill_devices_together() -> None:
    nodes = (a_bin("a", devices=tuple(device(at) for at in range(4))),)
    classes = tuple(ItemClass(need(share=share)) for share in (720, 600, 400))
    problem = Problem(SPACE, nodes, classes, tuple(job(f"j{at}", at, 4) for at in range(3)))
    assert solve(problem).gpu_milli < 4000
    assert solve(problem, Options(effort="normal")).gpu_milli == 4000


def test_it_starts_from_the_relaxed_plan() -> None:
    nodes = tuple(a_bin(f"n{at:02}", devices=tuple(device(one) for one in range(4))) for at in range(20))
    classes = tuple(ItemClass(need(share=share)) for share in (720, 600, 400, 280))
    counts = (80, 80, 40, 40)
    jobs = tuple(job(f"j{at}", at, count) for at, count in enumerate(counts))
    before, after = searched(Problem(SPACE, nodes, classes, jobs), steps=1)
    assert before.plan.gpu_milli < after.plan.gpu_milli == 80_000


def test_the_relaxed_plan_is_laid_out_where_cpu_is_short() -> None:
    rng = random.Random(0)
    nodes = tuple(a_bin(f"n{at:02}", 40_000, tuple(device(one) for one in range(4))) for at in range(30))
    shares = [rng.randrange(10, 95) * 10 for _ in range(30)]
    classes = tuple(ItemClass(need(cpu=rng.randrange(5, 15) * share, share=share)) for share in shares)
    jobs = tuple(job(f"j{at}", at, rng.randrange(1, 24)) for at in range(30))
    problem = Problem(SPACE, nodes, classes, jobs)
    before, after = searched(problem, steps=1)
    best = bound(problem, engine_of(problem, "first-fit").items, after.plan.placed)
    assert before.plan.gpu_milli < 0.95 * best
    assert after.plan.gpu_milli > 0.97 * best


def test_the_most_urgent_keep_what_they_have() -> None:
    nodes = (a_bin("a", 8000, (device(0), device(1))),)
    classes = (ItemClass(need(cpu=8000)), ItemClass(need(cpu=4000, devices=1)))
    problem = Problem(SPACE, nodes, classes, (job("a", 0, priority=9), job("b", 1, 2)))
    plan = solve(problem, Options(effort="normal"))
    assert [one.job for one in plan.assignments] == ["a"]


def test_whole_devices_come_from_one_numa_node() -> None:
    near = tuple(device(at).__class__(0, at, numa=at // 2) for at in range(4))
    classes = (ItemClass(need(devices=1)), ItemClass(need(devices=2)), ItemClass(need(devices=4)))
    jobs = (job("a", 0, 2), job("b", 1), job("c", 2))
    problem = Problem(SPACE, (a_bin("n", devices=near),), classes, jobs)
    for seed in range(5):
        plan = solve(problem, Options(seed=seed, effort="normal"))
        pairs = [one.devices for one in plan.assignments if one.job == "b"]
        assert all(pair in ((0, 1), (2, 3)) for pair in pairs)
