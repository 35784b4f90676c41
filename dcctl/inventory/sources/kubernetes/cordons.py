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
    who: str = ""
    reason: str = ""
    was_schedulable: bool | None = None
    at: str = ""
    """RFC 3339."""


class Mark(NamedTuple):
    """By what another tool is known to have taken a node out of service."""

    by: str
    kind: Literal["annotation", "label", "taint"]
    key: str
    idle: tuple[str, ...] = ()
    """Values at which it stands there though the node is in service."""


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
    if DRAIN in notes:
        return _own(notes[DRAIN])
    taints = {each.key: each.value or "" for each in spec.taints or ()}
    told: Mapping[str, Mapping[str, str]] = {"annotation": notes, "label": labels, "taint": taints}
    for mark in MARKS:
        value = told[mark.kind].get(mark.key)
        if value is not None and value not in mark.idle:
            return Cordon(mark.by)
    return None


def _own(text: str) -> Cordon:
    """What dcctl wrote; where somebody spoiled it, only that it was dcctl."""
    try:
        note = msgspec.json.decode(text, type=DrainNote)
    except msgspec.MsgspecError:
        return Cordon("dcctl")
    return Cordon("dcctl", note.run, note.who, note.reason, note.was_schedulable, _since_s(note.at))


def _since_s(text: str) -> int | None:
    try:
        return moment(text)
    except ValueError:
        return None
