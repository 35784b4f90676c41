"""Taints of others on nodes that are drained: told, and left as they are."""

from __future__ import annotations

import pytest

from dcctl.drain.request import Board, Done, Request
from dcctl.drain.work.classify import classify
from dcctl.drain.work.taints import keeping_away
from dcctl.inventory.model import Fleet, Taint
from dcctl.inventory.placement import Template, Toleration
from tests.unit.drain.standing import NOW_S, fleet, node, only, pod, sorted_out, work

FOREIGN = Taint("example.com/x", "NoSchedule")
QUIET = {
    "a preference": Taint("example.com/x", "PreferNoSchedule"),
    "a condition": Taint("node.kubernetes.io/disk-pressure", "NoSchedule"),
    "of the cloud": Taint("node.cloudprovider.kubernetes.io/shutdown", "NoSchedule"),
    "a role": Taint("node-role.kubernetes.io/control-plane", "NoSchedule"),
    "a tool that is known": Taint("medik8s.io/drain", "NoSchedule"),
    "for accelerators": Taint("nvidia.com/gpu", "NoSchedule", "present"),
    "for a team": Taint("dedicated", "NoSchedule", "nlp"),
}
TOLD = {
    "a key": (FOREIGN, "example.com/x:NoSchedule"),
    "with a value": (Taint("example.com/x", "NoExecute", "bad"), "example.com/x=bad:NoExecute"),
    "by hand": (
        Taint("node.kubernetes.io/out-of-service", "NoExecute", "off"),
        "node.kubernetes.io/out-of-service=off:NoExecute",
    ),
    "for daemons alone": (Taint("daemons", "NoSchedule"), "daemons:NoSchedule"),
}


def tainted(*taints: Taint) -> Fleet:
    """The work of a team tolerates its own taint, on another node; a daemon its own."""
    one = fleet(
        work("nlp/a", pod("a", "n2", template="team")),
        work("sys/d", pod("d", "n2", template="daemon"), kind="DaemonSet"),
        nodes=(node("n1", taints=taints), node("n2"), node("n3")),
    )
    one.templates["team"] = Template(
        tolerations=(Toleration("dedicated", value="nlp"), Toleration(operator="Exists"))
    )
    one.templates["daemon"] = Template(tolerations=(Toleration("daemons", "Exists"),))
    return one


@pytest.mark.parametrize("name", QUIET)
def test_what_is_known_keeps_nobody_away_unseen(name: str) -> None:
    assert keeping_away(tainted(QUIET[name]), ("n1", "n2")) == {}


@pytest.mark.parametrize("name", TOLD)
def test_what_nobody_knows_is_told_as_kubectl_writes_it(name: str) -> None:
    taint, says = TOLD[name]
    assert keeping_away(tainted(taint, *QUIET.values()), ("n1", "n2")) == {"n1": (says,)}


def test_a_plan_tells_them_and_is_not_blocked() -> None:
    found = only(sorted_out(tainted(FOREIGN), "n1"), "taint")
    says = "has the taint example.com/x:NoSchedule: somebody keeps work away; on return it stays"
    assert (found.subject, found.says, found.blocks) == ("n1", says, False)
    two = only(sorted_out(tainted(FOREIGN, Taint("y", "NoExecute")), "n1"), "taint")
    assert (
        "the taints example.com/x:NoSchedule, y:NoExecute: somebody keeps work away; on return they stay"
        in two.says
    )
    assert not [one for one in sorted_out(tainted(FOREIGN), "n2").findings if one.why == "taint"]


def test_one_gpu_leaves_its_node_in_service() -> None:
    request = Request(("n1",), boards=(Board("n1", "n1 GPU 3", "GPU-3", ()),))
    assert not [
        one for one in classify(tainted(FOREIGN), request, Done(), NOW_S).findings if one.why == "taint"
    ]
