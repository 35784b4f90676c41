"""Quotas: who counts for which, what is used of them, and what would have to be raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Accelerator, Fleet, Member, Node, Quota, Resources, Workload
from dcctl.packing.changed import without
from dcctl.packing.fit.quotas import Short, amount
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.preemption.blocking import in_the_way
from dcctl.packing.questions.ask import Change, ask
from dcctl.packing.questions.cures import cures
from dcctl.packing.scene import Scene
from dcctl.packing.solve import Options, solve, solved
from dcctl.packing.verify.verify import verify

if TYPE_CHECKING:
    from dcctl.packing.plan import Plan
    from dcctl.packing.problem import Problem

GPU = "nvidia.com/gpu"
SOURCE = "kubernetes:prod"


def node(name: str, source: str = SOURCE) -> Node:
    boards = tuple(Accelerator(at, "nvidia", GPU) for at in range(8))
    room = Resources(cpu_milli=64_000, memory_bytes=1 << 40, pods=100, devices={GPU: 8})
    return Node(name, sources=(source,), allocatable=room, accelerators=boards)


def work(name: str, count: int, on: str | None = None, *, gpus: int = 1, **other: Any) -> Workload:
    asked = Resources(cpu_milli=1000, pods=1, devices={GPU: gpus} if gpus else {})
    phase: Any = "running" if on else "pending"
    members = tuple(Member(f"{name}-{at}", on, phase, asked) for at in range(count))
    return Workload(name, source=SOURCE if on else "file:jobs.yaml", members=members, **other)


def limit(most: int, used: int | None = 0, **other: Any) -> Quota:
    counted = None if used is None else Resources(devices={GPU: used})
    return Quota("gpus", "nlp", SOURCE, Resources(devices={GPU: most}), counted, **other)


def problem(*asked: Workload, there: tuple[Workload, ...] = (), **other: Any) -> Problem:
    fleet = Fleet(taken_at_s=1, nodes=(node("a"), node("b")), workloads=there, **other)
    return problem_of(fleet, fleet.nodes, Asked(asked), pending=True)


def planned(one: Problem) -> Plan:
    plan = solve(one)
    assert verify(plan, one) == ()
    return plan


def test_work_of_the_namespace_stops_at_its_quota_and_other_work_does_not() -> None:
    jobs = (work("nlp/train", 12), work("vision/train", 2))
    plan = planned(problem(*jobs, quotas=(limit(16, 8),)))
    assert {one.job for one in plan.assignments} == {"vision/train"}
    (one,) = plan.unplaced
    assert one.why == {"quota is spent": 2}
    assert one.says == "quota gpus of nlp: 8 of 16 GPUs used, 12 asked for"


def test_several_quotas_hold_all_at_once() -> None:
    pods = Quota("pods", "nlp", SOURCE, Resources(pods=3), Resources(pods=1))
    assert planned(problem(work("nlp/j", 2), quotas=(limit(16), pods))).placed == 2
    (one,) = planned(problem(work("nlp/j", 3), quotas=(limit(16), pods))).unplaced
    assert one.says == "quota pods of nlp: 1 of 3 pods used, 3 asked for"
    assert planned(problem(work("nlp/j", 3), quotas=(limit(2), pods))).unplaced[0].says.count("quota") == 2


def test_what_is_not_asked_for_is_not_refused_by_a_quota_that_is_overdrawn() -> None:
    assert planned(problem(work("nlp/j", 1, gpus=0), quotas=(limit(4, 9),))).placed == 1


def test_what_waits_in_the_cluster_was_admitted_there() -> None:
    """The controller counts it already: it is not counted a second time."""
    waiting = replace(work("nlp/pod", 2), source=SOURCE)
    plan = planned(problem(work("nlp/j", 1), there=(waiting,), quotas=(limit(2, 2),)))
    assert [one.job for one in plan.assignments] == ["nlp/pod", "nlp/pod"]


def test_where_nobody_counts_what_is_held_it_is_summed() -> None:
    there = (work("nlp/runs", 2, "a"), replace(work("nlp/pod", 1), source=SOURCE))
    one = problem(work("nlp/j", 2), there=there, quotas=(limit(4, None),))
    assert one.quotas[0].used[GPU] == 3
    assert [each.job for each in planned(one).unplaced] == ["nlp/j"]


@pytest.mark.parametrize(
    ("scopes", "count"),
    [
        ({}, 0),
        ({"best_effort": True}, 2),
        ({"best_effort": False}, 0),
        ({"priority_classes": ("high",)}, 0),
        ({"priority_classes": ("low",)}, 2),
        ({"scopes": ("Terminating Exists",)}, 2),
    ],
)
def test_a_scope_chooses_the_work(scopes: dict[str, Any], count: int) -> None:
    job = work("nlp/j", 2, priority_class="high")
    assert planned(problem(job, quotas=(limit(1, **scopes),))).placed == count


def test_work_of_files_counts_where_there_is_one_cluster_to_count_it() -> None:
    owned = work("j", 2, owner="nlp")
    assert planned(problem(owned, quotas=(limit(1),))).placed == 0
    assert planned(problem(replace(owned, owner="x", queue="nlp"), quotas=(limit(1),))).placed == 0
    assert planned(problem(work("other/j", 2, owner="nlp"), quotas=(limit(1),))).placed == 2
    two = (limit(1), replace(limit(1), source="kubernetes:test"))
    assert planned(problem(owned, quotas=two)).placed == 2


def test_quotas_of_files_count_what_owners_hold_of_any_accelerator() -> None:
    stated = Quota("rl", "rl", "file:jobs.yaml", Resources(devices={GPU: 4}))
    fleet = Fleet(nodes=(node("a"),), workloads=(work("x/runs", 3, "a", owner="rl"),))
    share = work("j", 2, gpus=0, owner="rl")
    share = replace(
        share, members=tuple(replace(one, requests=Resources(pods=1, gpu_milli=600)) for one in share.members)
    )
    one = problem_of(fleet, fleet.nodes, Asked((share,), quotas=(stated,)))
    assert one.quotas[0].amounts == {"gpu": 4000}
    assert planned(one).unplaced[0].says == "quota of rl: 3 of 4 GPUs used, 1.2 asked for"


def test_the_owner_s_own_work_is_in_the_way_and_gives_back_what_it_held() -> None:
    runs = work("nlp/runs", 8, "a", gang_min=8)
    one = problem(work("nlp/j", 4), there=(runs,), quotas=(limit(8, 8),))
    scene = Scene(solved(one))
    (unit,) = in_the_way(scene, one.jobs[0])
    assert {each.job for each in unit} == {"nlp/runs"}
    assert planned(without(one, unit)).placed == 4
    assert planned(one).placed == 0


def test_only_work_that_holds_what_is_short_is_in_the_way() -> None:
    there = (work("nlp/cpu", 2, "a", gpus=0), work("vision/x", 2, "a"), work("nlp/runs", 3, "b"))
    one = problem(work("nlp/j", 2), there=there, quotas=(limit(4, 4),))
    units = in_the_way(Scene(solved(one)), one.jobs[0])
    assert [(each.job, each.member) for unit in units for each in unit] == [
        ("nlp/runs", "nlp/runs-0"),
        ("nlp/runs", "nlp/runs-1"),
    ]


def test_who_is_lost_and_stands_elsewhere_counts_as_before() -> None:
    one = problem(work("nlp/j", 3), there=(work("nlp/runs", 2, "a"),), quotas=(limit(4, 2),))
    answer = ask(one, Change(removed=frozenset((0,))), Options())
    assert answer.loss.homeless == 0
    assert [each.placed for each in (*answer.before, *answer.after)] == [0, 0]


def test_who_loses_a_node_counts_only_once() -> None:
    runs = work("nlp/runs", 8, "a")
    one = problem(work("nlp/j", 1), there=(runs,), quotas=(limit(9, 8),))
    scene = Scene(solved(replace(one, jobs=())))
    short = replace(scene.again("nlp/runs", scene.of("nlp/runs")), quotas=one.jobs[0].quotas)
    assert scene.lose([0]).homeless == 0
    assert scene.placer.ledger.short(short)[0].lacking == 7


def test_the_cure_raises_all_that_is_lacking_and_is_proved() -> None:
    pods = Quota("pods", "nlp", SOURCE, Resources(pods=3), Resources(pods=1))
    one = problem(work("nlp/j", 12), quotas=(limit(16, 8), pods))
    first = cures(one, one.jobs[0], Options())[0]
    assert first.way == "quota"
    assert first.what == "quota gpus of nlp by 4 GPUs and quota pods of nlp by 10 pods"
    too_many = problem(work("nlp/j", 20), quotas=(limit(8, 8),))
    assert "quota" not in {each.way for each in cures(too_many, too_many.jobs[0], Options())}


@pytest.mark.parametrize(
    ("dimension", "value", "words"),
    [
        ("gpu", 1000, "1 GPU"),
        ("cpu_milli", 1500, "1.5 CPUs"),
        ("memory_bytes", 3 << 40, "3 TiB of memory"),
        ("pods", 1, "1 pod"),
        ("bandwidth_bps", 4 * 10**11, "400 Gb/s of bandwidth"),
        ("power_mw", 6_000_000, "6 kW of power"),
        ("amd.com/gpu", 2, "2 GPUs"),
        ("nvidia.com/mig-1g.10gb", 2, "2 nvidia.com/mig-1g.10gb"),
    ],
)
def test_amounts_in_words(dimension: str, value: int, words: str) -> None:
    assert amount(dimension, value) == words


def test_a_shortage_says_all_there_is_to_it() -> None:
    one = problem(work("nlp/j", 2), quotas=(limit(1),))
    assert str(Short(one.quotas[0], GPU, 0, 2)) == "quota gpus of nlp: 0 of 1 GPU used, 2 asked for"
