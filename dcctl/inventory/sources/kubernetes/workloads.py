"""Workloads: pods grouped by the object at the top of their owners, with gang, queue, budgets and owner."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.inventory.model import ENDED, Member, Workload
from dcctl.inventory.sources.kubernetes.gangs import Gang

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.inventory.model import Budget
    from dcctl.inventory.sources.kubernetes.dra import Holding
    from dcctl.inventory.sources.kubernetes.gangs import Gangs
    from dcctl.inventory.sources.kubernetes.owners import Parents, Ref
    from dcctl.inventory.sources.kubernetes.pods import Group
    from dcctl.inventory.sources.kubernetes.types import Namespace

OWNER_NAMES = (
    "dcctl.io/owner",
    "owner",
    "user",
    "team",
    "app.kubernetes.io/owner",
    "kubeflow.org/user",
    "hub.jupyter.org/username",
    "project",
)
"""Labels, then annotations of the namespace, that name who answers for work."""
QUEUE_LABELS = (
    "kueue.x-k8s.io/queue-name",
    "kai.scheduler/queue",
    "runai/queue",
    "volcano.sh/queue-name",
    "queue",
)


class Namespaces:
    """Who answers for each namespace, its labels, and which cluster it is of. A sink for pages of them."""

    def __init__(self) -> None:
        self._owner: dict[str, str] = {}
        self.labels: dict[str, dict[str, str]] = {}
        """By name of the namespace."""
        self.cluster: str | None = None
        """The UID of the namespace that every cluster has, and keeps."""

    def add(self, items: list[Namespace]) -> None:
        """Read one page."""
        for item in items:
            meta = item.metadata
            self.labels[meta.name] = meta.labels or {}
            if meta.name == "kube-system":
                self.cluster = meta.uid or None
            owner = _first(meta.labels or {}, OWNER_NAMES) or _first(meta.annotations or {}, OWNER_NAMES)
            if owner is not None:
                self._owner[meta.name] = owner

    def clear(self) -> None:
        """Forget all."""
        self._owner.clear()
        self.labels.clear()
        self.cluster = None

    def owner(self, namespace: str) -> str:
        """The person or team named by the namespace, else the namespace itself."""
        return self._owner.get(namespace, namespace)


class Root(NamedTuple):
    """The top of a pod's owners, and everything that gang objects on the way say."""

    ref: Ref
    gang: Gang


class Knowledge(NamedTuple):
    """What the lists other than that of pods told."""

    parents: Parents
    gangs: tuple[Gangs, ...]
    namespaces: Namespaces
    held: Mapping[str, Holding]
    """Devices by UID of pod: those it has, or waits for."""


def build(groups: Mapping[Ref, Group], known: Knowledge, source: str) -> tuple[Workload, ...]:
    """Every pod is a member of exactly one workload; workloads in order of id."""
    tops: dict[Ref, list[tuple[Root, Group]]] = {}
    shared = _shared_tops(groups, known)
    for ref, group in groups.items():
        root = _root(ref, known, shared)
        tops.setdefault(_identity(root.ref), []).append((root, group))
    names = Counter(f"{top.namespace}/{top.name}" for top in tops)
    made = (_workload(top, rows, names, known, source) for top, rows in tops.items())
    return tuple(sorted(made, key=lambda workload: workload.id))


def _identity(ref: Ref) -> Ref:
    """The object without its UID: one that was replaced under its name is the same work to a person."""
    return ref._replace(uid="")


def _shared_tops(groups: Mapping[Ref, Group], known: Knowledge) -> set[Ref]:
    """Objects that own several pod groups: there, the pod group is the unit."""
    owners = Counter(
        _identity(known.parents.chain(gang.owner)[-1])
        for ref in groups
        if (gang := _of_group(ref, known)) is not None and gang.owner is not None
    )
    return {ref for ref, count in owners.items() if count > 1}


