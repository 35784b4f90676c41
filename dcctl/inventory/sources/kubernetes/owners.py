"""From a pod to the work that stands or falls together: pod group, training job, Deployment, the pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dcctl.inventory.sources.kubernetes.types import Bare, OwnerRef, Pod

MOST_STEPS = 8
"""Owners above owners that are followed; a cycle ends here."""

_STAND_ALONE = ("CronJob", "Node")
"""Owners above which nothing stands or falls together: each run of a CronJob is work of its own."""


class Ref(NamedTuple):
    """An object, as its dependants name it."""

    namespace: str
    group: str
    kind: str
    name: str
    uid: str = ""

    @property
    def is_pod_group(self) -> bool:
        """Whether it groups pods instead of making them."""
        return self.kind == "PodGroup"


SIGS_LABELS = ("scheduling.x-k8s.io/pod-group", "pod-group.scheduling.sigs.k8s.io")
KUEUE_GROUP_LABEL = "kueue.x-k8s.io/pod-group-name"
LWS_NAME_LABEL = "leaderworkerset.sigs.k8s.io/name"
LWS_GROUP_LABEL = "leaderworkerset.sigs.k8s.io/group-index"

OWN_LABELS = frozenset(
    (
        "pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "controller-uid",
        "job-name",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/job-completion-index",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "jobset.sigs.k8s.io/job-index",
        "jobset.sigs.k8s.io/job-global-index",
        "jobset.sigs.k8s.io/job-key",
        "training.kubeflow.org/replica-index",
        "leaderworkerset.sigs.k8s.io/worker-index",
    )
)
"""Labels that tell the pods of one workload apart."""


def of_pod(pod: Pod) -> Ref:
    """What the pod says it belongs to, first hit: pod group, Kueue group, LWS group, controller, itself."""
    meta = pod.metadata
    return (
        _pod_group(pod)
        or _labelled(pod)
        or controller(meta.namespace, meta.owner_references)
        or Ref(meta.namespace, "", "Pod", meta.name, meta.uid)
    )


def _pod_group(pod: Pod) -> Ref | None:
    namespace, notes, labels = pod.metadata.namespace, pod.metadata.annotations, pod.metadata.labels or {}
    native = pod.spec.scheduling_group
    if native is not None and native.pod_group_name:
        return Ref(namespace, "scheduling.k8s.io", "PodGroup", native.pod_group_name)
    for label in SIGS_LABELS:
        if labels.get(label):
            return Ref(namespace, "scheduling.x-k8s.io", "PodGroup", labels[label])
    if notes is not None and notes.volcano_group:
        return Ref(namespace, "scheduling.volcano.sh", "PodGroup", notes.volcano_group)
    if notes is not None and notes.kai_group:
        return Ref(namespace, "scheduling.run.ai", "PodGroup", notes.kai_group)
    return None


def _labelled(pod: Pod) -> Ref | None:
    """Kueue's group of plain pods, or one replica (leader and workers) of a LeaderWorkerSet."""
    namespace, labels = pod.metadata.namespace, pod.metadata.labels
    if not labels:
        return None
    if labels.get(KUEUE_GROUP_LABEL):
        return Ref(namespace, "kueue.x-k8s.io", "Workload", labels[KUEUE_GROUP_LABEL])
    if labels.get(LWS_NAME_LABEL) and LWS_GROUP_LABEL in labels:
        name = f"{labels[LWS_NAME_LABEL]}-{labels[LWS_GROUP_LABEL]}"
        return Ref(namespace, "leaderworkerset.x-k8s.io", "LeaderWorkerSet", name)
    return None


def controller(namespace: str, owners: list[OwnerRef] | None) -> Ref | None:
    """The owner that manages an object; None without one, or where it is no work (a CronJob, a Node)."""
    for each in owners or ():
        if each.controller:
            if each.kind in _STAND_ALONE:
                return None
            group = each.api_version.rpartition("/")[0]
            return Ref(namespace, group, each.kind, each.name, each.uid)
    return None


class Parents:
    """The managing owner of each object that has one. A sink for pages of metadata."""

    def __init__(self) -> None:
        self._of: dict[str, Ref] = {}
        self._same: dict[Ref, Ref] = {}

    def add(self, items: list[Bare]) -> None:
        """Read one page."""
        for item in items:
            self.put(item.metadata.uid, controller(item.metadata.namespace, item.metadata.owner_references))

    def put(self, uid: str, owner: Ref | None) -> None:
        """Note who manages the object with this UID."""
        if owner is not None and uid:
            self._of[uid] = self._same.setdefault(owner, owner)

    def clear(self) -> None:
        """Keep what is known: UIDs are never used again, so a second reading repeats the first."""

    def chain(self, ref: Ref) -> list[Ref]:
        """The object and its owners, up to the one that nobody manages."""
        steps = [ref]
        while len(steps) < MOST_STEPS and (owner := self._of.get(steps[-1].uid)) is not None:
            steps.append(owner)
        return steps
