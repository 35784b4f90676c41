"""The report of a plan."""

from __future__ import annotations

from dcctl.packing.planning import plan_for
from dcctl.packing.problem import ItemClass, Problem
from dcctl.packing.solve import Options
from dcctl.schedule.plan_report import Planned, plan_report
from tests.unit.packing.problems import SPACE, a_bin, device, job, need


def test_a_node_without_accelerators_is_not_said_to_have_none() -> None:
    for devices, text in (((), "all on one node"), ((device(),), "all on one node of 1 accelerator")):
        problem = Problem(SPACE, (a_bin("a", devices=devices),), (ItemClass(need()),), (job("j", 0, 2),))
        found = plan_for(problem, Options())
        table = plan_report(Planned(found.problem, found.plan)).items
        assert table.rows[0][table.column("why")] == text
