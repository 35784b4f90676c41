"""Who took a node out of service, as its marks tell."""

from __future__ import annotations

from dcctl.inventory.model import Cordon
from dcctl.inventory.sources.kubernetes.nodes import Nodes, Place
from dcctl.inventory.sources.kubernetes.types import NodeObject
from tests.kubernetes_data import feed


def test_each_tool_is_known_by_the_mark_that_it_leaves() -> None:
    sink = Nodes("kubernetes:test", Place())
    feed(sink, "disruptions/nodes", NodeObject)
    assert {name: node.cordon for name, node in sink.found.items()} == {
        "free": None,
        "by-hand": None,
        "ours": Cordon("dcctl", "2026-03-01T08-00-00-a1b2", "lin.wei", "PDU swap", True, 1_772_352_000),
        "spoiled": Cordon("dcctl"),
        "kured": Cordon("kured"),
        "nmo": Cordon("node-maintenance-operator"),
        "autoscaler": Cordon("cluster-autoscaler"),
        "karpenter": Cordon("karpenter"),
        "nvsentinel": Cordon("nvsentinel"),
        "upgrade": Cordon("gpu-operator"),
        "openshift": Cordon("machine-config-operator"),
    }
