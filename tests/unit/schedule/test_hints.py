"""Names in the commands that reports suggest are quoted: they come from files and clusters."""

from __future__ import annotations

from dcctl.packing.problem import ItemClass, Problem
from dcctl.packing.solve import solved
from dcctl.schedule.plan_report import Planned, plan_report
from tests.unit.packing.problems import SPACE, a_bin, job, need


def test_a_name_is_never_a_command_of_the_shell() -> None:
    problem = Problem(SPACE, (a_bin("n0"),), (ItemClass(need(99_000_000)),), (job("a;$(touch x)", 0),))
    report = plan_report(Planned(problem, solved(problem).plan))
    commands = [note.command for note in report.notes if "explain" in note.command]
    assert commands == ["dcctl schedule explain 'a;$(touch x)'"]
