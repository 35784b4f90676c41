"""Pods as members of workloads: read page by page into compact rows, put together at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.model import ENDED, Member
from dcctl.inventory.sources.kubernetes import owners
from dcctl.inventory.sources.kubernetes.asked import waiting
from dcctl.inventory.sources.kubernetes.mounted import Mounts
from dcctl.inventory.sources.kubernetes.owners import OWN_LABELS
from dcctl.inventory.sources.kubernetes.requests import FINISHED, Interner
from dcctl.inventory.sources.kubernetes.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.model import Budget, Phase, Resources
    from dcctl.inventory.sources.kubernetes.asked import Waiting
    from dcctl.inventory.sources.kubernetes.budgets import Budgets
    from dcctl.inventory.sources.kubernetes.disruptions import Disruptions
    from dcctl.inventory.sources.kubernetes.mounted import Mounted
    from dcctl.inventory.sources.kubernetes.owners import Ref
    from dcctl.inventory.sources.kubernetes.types import Pod

PHASES: Mapping[str, Phase] = {
    "Pending": "pending",
    "Running": "running",
    "Succeeded": "succeeded",
    "Failed": "failed",
}
TRUTHS: Mapping[str, bool] = {"True": True, "False": False}
"""The third state of a condition is Unknown."""


class Unreadable(NamedTuple):
    """A pod that asks for something, nobody knows for what."""

    pod: str
    why: str
    node: str
    """Empty where it has none yet."""


class Group:
    """The pods that name the same immediate owner."""

    __slots__ = (
        "budgets",
        "checkpointed_at_s",
        "deadlines_s",
        "labels",
        "members",
        "priority",
        "priority_class",
        "size",
    )

    def __init__(self, labels: dict[str, str], size: int | None) -> None:
        self.members: list[Member] = []
        self.labels, self.size = labels, size
        self.budgets: dict[str, Budget] = {}
        self.priority: int | None = None
        self.priority_class: str | None = None
        self.deadlines_s: set[int | None] = set()
        """How long its pods may run; None: as long as they like."""
        self.checkpointed_at_s: int | None = None
        """The latest that one of them tells."""


class Pods:
    """The pods read so far, by immediate owner. A sink for pages of them."""

    def __init__(
        self,
        budgets: Budgets,
        templates: Templates | None = None,
        disruptions: Disruptions | None = None,
    ) -> None:
        """Without `disruptions` nobody is told what eviction does to them: they are yet to be made."""
        self._budgets, self._amounts, self._mounts = budgets, Interner(), Mounts()
        self._templates, self._disruptions = templates or Templates(), disruptions
        self._text: dict[str, str] = {}
        self.groups: dict[Ref, Group] = {}
        self.bad: list[Unreadable] = []
        self.waiting: list[Waiting] = []

    def add(self, items: list[Pod]) -> None:
        """Read one page."""
        self._mounts.clear()
        for pod in items:
            ref = owners.of_pod(pod)
            group = self.groups.get(ref)
            if group is None:
                group = self.groups[ref] = Group(_kept(pod.metadata.labels), _lws_size(pod))
            budgets = self._budgets.covering(pod.metadata.namespace, pod.metadata.labels or {})
            group.members.append(self._member(pod, budgets, is_daemon=ref.kind == "DaemonSet"))
            if (one := waiting(pod)) is not None:
                self.waiting.append(one)
            self._note(group, pod, budgets)

    def clear(self) -> None:
        """Forget all."""
        self.groups.clear()
        self.bad.clear()
        self.waiting.clear()
        self._templates.clear()
        if self._disruptions is not None:
            self._disruptions.clear()

    def need_volumes(self) -> bool:
        """Whether a pod that has not ended has volumes that may be bound to a place."""
        return any(template.claims for template in self._templates.found.values())

    def any_waits(self) -> bool:
        """Whether a pod waits for a node."""
        members = (each for group in self.groups.values() for each in group.members)
        return any(each.node is None and each.phase == "pending" for each in members)

    def _note(self, group: Group, pod: Pod, budgets: list[Budget]) -> None:
        priority, notes = pod.spec.priority, pod.metadata.annotations
        if priority is not None and (group.priority is None or priority > group.priority):
            group.priority = priority
        group.priority_class = group.priority_class or pod.spec.priority_class_name
        group.deadlines_s.add(pod.spec.active_deadline_seconds)
        for budget in budgets:
            group.budgets[budget.name] = budget
        if notes is not None and notes.checkpointed_at and self._disruptions is not None:
            when_s = self._disruptions.checkpointed_at_s(pod)
            group.checkpointed_at_s = max(group.checkpointed_at_s or 0, when_s or 0) or None

    def _member(self, pod: Pod, budgets: list[Budget], *, is_daemon: bool) -> Member:
        node, started, phase = (
            pod.spec.node_name,
            pod.status.start_time,
            PHASES.get(pod.status.phase, "unknown"),
        )
        mounted, told = self._mounted(pod), self._disruptions
        return Member(
            name=pod.metadata.name,
            node=self._text.setdefault(node, node) if node else None,
            phase=phase,
            requests=self._requests(pod, phase),
            uid=pod.metadata.uid,
            started_at_s=None if started is None else int(started.timestamp()),
            template=self._templates.of_pod(pod, mounted.claims, is_daemon=is_daemon)
            if mounted is not None and phase not in ENDED
            else None,
            ready=_ready(pod),
            disruption=told.of_pod(pod, mounted.scratch, budgets)
            if told is not None and mounted is not None
            else None,
        )

    def _mounted(self, pod: Pod) -> Mounted | None:
        """What its volumes tell; None where they cannot be read, which is noted."""
        try:
            return self._mounts.read(bytes(pod.spec.volumes))
        except ValueError as error:
            self._templates.unread.setdefault(str(error), f"{pod.metadata.namespace}/{pod.metadata.name}")
            return None

    def _requests(self, pod: Pod, phase: Phase) -> Resources | None:
        """What the scheduler counts: nothing once a pod has ended, all of it while one is being deleted.

        None where that cannot be read.
        """
        if phase in ENDED:
            return FINISHED
        try:
            return self._amounts.of_pod(pod)
        except ValueError as error:
            name = f"{pod.metadata.namespace}/{pod.metadata.name}"
            self.bad.append(Unreadable(name, str(error), pod.spec.node_name or ""))
            return None


def _kept(labels: dict[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (labels or {}).items() if key not in OWN_LABELS}


def _ready(pod: Pod) -> bool | None:
    """What the kubelet says; None where it does not."""
    for each in pod.status.conditions or ():
        if each.type == "Ready":
            return TRUTHS.get(each.status)
    return None


def _lws_size(pod: Pod) -> int | None:
    """Leader and workers of one replica of a LeaderWorkerSet."""
    text = pod.metadata.annotations.lws_size if pod.metadata.annotations else None
    return int(text) if text and text.isdecimal() and len(text) < 9 else None
