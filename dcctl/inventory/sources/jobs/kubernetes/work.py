"""From the pods that manifests make to workloads, by the rules that hold for pods of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.inventory.model import Gap
from dcctl.inventory.nodeexpr import shown
from dcctl.inventory.sources.jobs.kubernetes.shares import share
from dcctl.inventory.sources.jobs.kubernetes.types import Notes
from dcctl.inventory.sources.kubernetes import workloads
from dcctl.inventory.sources.kubernetes.asked import asked
from dcctl.inventory.sources.kubernetes.budgets import Budgets
from dcctl.inventory.sources.kubernetes.dra import Holding
from dcctl.inventory.sources.kubernetes.pods import Pods
from dcctl.inventory.sources.kubernetes.templates import Templates
from dcctl.inventory.sources.kubernetes.types import OwnerRef, Pod, PodMeta, PodStatus
from dcctl.inventory.sources.kubernetes.workloads import QUEUE_LABELS, Knowledge
from dcctl.inventory.topology import LEVEL_OF_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dcctl.inventory.model import Level, Member, Workload
    from dcctl.inventory.placement import Template
    from dcctl.inventory.sources.jobs.cursor import Cursor
    from dcctl.inventory.sources.jobs.kubernetes.made import Made
    from dcctl.inventory.sources.jobs.kubernetes.surroundings import Surroundings
    from dcctl.inventory.sources.kubernetes.owners import Ref


_MOST_DIGITS = 9


class Row(NamedTuple):
    """The pods that one object makes."""

    top: Ref
    labels: Mapping[str, str]
    """Of the object itself."""
    made: tuple[Made, ...]
    at: Cursor


class Origin(NamedTuple):
    """Where a pod comes from."""

    row: Row
    made: Made


def gap(ref: Ref, at: Cursor, why: str, hint: str = "") -> Gap:
    """What to tell of an object that is not placed, or not wholly understood."""
    subject = f"{ref.kind} {ref.namespace}/{ref.name}"
    return Gap(f"file:{at.where}", subject, f"{why} ({at.place})", "unsupported", hint)


class Work:
    """Workloads in the making."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._templates = Templates()  # which namespaces a cluster has, and with which labels, no file tells
        self._pods = Pods(Budgets(), self._templates)
        self._origins: dict[str, Origin] = {}
        self.gaps: dict[Gap, None] = {}

    def add(self, row: Row) -> None:
        """Make the pods of an object."""
        for made in row.made:
            self._pods.add(list(self._made(row, made)))

    def workloads(self) -> tuple[Workload, ...]:
        """Return the work, by the rules that hold for pods of a cluster, in order of id."""
        around = self._around
        known = Knowledge(around.parents, around.gangs(), around.namespaces, self._held())
        found = workloads.build(self._pods.groups, known, "file")
        return tuple(self._finished(each) for each in found)

    def templates(self) -> dict[str, Template]:
        """Return where members may stand, by key."""
        for why, pod in self._templates.unread.items():
            self._note(self._row_of(pod), f"where it may stand is unknown: {why}")
        return self._templates.found

    def _row_of(self, pod: str) -> Row:
        """The object that made a pod, which goes by `namespace/name`."""
        namespace, _, name = pod.partition("/")
        rows = (origin.row for uid, origin in self._origins.items() if uid.rpartition("/")[2] == name)
        return next(row for row in rows if row.top.namespace == namespace)

    def _made(self, row: Row, made: Made) -> Iterator[Pod]:
        """Yield equal pods as the API server would list them before anybody has placed them."""
        template, top = made.template, row.top
        spec, notes = self._around.with_priority(template.spec), template.metadata.annotations
        if made.size is not None:
            notes = replace(notes or Notes(), lws_size=str(made.size))
        labels = {**(template.metadata.labels or {}), **made.labels}
        version = f"{top.group}/v1" if top.group else "v1"
        owner = OwnerRef(top.kind, top.name, top.uid, version, controller=True)
        origin = Origin(row, made)
        for name in made.names():
            uid = f"{top.uid}/{name}"
            self._origins[uid] = origin
            meta = PodMeta(name, top.namespace, uid, labels, notes, None if top.kind == "Pod" else [owner])
            statuses = self._around.claims.made(spec, top.namespace, name)
            yield Pod(meta, spec, PodStatus(phase="Pending", resource_claim_statuses=statuses))

    def _held(self) -> dict[str, Holding]:
        """What pods wait for by claims of devices."""
        found = asked(self._pods.waiting, self._around.claims.wanted, {})
        for uid, counts in found.counts.items():
            if counts is None:
                doubts = ", ".join(found.unknown)
                self._note(self._origins[uid].row, f"it asks for {doubts}: how many devices is unknown")
        return {uid: Holding([], counts or {}, counts is not None) for uid, counts in found.counts.items()}

    def _finished(self, work: Workload) -> Workload:
        """The workload with what only manifests say; UIDs, which nobody gave its pods, are taken away."""
        origins = {id(each): each for each in (self._origins[one.uid or ""] for one in work.members)}
        rows = list({each.row.top: each.row for each in origins.values()}.values())
        durations = [each.made.duration_s for each in origins.values()]
        told = [each for each in durations if each is not None]
        queues = (row.labels[name] for row in rows for name in QUEUE_LABELS if row.labels.get(name))
        return replace(
            work,
            source=f"file:{rows[0].at.where}",
            queue=work.queue or next(queues, None),
            gang_min=work.gang_min or _group_size(origins.values()),
            members=tuple(self._member(each) for each in work.members),
            duration_s=max(told) if told and len(told) == len(durations) else work.duration_s,
            within=next((level for each in origins.values() if (level := self._within(each))), None),
        )

    def _member(self, member: Member) -> Member:
        """The member with the share of a board that its annotations ask for."""
        origin = self._origins[member.uid or ""]
        notes = origin.made.template.metadata.annotations
        part = share(notes) if notes is not None else None
        if part is None or member.requests is None:
            return replace(member, uid=None)
        requests = part.of(member.requests)
        if requests is None:
            self._note(origin.row, "it asks for shares of several GPUs, which dcctl cannot count")
        return replace(member, uid=None, requests=requests)

    def _within(self, origin: Origin) -> Level | None:
        notes = origin.made.template.metadata.annotations
        label = notes.topology if notes is not None else None
        if label and label not in LEVEL_OF_LABEL:
            self._note(origin.row, f"what the node label {shown(label)} tells is not known")
        return LEVEL_OF_LABEL.get(label or "")

    def _note(self, row: Row, why: str) -> None:
        self.gaps[gap(row.top, row.at, why)] = None


def _group_size(origins: Iterable[Origin]) -> int | None:
    """How many pods a group of plain pods waits for, as they say themselves; one alone is no gang."""
    notes = [each.made.template.metadata.annotations for each in origins]
    sizes = [each.group_size for each in notes if each is not None and each.group_size is not None]
    most = max((int(each) for each in sizes if each.isdecimal() and len(each) < _MOST_DIGITS), default=0)
    return most if most > 1 else None
