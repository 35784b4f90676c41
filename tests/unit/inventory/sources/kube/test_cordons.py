"""Who took a node out of service, as its marks tell."""

from __future__ import annotations

import pytest

from dcctl.inventory.marks import holders
from dcctl.inventory.model import Cordon
from dcctl.inventory.sources.kubernetes.cordons import DrainNote
from dcctl.inventory.sources.kubernetes.nodes import Nodes, Place
from dcctl.inventory.sources.kubernetes.types import NodeObject
from tests.kubernetes_data import feed


def test_each_tool_is_known_by_the_mark_that_it_leaves() -> None:
    sink = Nodes("kubernetes:test", Place())
    feed(sink, "disruptions/nodes", NodeObject)
    assert {name: node.cordon for name, node in sink.found.items()} == {
        "free": None,
        "by-hand": None,
        "ours": Cordon(
            "dcctl", "2026-03-01T08-00-00-a1b2", "lin.wei", "PDU swap", True, 1_772_352_000, ("kured",)
        ),
        "spoiled": Cordon("dcctl"),
        "kured": Cordon("kured"),
        "nmo": Cordon("node-maintenance-operator"),
        "autoscaler": Cordon("cluster-autoscaler"),
        "karpenter": Cordon("karpenter"),
        "nvsentinel": Cordon("nvsentinel"),
        "upgrade": Cordon("gpu-operator"),
        "openshift": Cordon("machine-config-operator"),
    }


def test_every_tool_that_holds_a_node_is_told_once() -> None:
    notes = {"weave.works/kured-reboot-in-progress": "2026-03-01T08:10:00Z"}
    labels = {"nvidia.com/gpu-driver-upgrade-state": "drain-required"}
    taints = {"karpenter.sh/disrupted": "", "karpenter.sh/disruption": "disrupting"}
    assert holders(notes, labels, taints) == ("kured", "karpenter", "gpu-operator")
    assert holders({"quarantineHealthEventIsCordoned": "False"}, {}, {}) == ()


def test_what_is_written_on_a_node_is_what_is_read() -> None:
    note = DrainNote("r1", "lin.wei", "PDU swap", False, "2026-03-01T08:00:00Z")
    assert DrainNote.decode(note.encode()) == note


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": 1}', "\ud800"])
def test_a_note_that_somebody_spoiled_is_empty(text: str) -> None:
    assert DrainNote.decode(text) == DrainNote()


def test_what_a_note_does_not_say_is_not_told() -> None:
    assert DrainNote.decode('{"run": "r1"}').was_schedulable is None
