"""From a pod to its Disruption: what eviction does to it, and who asks to leave it alone.

Pods are many and say the same of it: each distinct answer is made once, under the key of its content.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec

from dcctl.inventory.disruption import Disruption
from dcctl.inventory.placement import key_of
from dcctl.inventory.sources.kubernetes.jobs import Tries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dcctl.inventory.disruption import Scratch
    from dcctl.inventory.model import Budget
    from dcctl.inventory.sources.kubernetes.jobs import Jobs
    from dcctl.inventory.sources.kubernetes.statefulsets import StatefulSets
    from dcctl.inventory.sources.kubernetes.types import OwnerRef, Pod, PodNotes

_Texts = tuple[str, ...]
_Remade = tuple[bool, str, int | None, bool]
_Own = tuple[str, bool, str, int | None, _Texts, _Texts, _Texts, str, str, str, str]
_Said = tuple[
    str, bool, str, int | None, _Texts, _Texts, _Texts, str, str, str, str, bool, str, int | None, bool
]
"""The fields of a Disruption, in its order."""
_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]


def _is_true(value: str) -> bool:
    return value == "true"


def _is_false(value: str) -> bool:
    return value == "false"


def _is_not_false(value: str) -> bool:
    """Karpenter's may also be a length of time."""
    return value not in ("", "false")


PROTECTING: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "do_not_disrupt": ("karpenter.sh/do-not-disrupt", _is_not_false),
    "do_not_evict": ("karpenter.sh/do-not-evict", _is_true),
    "safe_to_evict": ("cluster-autoscaler.kubernetes.io/safe-to-evict", _is_false),
}
"""Annotations that ask to leave a pod alone: field of PodNotes -> their name, and the values that do."""
PROTECTING_LABELS: Mapping[str, Callable[[str], bool]] = {
    "cluster.x-k8s.io/drain": lambda value: value in ("skip", "wait-completed"),
    "nvidia.com/gpu-driver-upgrade-drain.skip": _is_true,
    "nvidia.com/ofed-driver-upgrade-drain.skip": _is_true,
}
"""The same as labels: of Cluster API, and of NVIDIA's operators, whose own drains pass such pods over."""
_LABELS = frozenset(PROTECTING_LABELS)


_TOLD = ("Job", "StatefulSet")
_NOTHING: _Remade = (False, "", None, False)
_INDEX = "batch.kubernetes.io/job-completion-index"
_REVISION = "controller-revision-hash"


class Makers(NamedTuple):
    """What makes pods anew and may not do so, or otherwise."""

    jobs: Jobs
    sets: StatefulSets


class Disruptions:
    """The disruptions of the pods read so far, each once."""

    def __init__(self, makers: Makers | None = None) -> None:
        """`makers` were read before; without them nobody is told what is made in place of a pod."""
        self._makers = makers
        self.found: dict[str, Disruption] = {}
        """By key."""
        self.bad: dict[str, str] = {}
        """Pods of which an annotation says nothing that can be understood -> why."""
        self._keys: dict[_Said, str] = {}

    def clear(self) -> None:
        """Forget all."""
        for each in (self.found, self.bad, self._keys):
            each.clear()

    def of_pod(self, pod: Pod, scratch: Scratch, budgets: Iterable[Budget]) -> str:
        """The key of the pod's disruption; `scratch` and `budgets` as its volumes and labels tell."""
        owner = _owner(pod.metadata.owner_references)
        said = (*_said(pod, owner, scratch, budgets), *self._remade(pod, owner))
        return self._keys.get(said) or self._new(said)

    def checkpointed_at_s(self, pod: Pod) -> int | None:
        """When it says that its last checkpoint was written; None where it is no time, which is noted."""
        text = pod.metadata.annotations.checkpointed_at if pod.metadata.annotations else None
        try:
            return int(msgspec.convert(text, _Zoned).timestamp()) if text else None
        except msgspec.ValidationError:
            why = "its annotation dcctl.io/checkpointed-at is no time as 2026-03-01T08:00:00Z is one"
            self.bad[f"{pod.metadata.namespace}/{pod.metadata.name}"] = why
            return None

    def _remade(self, pod: Pod, owner: OwnerRef | None) -> _Remade:
        """What its controller does once it is evicted, as the last fields of a Disruption."""
        meta, notes, makers = pod.metadata, pod.metadata.annotations, self._makers
        if owner is None or owner.kind not in _TOLD:
            return _NOTHING
        labels = meta.labels or {}
        if owner.kind == "StatefulSet":
            changed = makers.sets.changed(owner.uid, meta.name, labels.get(_REVISION)) if makers else False
            return False, "", None, changed
        indexed = _INDEX in labels or (notes is not None and notes.completion_index is not None)
        tries = makers.jobs.of_pod(owner.uid, notes.index_failures if notes else None) if makers else Tries()
        return indexed, tries.fatal, tries.retries, False

    def _new(self, said: _Said) -> str:
        found = Disruption(*said)  # type: ignore[arg-type]  # `scratch` is one of its words
        key = self._keys[said] = key_of(found)
        self.found[key] = found
        return key


def _said(pod: Pod, owner: OwnerRef | None, scratch: Scratch, budgets: Iterable[Budget]) -> _Own:
    meta, notes, grace_s = pod.metadata, pod.metadata.annotations, pod.spec.termination_grace_period_seconds
    controller = owner.kind if owner is not None else ""
    names = tuple(sorted([each.name for each in budgets])) if budgets else ()
    finalizers = tuple(meta.finalizers) if meta.finalizers else ()
    if grace_s is not None and grace_s < 0:
        grace_s = 1  # as the kubelet takes it
    protected: tuple[str, ...] = ()
    if notes is not None or (meta.labels is not None and not _LABELS.isdisjoint(meta.labels)):
        protected = tuple(sorted([*_annotated(notes), *_labelled(meta.labels or {})]))
    if notes is None:
        return controller, False, scratch, grace_s, names, protected, finalizers, "", "", "", ""
    return (
        controller,
        notes.mirror is not None and _is_of_its_node(pod),
        scratch,
        grace_s,
        names,
        protected,
        finalizers,
        notes.checkpoint or "",
        notes.checkpoint_proof or "",
        notes.checkpoint_timeout or "",
        notes.when_drained or "",
    )


def _owner(owners: list[OwnerRef] | None) -> OwnerRef | None:
    """What makes it anew."""
    for each in owners or ():
        if each.controller:
            return each
    return None


def _is_of_its_node(pod: Pod) -> bool:
    """Whether its owner is the node that it stands on, as the kubelet says of its static pods."""
    node = pod.spec.node_name
    return any(each.kind == "Node" and each.name == node for each in pod.metadata.owner_references or ())


def _annotated(notes: PodNotes | None) -> Iterator[str]:
    if notes is not None:
        for field, (name, asks) in PROTECTING.items():
            value: str | None = getattr(notes, field)
            if value is not None and asks(value):
                yield f"{name}={value}"


def _labelled(labels: Mapping[str, str]) -> Iterator[str]:
    for name, asks in PROTECTING_LABELS.items():
        if name in labels and asks(labels[name]):
            yield f"{name}={labels[name]}"
