"""Problems with one thing changed."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.inventory.model import Taint
from dcctl.packing.changed import empty_copy, uncordoned, with_more
from dcctl.packing.problem import Held, ItemClass, Problem, Running
from dcctl.packing.reasons import NONE, Reason
from dcctl.packing.solve import solve
from tests.unit.packing.problems import SPACE, a_bin, job, need

_CORDONED = Taint("node.kubernetes.io/unschedulable", "NoSchedule")


def _full() -> Problem:
    """A node of ten CPUs: a DaemonSet takes three, other work the rest."""
    one = a_bin("n0", 10_000)
    return Problem(
        SPACE,
        (replace(one, free=(0, *one.free[1:])),),
        (ItemClass(need(3_000)), ItemClass(need(7_000)), ItemClass(need(8_000))),
        (job("wants-8", 2),),
        held=(Held("agent", "agent-n0", 0, 0), Held("work", "work-0", 0, 1)),
        running={"agent": Running(fixed=True), "work": Running()},
    )


def test_a_new_node_has_the_daemons_of_the_one_that_it_is_like() -> None:
    assert empty_copy(_full(), 0, "new").free[0] == 7_000
    assert solve(with_more(_full(), 1, 0)).placed == 0
    smaller = replace(_full(), jobs=(job("wants-7", 1),))
    assert solve(with_more(smaller, 1, 0)).placed == 1


def test_nodes_are_uncordoned_whether_a_taint_says_so_or_the_node() -> None:
    by_taint = a_bin("a", taints=(_CORDONED,))
    by_node = a_bin("b", closed=Reason.CORDONED)
    sick = a_bin("c", closed=Reason.CORDONED | Reason.NOT_READY, taints=(_CORDONED,))
    problem = Problem(SPACE, (by_taint, by_node, sick), (ItemClass(need()),), ())
    found, count = uncordoned(problem)
    assert count == 2
    assert [(one.closed, one.taints) for one in found.bins[:2]] == [(NONE, ()), (NONE, ())]
    assert found.bins[2] is sick
