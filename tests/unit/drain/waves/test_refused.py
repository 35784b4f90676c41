"""What kubectl drain refuses is the same, told by the facts of the inventory or by the rules of kubectl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dcctl.drain.compat import rules
from dcctl.drain.compat.flags import parse
from dcctl.drain.request import Gates, Request
from dcctl.drain.waves.serial import refused
from dcctl.inventory.model import Fleet, Workload
from dcctl.inventory.sources.kubernetes.budgets import Budgets
from dcctl.inventory.sources.kubernetes.disruptions import Disruptions
from dcctl.inventory.sources.kubernetes.pods import Pods
from dcctl.inventory.sources.kubernetes.templates import Templates
from dcctl.inventory.sources.kubernetes.types import Pod
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

NODES = ("n1", "n2", "n3")
_OWNERS: tuple[list[dict[str, Any]], ...] = (
    [],
    [{"kind": "ReplicaSet", "apiVersion": "apps/v1", "name": "web", "controller": True}],
    [{"kind": "ReplicaSet", "apiVersion": "apps/v1", "name": "web"}],
    [{"kind": "DaemonSet", "apiVersion": "apps/v1", "name": "agent", "controller": True}],
)


@st.composite
def pods(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Pods of three nodes as the API tells of them. A static pod has both its annotation and its owner."""
    found = []
    for at in range(draw(st.integers(0, 6))):
        node = draw(st.sampled_from(NODES))
        meta: dict[str, Any] = {"name": f"p{at}", "namespace": "a", "uid": f"u{at}"}
        if draw(st.booleans()):
            meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        if draw(st.integers(0, 4)) == 0:
            meta["annotations"] = {rules.MIRROR: "x"}
            meta["ownerReferences"] = [{"kind": "Node", "apiVersion": "v1", "name": node, "controller": True}]
        else:
            meta["ownerReferences"] = draw(st.sampled_from(_OWNERS))
        volumes = draw(st.sampled_from(([], [{"name": "x", "emptyDir": {}}])))
        phase = draw(st.sampled_from(("Pending", "Running", "Succeeded", "Failed", "Unknown")))
        spec = {"nodeName": node, "containers": [{"name": "c"}], "volumes": volumes}
        found.append({"metadata": meta, "spec": spec, "status": {"phase": phase}})
    return found


def _fleet(told: Sequence[dict[str, Any]]) -> Fleet:
    disruptions, templates = Disruptions(), Templates()
    read = Pods(Budgets(), templates, disruptions)
    read.add([msgspec.json.decode(msgspec.json.encode(one), type=Pod) for one in told])
    members = tuple(member for group in read.groups.values() for member in group.members)
    work = Workload("a/all", "Job", source="kubernetes", members=members)
    return Fleet(workloads=(work,), disruptions=disruptions.found, templates=templates.found)


def _by_the_rules(told: Sequence[dict[str, Any]], words: str) -> set[str]:
    flags = parse(["--ignore-daemonsets", "--delete-emptydir-data", *words.split()])
    nodes: dict[str, list[rules.Pod]] = {}
    for one in told:
        each = msgspec.convert(one, rules.Pod)
        nodes.setdefault(one["spec"]["nodeName"], []).append(each)
    sets = {("a", "agent"): rules.Lookup()}
    return {node for node, each in nodes.items() if rules.decide(each, sets, flags, lambda _: False).errors}


@examples(200)
@given(pods(), st.booleans())
def test_both_refuse_the_same_nodes(told: list[dict[str, Any]], force: bool) -> None:
    asked = Request(NODES, gates=Gates(force=force))
    assert refused(_fleet(told), asked) == _by_the_rules(told, "--force" if force else "")
