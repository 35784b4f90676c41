"""A fault in a fleet gives the findings that it gives alone, whatever restarts, moves or grows around it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.finding import findings, identity
from dcctl.audit.scene import Scene
from dcctl.inventory.leftout import LeftOut
from tests.unit.audit.cases import Flat, cases
from tests.unit.audit.nights import in_cluster, of_nodes, restless, seen, together

if TYPE_CHECKING:
    from dcctl.inventory.evidence.collected import Evidence
    from tests.unit.audit.cases import Case

OF_THE_WHOLE: Final = {
    "ADM-06": "its webhook is the one that the demo has, with the same fault",
    "ENE-04": "all nodes are of the one site where there is one alone",
}
"""Checks of which a case says something about a fleet that is no longer so beside another fleet."""
WARMTH: Final = "GPU-09"
"""It is about the temperatures that a restless night changes."""


@cache
def fleet() -> Evidence:
    return in_cluster(of_nodes(seen(), 12), "demo")


def ids(name: str, evidence: Evidence, case: Case) -> set[str]:
    counters = Flat(at_s=case.before.taken_at_s, flat=case.before.counters)
    scene = Scene(evidence, case.now_s, case.policy, counters)
    return {one.id for one in findings(evaluate(scene, [CATALOGUE[name]]))}


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in OF_THE_WHOLE])
def test_a_fault_in_a_fleet_is_found_once_and_by_the_same_id(name: str) -> None:
    for case in cases(name):
        if case.fail and case.evidence.fleet.left_out == LeftOut():  # else it is about a part of a fleet
            both = together(fleet(), case.evidence)
            wanted = {identity(name, *one) for one in case.fail}
            assert ids(name, both, case) - ids(name, fleet(), case) == wanted, case.case


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name != WARMTH])
def test_what_restarts_moves_or_grows_at_its_pace_makes_and_hides_no_finding(name: str) -> None:
    for case in cases(name)[:12]:
        if not case.before.counters:
            both = together(fleet(), case.evidence)
            assert ids(name, restless(both, 1), case) == ids(name, both, case), case.case
