"""Marks by which other tools are known to take nodes out of service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Mark(NamedTuple):
    """By what another tool is known to have taken a node out of service."""

    by: str
    kind: Literal["annotation", "label", "taint"]
    key: str
    idle: tuple[str, ...] = ()
    """Values at which it stands there though the node is in service."""

    def holds(self, value: str | None) -> bool:
        """Whether the tool holds a node that has it with this value; None: has it not."""
        return value is not None and value not in self.idle


_UPGRADE_IDLE = ("", "upgrade-done", "upgrade-required")
MARKS: tuple[Mark, ...] = (
    Mark("kured", "annotation", "weave.works/kured-reboot-in-progress"),
    Mark("node-maintenance-operator", "taint", "medik8s.io/drain"),
    Mark("node-maintenance-operator", "taint", "kubevirt.io/drain"),
    Mark("cluster-autoscaler", "taint", "ToBeDeletedByClusterAutoscaler"),
    Mark("karpenter", "taint", "karpenter.sh/disrupted"),
    Mark("karpenter", "taint", "karpenter.sh/disruption"),
    Mark("nvsentinel", "annotation", "quarantineHealthEventIsCordoned", ("", "False")),
    Mark("gpu-operator", "label", "nvidia.com/gpu-driver-upgrade-state", _UPGRADE_IDLE),
    Mark("network-operator", "label", "nvidia.com/ofed-driver-upgrade-state", _UPGRADE_IDLE),
    Mark("machine-config-operator", "annotation", "machineconfiguration.openshift.io/state", ("", "Done")),
)
"""The first that a node has names who holds it."""


def holders(
    annotations: Mapping[str, str], labels: Mapping[str, str], taints: Mapping[str, str]
) -> tuple[str, ...]:
    """The other tools that hold a node with these, each once, in the order of MARKS. `taints` are by key."""
    told: Mapping[str, Mapping[str, str]] = {"annotation": annotations, "label": labels, "taint": taints}
    return tuple(dict.fromkeys(mark.by for mark in MARKS if mark.holds(told[mark.kind].get(mark.key))))
