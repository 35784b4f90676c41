"""Which condition is dropped: the smallest that helps, by name; never that of broken nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.model import Taint
from dcctl.inventory.placement import Expression, NodeTerm, Template, Toleration
from dcctl.packing.problem import ItemClass, Problem
from dcctl.packing.questions.cures import cures
from dcctl.packing.reasons import NONE, Reason
from dcctl.packing.solve import Options
from tests.unit.packing.problems import SPACE, a_bin, job, need

if TYPE_CHECKING:
    from dcctl.packing.problem import Bin

GPU, TEAM = Taint("nvidia.com/gpu", "NoSchedule", "present"), Taint("team", "NoExecute", "a")


def relaxed(template: Template, *bins: Bin) -> list[tuple[str, str, int]]:
    one = Problem(SPACE, bins, (ItemClass(need(), template),), (job("j", 0),))
    found = cures(one, one.jobs[0], Options())
    return [(each.way, each.what, each.amount) for each in found if each.way in ("relax", "tolerate")]


def tainted(name: str, *taints: Taint, closed: Reason = NONE) -> Bin:
    return a_bin(name, 8000, taints=taints, closed=closed)


def test_the_taint_that_is_tolerated_is_named() -> None:
    pod = Template(namespace="n")
    found = relaxed(pod, tainted("a", GPU), tainted("b", GPU), tainted("c", TEAM), tainted("d", GPU, TEAM))
    assert found == [
        ("tolerate", "team=a:NoExecute", 1),
        ("tolerate", "nvidia.com/gpu=present:NoSchedule", 2),
        ("tolerate", "nvidia.com/gpu=present:NoSchedule, team=a:NoExecute", 4),
    ]
    knows = Template(namespace="n", tolerations=(Toleration("team", "Exists"),))
    assert relaxed(knows, tainted("d", GPU, TEAM)) == [("tolerate", "nvidia.com/gpu=present:NoSchedule", 1)]


@pytest.mark.parametrize(
    "key",
    [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.kubernetes.io/unschedulable",
        "node.kubernetes.io/disk-pressure",
        "karpenter.sh/disrupted",
    ],
)
def test_taints_of_nodes_that_are_out_of_service_stay(key: str) -> None:
    out = Taint(key, "NoSchedule")
    assert relaxed(Template(namespace="n"), tainted("a", out), tainted("b", out, GPU)) == []


def test_the_label_is_named() -> None:
    both = Template(node_selector={"zone": "z", "disk": "ssd"})
    assert relaxed(both, a_bin("a", labels={"zone": "z"})) == [("relax", "node selector disk=ssd", 0)]
    assert relaxed(both, a_bin("a")) == [("relax", "node selector zone=z, disk=ssd", 0)]


def test_the_expression_of_node_affinity_is_named() -> None:
    zone, disk = Expression("zone", "In", ("y", "z")), Expression("disk", "Exists")
    both = Template(required=(NodeTerm((zone, disk)),))
    assert relaxed(both, a_bin("a", labels={"zone": "z"})) == [("relax", "node affinity disk Exists", 0)]
    assert relaxed(both, a_bin("a", labels={"disk": "x"})) == [("relax", "node affinity zone In (y, z)", 0)]
    assert relaxed(both, a_bin("a")) == [("relax", "node affinity zone In (y, z), disk Exists", 0)]
    either = Template(required=(NodeTerm((zone,)), NodeTerm((disk,))))
    assert [what for _, what, _ in relaxed(either, a_bin("a"))] == [
        "node affinity zone In (y, z)",
        "node affinity disk Exists",
    ]
