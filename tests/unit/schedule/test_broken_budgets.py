"""A plan, a cure and a what-if name the disruption budgets that they would break."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.packing.planning import decided
from dcctl.packing.preemption.preempt import preempting
from dcctl.packing.problem import Allowance, Held, ItemClass, Problem, Running
from dcctl.packing.questions.ask import Change, ask
from dcctl.packing.questions.cures import cures
from dcctl.packing.questions.why import verdict
from dcctl.packing.solve import Options
from dcctl.schedule.commands import Typed
from dcctl.schedule.explain_report import explain_report
from dcctl.schedule.plan_report import Planned, plan_report
from dcctl.schedule.whatif_report import whatif_report
from tests.unit.packing.problems import SPACE, a_bin, device, job, need

BUDGET = Allowance("nlp/pg", 0)
URGENT = job("j", 0, 2, priority=9, minimum=2)
PROBLEM = Problem(
    SPACE,
    tuple(a_bin(name, devices=(device(0, 0),)) for name in "ab"),
    (ItemClass(need(devices=1)),),
    (URGENT,),
    tuple(Held("nlp/pg", f"pg-{at}", at, 0, (0,)) for at in range(2)),
    {"nlp/pg": Running(preemptible=True, made_anew=False, budgets=(BUDGET,))},
)
BREAKS = "breaks the disruption budget nlp/pg: allows 0, 2 would stop"


def test_a_plan_that_pushes_out() -> None:
    found = preempting(PROBLEM, Options())
    report = plan_report(Planned(found.problem, found.plan, victims=found.victims))
    assert ("pushed out", BREAKS) in [(one.label, one.text) for one in report.notes]
    victims = next(one for one in report.details if one.name == "victims")
    assert [row[-1] for row in victims.rows] == [("nlp/pg",)]


def test_a_cure_that_evicts() -> None:
    found = verdict(decided(PROBLEM, Options()), URGENT, Options())
    report = explain_report(found, cures(PROBLEM, URGENT, Options()), Typed(), ())
    assert ("evict", BREAKS) in [(one.label, one.text) for one in report.notes]


def test_what_if_it_were_evicted() -> None:
    change = Change(evicted=frozenset({"nlp/pg"}))
    report = whatif_report(ask(PROBLEM, change, Options()), 0, ())
    assert ("evict", BREAKS) in [(one.label, one.text) for one in report.notes]
    unknown = Running(preemptible=True, budgets=(replace(BUDGET, allowed=None),))
    report = whatif_report(ask(replace(PROBLEM, running={"nlp/pg": unknown}), change, Options()), 0, ())
    words = "breaks the disruption budget nlp/pg: nobody knows how many it allows, 2 would stop"
    assert words in [one.text for one in report.notes]
    several = Running(budgets=tuple(Allowance(f"nlp/{at}", 0) for at in range(5)))
    report = whatif_report(ask(replace(PROBLEM, running={"nlp/pg": several}), change, Options()), 0, ())
    assert "breaks 2 more disruption budgets" in [one.text for one in report.notes]
