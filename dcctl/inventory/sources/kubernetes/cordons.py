"""Who took a node out of service: dcctl's own annotation, or the marks that other tools leave. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from dcctl.inventory.disruption import Cordon
from dcctl.inventory.moments import moment
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.sources.kubernetes.types import NodeObject

DRAIN = "dcctl.io/drain"
"""Annotation of a node that dcctl took out of service: a DrainNote."""


class DrainNote(Wire):
    """What dcctl writes on a node that it takes out of service."""

    run: str = ""
    """Empty: somebody spoiled the note."""
    who: str = ""
    reason: str = ""
    was_schedulable: bool | None = None
    """Before it. None: not told."""
    at: str = ""
    """RFC 3339."""

    def encode(self) -> str:
        """As the annotation has it."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, text: str) -> DrainNote:
        """What the annotation tells; an empty note where somebody spoiled it."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, UnicodeError):
            return cls()


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


def cordon_of(item: NodeObject) -> Cordon | None:
    """Who took the node out of service; None where nothing on it tells."""
    notes, labels, spec = item.metadata.annotations or {}, item.metadata.labels or {}, item.spec
    taints = {each.key: each.value or "" for each in spec.taints or ()}
    others = holders(notes, labels, taints)
    if DRAIN in notes:
        note = DrainNote.decode(notes[DRAIN])
        since_s = _since_s(note.at)
        return Cordon("dcctl", note.run, note.who, note.reason, note.was_schedulable, since_s, others)
    return Cordon(others[0], others=others[1:]) if others else None


def holders(
    annotations: Mapping[str, str], labels: Mapping[str, str], taints: Mapping[str, str]
) -> tuple[str, ...]:
    """The other tools that hold a node with these, each once, in the order of MARKS. `taints` are by key."""
    told: Mapping[str, Mapping[str, str]] = {"annotation": annotations, "label": labels, "taint": taints}
    return tuple(dict.fromkeys(mark.by for mark in MARKS if mark.holds(told[mark.kind].get(mark.key))))


def _since_s(text: str) -> int | None:
    try:
        return moment(text)
    except ValueError:
        return None
