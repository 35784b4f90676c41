"""Plans of every policy hold; a plan that was tampered with does not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.model import Taint
from dcctl.inventory.placement import (
    Expression,
    HostPort,
    Neighbours,
    NodeTerm,
    Selector,
    Spread,
    Template,
    level_key,
)
from dcctl.packing.greedy.choice import POLICIES
from dcctl.packing.plan import Assignment, Plan, Unplaced
from dcctl.packing.problem import Held, ItemClass, Kind, Problem, Quota
from dcctl.packing.reasons import Reason
from dcctl.packing.solve import Options, solve
from dcctl.packing.verify.verify import verify
from dcctl.packing.verify.where import wanted
from tests.unit.packing.problems import SPACE, a_bin, device, job, need, problems

if TYPE_CHECKING:
    from dcctl.packing.choices import PolicyName


@given(problems(), st.sampled_from(sorted(POLICIES)))
def test_plans_of_every_policy_hold(problem: Problem, policy: PolicyName) -> None:
    assert verify(solve(problem, Options(policy)), problem) == ()


@given(problems(), st.data())
def test_a_member_that_is_dropped_moved_or_doubled_is_found(problem: Problem, data: st.DataObject) -> None:
    plan = solve(problem)
    if not plan.assignments:
        return
    at = data.draw(st.integers(0, len(plan.assignments) - 1))
    one = plan.assignments[at]
    rest = plan.assignments[:at] + plan.assignments[at + 1 :]
    assert verify(replace(plan, assignments=rest), problem)
    assert verify(replace(plan, assignments=(*plan.assignments, one)), problem)
    assert verify(replace(plan, assignments=(*rest, replace(one, node="nowhere"))), problem)
    if one.devices:
        assert verify(replace(plan, assignments=(*rest, replace(one, devices=(99,)))), problem)
        assert verify(replace(plan, assignments=(*rest, replace(one, devices=()))), problem)


NODES = (
    a_bin("a", 4000, (device(0), device(1)), labels={"zone": "1"}, path=("", "", "r1", "", "s")),
    a_bin("b", 4000, (device(0), device(1)), labels={"zone": "2"}, path=("", "", "r2", "", "s")),
)


def told(problem: Problem, *stands: tuple[str, str, tuple[int, ...]]) -> Plan:
    """A plan with right sums: (member, node, devices)."""
    owners = {name: (one, task.of) for one in problem.jobs for task in one.tasks for name in task.members}
    shares = {name: problem.classes[of].need.share_milli for name, (_, of) in owners.items()}
    assignments = tuple(Assignment(owners[m][0].id, m, node, gpus, shares[m]) for m, node, gpus in stands)
    placed = Counter(one.job for one in assignments)
    missing = {one.id: one.size - placed[one.id] for one in problem.jobs if one.size > placed[one.id]}
    return Plan(
        assignments,
        tuple(Unplaced(name, count, {}, len(problem.bins)) for name, count in missing.items()),
        placed=len(assignments),
        gpu_milli=sum(problem.classes[owners[m][1]].need.gpu_milli for m, _, _ in stands),
    )


def problem(*jobs: object, need_: object = None, **template: object) -> Problem:
    """Two nodes of two devices."""
    one = ItemClass(need_ or need(), Template(**template))  # type: ignore[arg-type]
    return Problem(SPACE, NODES, (one,), jobs)  # type: ignore[arg-type]


def holds(problem: Problem, *stands: tuple[str, str, tuple[int, ...]]) -> bool:
    return verify(told(problem, *stands), problem) == ()


def test_amounts() -> None:
    two = problem(job("j", 0, 2), need_=need(3000))
    assert holds(two, ("j-0", "a", ()), ("j-1", "b", ()))
    assert not holds(two, ("j-0", "a", ()), ("j-1", "a", ()))


def test_devices() -> None:
    whole = problem(job("j", 0, 2), need_=need(devices=2))
    assert holds(whole, ("j-0", "a", (0, 1)), ("j-1", "b", (0, 1)))
    assert not holds(whole, ("j-0", "a", (0, 1)), ("j-1", "a", (0, 1)))
    assert not holds(whole, ("j-0", "a", (0, 0)))
    share = problem(job("j", 0, 2), need_=need(share=600))
    assert holds(share, ("j-0", "a", (0,)), ("j-1", "a", (1,)))
    assert not holds(share, ("j-0", "a", (0,)), ("j-1", "a", (0,)))
    assert not holds(problem(job("j", 0), need_=need(devices=1, models=("H100",))), ("j-0", "a", (0,)))
    assert not holds(problem(job("j", 0), need_=need(devices=1, device_memory_bytes=1)), ("j-0", "a", (0,)))
    assert not holds(problem(job("j", 0), need_=need(devices=1, resource="amd.com/gpu")), ("j-0", "a", (0,)))


def test_shares_of_one_board_have_one_number() -> None:
    both = a_bin("c", 4000, (device(0), device(0)))
    two = replace(problem(job("j", 0, 3), need_=need(devices=1)), bins=(both,))
    assert holds(two, ("j-0", "c", (0,)), ("j-1", "c", (0,)))
    assert not holds(two, ("j-0", "c", (0,)), ("j-1", "c", (0,)), ("j-2", "c", (0,)))


@pytest.mark.parametrize("change", [{"closed": Reason.CORDONED}, {"taints": (Taint("k", "NoExecute"),)}])
def test_closed_and_tainted(change: dict[str, object]) -> None:
    one = problem(job("j", 0))
    assert holds(one, ("j-0", "a", ()))
    assert not holds(replace(one, bins=(replace(NODES[0], **change), NODES[1])), ("j-0", "a", ()))


def test_selectors() -> None:
    one = problem(job("j", 0), node_selector={"zone": "1"})
    assert holds(one, ("j-0", "a", ()))
    assert not holds(one, ("j-0", "b", ()))


def test_ports() -> None:
    two = problem(job("j", 0, 2), ports=(HostPort(80),))
    assert holds(two, ("j-0", "a", ()), ("j-1", "b", ()))
    assert not holds(two, ("j-0", "a", ()), ("j-1", "a", ()))
    other = replace(two, held=(Held("old", "old-0", 0, 0),))
    assert not holds(other, ("j-0", "a", ()))


MINE = Selector({"app": "x"})


def test_apart_and_together() -> None:
    apart = problem(job("j", 0, 2), labels={"app": "x"}, neighbours=(Neighbours("zone", MINE, apart=True),))
    assert holds(apart, ("j-0", "a", ()), ("j-1", "b", ()))
    assert not holds(apart, ("j-0", "a", ()), ("j-1", "a", ()))
    near = problem(job("j", 0, 2), labels={"app": "x"}, neighbours=(Neighbours("zone", MINE),))
    assert holds(near, ("j-0", "a", ()), ("j-1", "a", ()))
    assert not holds(near, ("j-0", "a", ()), ("j-1", "b", ()))


def test_spread() -> None:
    even = problem(job("j", 0, 3), labels={"app": "x"}, spreads=(Spread("zone", MINE),))
    assert holds(even, ("j-0", "a", ()), ("j-1", "b", ()), ("j-2", "b", ()))
    assert not holds(even, ("j-0", "b", ()), ("j-1", "b", ()))


RACK = level_key("rack")
THREE = tuple(
    a_bin(name, 4000, labels={"zone": "z"}, path=("", "", rack, "", "s"))
    for name, rack in (("a", "r0"), ("b", "r0"), ("c", "r1"))
)
"""Two nodes in one rack and a third in another: no label tells the racks."""


@pytest.mark.parametrize(
    ("rules", "good", "bad"),
    [
        ({"spreads": (Spread(RACK, MINE),)}, ("a", "c"), ("a", "b")),
        ({"neighbours": (Neighbours(RACK, MINE, apart=True),)}, ("a", "c"), ("a", "b")),
        ({"neighbours": (Neighbours(RACK, MINE),)}, ("a", "b"), ("a", "c")),
        ({"neighbours": (Neighbours(level_key("node"), MINE, apart=True),)}, ("a", "b"), ("a", "a")),
        ({"neighbours": (Neighbours(level_key("site"), MINE),)}, ("a", "c"), None),
        ({"required": (NodeTerm((Expression(RACK, "In", ("s/r0",)),)),)}, ("a", "b"), ("a", "c")),
    ],
)
def test_parts_of_the_data_centre(
    rules: dict[str, object], good: tuple[str, str], bad: tuple[str, str] | None
) -> None:
    two = replace(problem(job("j", 0, 2), labels={"app": "x"}, **rules), bins=THREE)
    assert verify(solve(two), two) == ()
    assert holds(two, *((f"j-{at}", node, ()) for at, node in enumerate(good)))
    assert bad is None or not holds(two, *((f"j-{at}", node, ()) for at, node in enumerate(bad)))


def test_racks_of_one_name_in_two_sites_are_two() -> None:
    apart = problem(job("j", 0, 2), labels={"app": "x"}, neighbours=(Neighbours(RACK, MINE, apart=True),))
    paths = (("", "", "r0", "", "s"), ("", "", "r0", "", "t"), ("",) * 5)
    two = replace(apart, bins=tuple(replace(one, path=path) for one, path in zip(THREE, paths, strict=True)))
    assert holds(two, ("j-0", "a", ()), ("j-1", "b", ()))
    near = replace(
        two, classes=(ItemClass(need(), Template(labels={"app": "x"}, spreads=(Spread(RACK, MINE),))),)
    )
    assert not holds(near, ("j-0", "c", ()))  # nobody knows its rack


def test_gangs() -> None:
    gang = problem(job("j", 0, 3, minimum=2))
    assert holds(gang)
    assert holds(gang, ("j-0", "a", ()), ("j-1", "b", ()))
    assert not holds(gang, ("j-0", "a", ()))
    inside = problem(job("j", 0, 2, minimum=2, within="rack"))
    assert holds(inside, ("j-0", "a", ()), ("j-1", "a", ()))
    assert not holds(inside, ("j-0", "a", ()), ("j-1", "b", ()))


def test_quotas() -> None:
    one = replace(problem(job("j", 0, 2, quotas=("t",))), quotas=(Quota("t", {"cpu_milli": 1500}),))
    assert holds(one, ("j-0", "a", ()))
    assert not holds(one, ("j-0", "a", ()), ("j-1", "a", ()))


def test_a_quota_counts_beside_alike_work_of_others() -> None:
    jobs = (job("i", 0), job("j", 0, quotas=("t",)))
    one = replace(problem(*jobs), quotas=(Quota("t", {"cpu_milli": 500}),))
    plan = solve(one)
    assert verify(plan, one) == ()
    assert plan.placed == 1


def test_times() -> None:
    one = replace(problem(job("j", 0, 2, duration_s=10, deadline_s=30), need_=need(3000)), now_s=5)
    plan = told(one, ("j-0", "a", ()), ("j-1", "a", ()))

    def at(*starts: int, lasts: int = 10) -> Plan:
        timed = zip(plan.assignments, starts, strict=True)
        return replace(
            plan, assignments=tuple(replace(o, start_s=start, end_s=start + lasts) for o, start in timed)
        )

    assert verify(at(5, 15), one) == ()
    assert verify(at(5, 14), one)
    assert verify(at(4, 15), one)
    assert verify(at(5, 21), one)
    assert verify(at(5, 15, lasts=9), one)


def test_sums_reasons_and_the_fleet() -> None:
    one = problem(job("j", 0, 2))
    plan = told(one, ("j-0", "a", ()))
    assert verify(plan, one) == ()
    assert verify(replace(plan, placed=2), one)
    assert verify(replace(plan, gpu_milli=1), one)
    assert verify(replace(plan, snapshot="other"), one)
    assert verify(replace(plan, unplaced=()), one)
    assert verify(replace(plan, unplaced=(Unplaced("j", 1, {"too little CPU": 1}),)), one)
    gpu = problem(job("j", 0), need_=need(devices=1))
    assert verify(replace(told(gpu, ("j-0", "a", (0,))), bound_gpu_milli=999), gpu)


@pytest.mark.parametrize(
    ("asked", "model", "does"),
    [
        ((), "", True),
        (("H100",), "", False),
        (("H100",), "NVIDIA H100 80GB HBM3", True),
        (("h100",), "NVIDIA-H100-80GB-HBM3", True),
        (("H100 80GB",), "NVIDIA H100 NVL 80GB", True),
        (("A100 40GB",), "NVIDIA A100-SXM4-80GB", False),
        (("A10",), "NVIDIA A100-SXM4-80GB", False),
        (("A10", "A100"), "NVIDIA A100-SXM4-80GB", True),
    ],
)
def test_models_are_compared_word_by_word(asked: tuple[str, ...], model: str, does: bool) -> None:
    assert wanted(need(devices=1, models=asked), Kind("nvidia.com/gpu", model)) is does