def _of_group(ref: Ref, known: Knowledge) -> Gang | None:
    """The pod group object (or Kueue's Workload of a group of plain pods) behind a reference by name."""
    if ref.uid:
        return None
    key = (ref.group, ref.namespace, ref.name)
    return next((gangs.by_name[key] for gangs in known.gangs if key in gangs.by_name), None)


def _root(ref: Ref, known: Knowledge, shared: set[Ref]) -> Root:
    own = _of_group(ref, known)
    maker = own.owner if own is not None and ref.is_pod_group else None
    chain = known.parents.chain(maker or ref)
    found = [own] if own is not None else []
    for step in chain:
        found += [gangs.by_uid[step.uid] for gangs in known.gangs if step.uid and step.uid in gangs.by_uid]
    keep_group = ref.is_pod_group and _identity(chain[-1]) in shared
    return Root(ref if keep_group else chain[-1], _merged(found))


def _merged(found: Iterable[Gang]) -> Gang:
    """First answer per question, from the pod upwards: the scheduler's own group object comes first."""
    rows = list(found)
    return Gang(
        minimum=next((row.minimum for row in rows if row.minimum is not None), None),
        queue=next((row.queue for row in rows if row.queue), None),
        priority=next((row.priority for row in rows if row.priority is not None), None),
    )


def _workload(
    top: Ref, rows: list[tuple[Root, Group]], names: Mapping[str, int], known: Knowledge, source: str
) -> Workload:
    gang = _merged(root.gang for root, _ in rows)
    groups = [group for _, group in rows]
    labels = groups[0].labels
    members = sorted((_holding(each, known) for group in groups for each in group.members), key=_member_order)
    sizes = [group.size for group in groups if group.size is not None and group.size > 1]
    started = [each.started_at_s for each in members if each.started_at_s is not None]
    budgets: dict[str, Budget] = {name: each for group in groups for name, each in group.budgets.items()}
    urgent = [group.priority for group in groups if group.priority is not None]
    return Workload(
        id=_id(top, names),
        kind=top.kind,
        owner=_first(labels, OWNER_NAMES) or known.namespaces.owner(top.namespace),
        source=source,
        queue=gang.queue or _first(labels, QUEUE_LABELS),
        priority=gang.priority if gang.priority is not None else max(urgent, default=None),
        gang_min=gang.minimum or max(sizes, default=None),
        members=tuple(members),
        budgets=tuple(budgets[name] for name in sorted(budgets)),
        started_at_s=min(started, default=None),
        labels=labels,
        duration_s=_duration_s(groups),
        priority_class=next((one.priority_class for one in groups if one.priority_class), None),
        checkpointed_at_s=max(
            (one.checkpointed_at_s for one in groups if one.checkpointed_at_s), default=None
        ),
    )


def _duration_s(groups: Iterable[Group]) -> int | None:
    """How long the pods may run at most; None where one may run as long as it likes."""
    deadlines_s = set[int | None]().union(*(group.deadlines_s for group in groups))
    told = [each for each in deadlines_s if each is not None]
    return max(told) if len(told) == len(deadlines_s) and told else None


def _id(top: Ref, names: Mapping[str, int]) -> str:
    """namespace/name; with the kind in the middle where two kinds share the name."""
    plain = f"{top.namespace}/{top.name}"
    if names[plain] == 1:
        return plain
    kind = f"{top.kind}.{top.group}" if top.group else top.kind
    return f"{top.namespace}/{kind.lower()}/{top.name}"


def _member_order(member: Member) -> tuple[str, str]:
    return member.name, member.uid or ""


def _holding(member: Member, known: Knowledge) -> Member:
    """The member with the devices that its claims hold or wait for."""
    held = known.held.get(member.uid or "")
    if held is None or member.phase in ENDED:
        return member
    ids = tuple(sorted(held.ids))
    if member.requests is None or not held.known:
        return replace(member, devices=ids, requests=None)
    devices = dict(member.requests.devices)
    for name, count in held.counts.items():
        devices[name] = devices.get(name, 0) + count
    requests = replace(member.requests, devices=dict(sorted(devices.items())))
    return replace(member, devices=ids, requests=requests)


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)
