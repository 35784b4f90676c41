"""Boards that are handed out several times: a replica is had whole or not at all."""

from __future__ import annotations

import pytest

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Member, Resources, Workload
from dcctl.inventory.sources.demo import DemoSource
from dcctl.packing.fit.feasibility import suits
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.plan import Assignment, Plan
from dcctl.packing.problem import ItemClass, Kind, Need, Problem, Space
from dcctl.packing.reasons import WORDS, Reason
from dcctl.packing.solve import solve
from dcctl.packing.verify.verify import verify
from tests.unit.packing.problems import GIB, a_bin, device, job, need

KIND = Kind("nvidia.com/gpu", "L40S", 4)
REPLICAS = tuple(device(0) for _ in range(4))


def problem(one: Need) -> Problem:
    """One board that is handed out four times."""
    return Problem(Space((), (KIND,)), (a_bin("a", devices=REPLICAS),), (ItemClass(one),), (job("j", 0),))


@pytest.mark.parametrize("part", [need(share=250), need(share=100), need(share=1, device_memory_bytes=GIB)])
def test_no_part_of_a_board_is_promised_on_a_replica(part: Need) -> None:
    """Not even one as large: sixteen quarters would stand on a board of four replicas."""
    asked = problem(part)
    (left,) = solve(asked).unplaced
    assert left.why == {WORDS[Reason.REPLICA]: 1}
    wrong = Plan((Assignment("j", "j-0", "a", (0,), part.share_milli),), placed=1, gpu_milli=part.share_milli)
    assert any("which will not do" in text for text in verify(wrong, asked))


def test_a_replica_is_had_by_its_name() -> None:
    asked = problem(need(devices=1, resource="nvidia.com/gpu"))
    plan = solve(asked)
    assert [one.devices for one in plan.assignments] == [(0,)]
    assert verify(plan, asked) == ()


@pytest.mark.parametrize(
    ("one", "kind", "why"),
    [
        (
            need(share=250, resource="nvidia.com/gpu"),
            KIND._replace(resource="nvidia.com/gpu.shared"),
            "REPLICA",
        ),
        (
            need(devices=1, resource="nvidia.com/gpu"),
            KIND._replace(resource="nvidia.com/gpu.shared"),
            "NO_DEVICES",
        ),
        (need(share=250, resource="nvidia.com/gpu"), KIND._replace(shares=1), None),
        (need(share=250, models=("H100",)), KIND, "MODEL"),
        (need(share=250, resource="nvidia.com/gpu"), Kind("huawei.com/npu", "910B"), "NO_DEVICES"),
    ],
)
def test_why_devices_of_a_kind_will_not_do(one: Need, kind: Kind, why: str | None) -> None:
    assert suits(one, kind) is (None if why is None else Reason[why])


def test_a_share_is_one_of_what_a_whole_one_is() -> None:
    """As `gpu: 1` is nvidia.com/gpu, so is `gpu: 0.25`: it stands on no board of another vendor."""
    fleet = DemoSource().collect()
    member = Member("m", phase="pending", requests=Resources(gpu_milli=250))
    found = problem_of(fleet, fleet.nodes, Asked(workloads=(Workload("w", members=(member,)),)))
    (task,) = found.jobs[0].tasks
    assert found.classes[task.of].need.resource == "nvidia.com/gpu"
    assert {kind.shares for kind in found.space.kinds} == {1, 4}
