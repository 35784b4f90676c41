"""The writes of one run, each journalled before it is sent and after it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.objects import Live, LivePod
from dcctl.schedule.backends import Left
from dcctl.schedule.kubernetes import binding, placed
from dcctl.schedule.manifests import GATE, RUN, WORK, pinned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.journal import Journal
    from dcctl.packing.plan import Assignment
    from dcctl.schedule.backends import Run
    from dcctl.schedule.kubernetes import Places
    from dcctl.schedule.manifests import Document, Object

_CONFLICTS = 10
"""How often a pod that somebody else changes meanwhile is read again."""


class Foreign(Exception):  # noqa: N818  # an answer: what is there is not of this run
    """An object of this name is there, and another made it."""


class Found(NamedTuple):
    """A pod that waits, and where it is to stand."""

    pod: LivePod
    place: Assignment


class Carrier:
    """Sends the writes of one run."""

    def __init__(self, objects: Objects, run: Run) -> None:
        """Both belong to this run alone."""
        self.run = run
        self._objects, self._journal = objects, run.journal
        self.held: dict[str, Assignment] = {}
        """By UID of pod, the place that it was given."""
        self._sent: set[str] = set()
        """UIDs of pods that this process placed: what it hears of them may be older than that."""
        self._idle: dict[str, LivePod] = {}
        """By UID, pods behind the gate for which no place was left."""
        self.waits: dict[str, str] = {}
        """By UID of pod, why its scheduler does not bind it yet."""

    def create(self, one: Object, body: Document, *, may_exist: bool = False) -> None:
        """The object is there. Foreign: it was before, and not of this run. Raises Failure."""
        step = f"create {one.title}"
        known = self._journal.steps.get(step)
        if known is not None and known.state == "done":
            return
        collection = self._objects.path(one.api_version, one.kind, one.namespace)
        path = f"{collection}/{name_of(body)}"
        with self.run.interrupts.step():
            self._journal.begin(step, path=path)
            self._create(collection, path, body, step, may_exist=may_exist)
        self.run.progress.advance(one.title)

    def _create(self, collection: str, path: str, body: Document, step: str, *, may_exist: bool) -> None:
        try:
            made = self._objects.create(collection, body)
        except Failure as failure:
            if failure.status != 409:
                tell_refusal(self._journal, step, failure)
                raise
            made = self._objects.read(path, Live)
            if not self._is_ours(made):
                if not may_exist:
                    self._journal.failed(step, "another object of this name is there")
                    raise Foreign(f"{step.partition(' ')[2]}: another one is there") from failure
                self._journal.done(step, kept="1")
                return
        self._journal.done(step, uid=made.metadata.uid)

    def _is_ours(self, made: Live) -> bool:
        return (made.metadata.labels or {}).get(RUN) == self._journal.header.run

    def place(self, pod: LivePod, place: Assignment, *, there: bool = False) -> bool:
        """The pod has its node and no gate of ours. False: it is gone, or somebody else took charge of it.

        `there`: it was there before the run.
        """
        path, step = pod_path(pod), f"place {pod.metadata.namespace}/{pod.metadata.name} {pod.metadata.uid}"
        with self.run.interrupts.step():
            before = {"there": "1"} if there else {}
            self._journal.begin(step, job=place.job, member=place.member, node=place.node, **before)
            for _ in range(_CONFLICTS):
                if not _is_gated(pod):
                    return self._not_ours(step, pod, place)
                try:
                    self._objects.patch(path, patch_of(pod, place, self._journal.header.run))
                except Failure as failure:
                    if failure.status not in (404, 409):
                        tell_refusal(self._journal, step, failure)
                        raise
                    again = self._again(path, pod.metadata.uid)
                    if again is None:
                        self._journal.failed(step, "the pod is gone")
                        return False
                    pod = again
                    continue
                self._journal.done(step)
                self.held[pod.metadata.uid] = place
                self._sent.add(pod.metadata.uid)
                return True
            self._journal.failed(step, f"it changed {_CONFLICTS} times meanwhile")
        self._leave(place, "somebody else changes the pod all the time")
        return False

    def _again(self, path: str, uid: str) -> LivePod | None:
        try:
            found = self._objects.read(path, LivePod)
        except Failure as failure:
            if failure.status == 404:
                return None
            raise
        return found if found.metadata.uid == uid else None

    def _not_ours(self, step: str, pod: LivePod, place: Assignment) -> bool:
        """Lifted already: by this run, before a crash, or by somebody else."""
        if is_pinned(pod, place.node):
            self._journal.done(step)
            self.held[pod.metadata.uid] = place
            return True
        where = f"stands on {pod.spec.node_name}" if pod.spec.node_name else "has no gate any more"
        self._journal.failed(step, where)
        self._leave(place, f"somebody else took charge of it: it {where}")
        return False

    def bind(self, found: Found) -> None:
        """The pod is bound to its node, whatever its scheduler thinks, or was refused and is left.

        Raises Failure where nobody knows.
        """
        pod, place = found
        meta = pod.metadata
        step = f"bind {meta.namespace}/{meta.name} {meta.uid}"
        with self.run.interrupts.step():
            self._journal.begin(step, job=place.job, member=place.member, node=place.node)
            try:
                body = binding(meta.namespace, meta.name, meta.uid, place.node)
                self._objects.create(f"{pod_path(pod)}/binding", body)
            except Failure as failure:
                looks = failure.status in (404, 409)
                if not (looks or failure.is_refusal):
                    raise
                now = self._again(pod_path(pod), meta.uid) if looks else None
                if now is None or now.spec.node_name != place.node:
                    self._journal.failed(step, failure.reason)
                    self._leave(place, failure.reason)
                    return
            self._journal.done(step)
        self.held[meta.uid], self.run.stands[meta.uid] = place, place.node
        self.run.progress.advance(meta.name)

    def _leave(self, place: Assignment, why: str) -> None:
        self.run.left.append(Left(f"{place.job} {place.member}", why, "dcctl schedule plan --pending"))

    def settle(self, works: Mapping[str, Places], total: int) -> bool:
        """Every pod that comes is given a place, until `total` stand. False: the deadline came first.

        `works` holds the free places by id of object. One watch tells of all pods of the run.
        """
        self.run.progress.start(total, "placing")
        for _ in self.run.stands:
            self.run.progress.advance()
        if self._all(total):
            return True
        there: set[str] = set()
        for change in self._objects.follow(f"{RUN}={self._journal.header.run}"):
            uid = change.pod.metadata.uid
            if change.kind == "SYNCED":
                for gone in [one for one in self.held if one not in there and one not in self.run.stands]:
                    self._free(gone, works)
            elif change.kind == "GONE":
                there.discard(uid)
                self._free(uid, works)
            else:
                there.add(uid)
                self._meet(change.pod, works)
            if self._all(total):
                return True
        return False

    def _all(self, total: int) -> bool:
        return len(self.run.stands) + len(self.run.left) >= total

    def _free(self, uid: str, works: Mapping[str, Places]) -> None:
        """A pod that is gone leaves its place to the next, unless it had been bound: then it was done."""
        place = None if uid in self.run.stands else self.held.pop(uid, None)
        self.waits.pop(uid, None)
        self._idle.pop(uid, None)
        if place is not None:
            for places in works.values():
                if places.knows(place):
                    places.put_back(place)
                    for pod in list(self._idle.values()):
                        self._give(pod, works)
                    return
            self._leave(place, "the pod is gone")

    def _meet(self, pod: LivePod, works: Mapping[str, Places]) -> None:
        uid = pod.metadata.uid
        place = self.held.get(uid)
        if place is None:
            self._give(pod, works)
        elif _is_gated(pod) and uid not in self._sent and not pod.metadata.deletion_timestamp:
            self.place(pod, place)  # the run had ended before it was sent
        elif pod.spec.node_name and uid not in self.run.stands:
            self.run.stands[uid] = pod.spec.node_name
            self.waits.pop(uid, None)
            self.run.progress.advance(pod.metadata.name)
        elif not pod.spec.node_name:
            self.waits[uid] = _why_unbound(pod)

    def _give(self, pod: LivePod, works: Mapping[str, Places]) -> None:
        """The pod gets a place if one is left for it."""
        places = works.get((pod.metadata.annotations or {}).get(WORK, ""))
        if places is None or pod.metadata.deletion_timestamp or not _is_gated(pod):
            return
        place = places.take(pod.metadata.name)
        if place is None:
            self._idle[pod.metadata.uid] = pod
            return
        self._idle.pop(pod.metadata.uid, None)
        if not self.place(pod, place) and not self._was_left(place):
            places.put_back(place)

    def _was_left(self, place: Assignment) -> bool:
        return any(one.what == f"{place.job} {place.member}" for one in self.run.left)


def tell_refusal(journal: Journal, step: str, failure: Failure) -> None:
    """The step failed, where that is proved; else its intent stays, and `--resume` looks what is there."""
    if failure.is_refusal:
        journal.failed(step, failure.reason)


def name_of(body: Document) -> str:
    """The name of the object that a document describes."""
    meta = body.get("metadata")
    return str(meta.get("name", "")) if isinstance(meta, dict) else ""


def pod_path(pod: LivePod) -> str:
    """Where a pod is found."""
    return f"/api/v1/namespaces/{pod.metadata.namespace}/pods/{pod.metadata.name}"


def gates_of(pod: LivePod) -> tuple[str, ...]:
    """The names of what keeps the pod from its scheduler."""
    return tuple(gate.name for gate in pod.spec.scheduling_gates or ())


def patch_of(pod: LivePod, place: Assignment, run: str) -> Document:
    """The merge patch that places a pod, if it still is what was read."""
    meta = pod.metadata
    return placed(meta.uid, meta.resource_version, gates_of(pod), _required(pod), place.node, run)


def is_pinned(pod: LivePod, node: str) -> bool:
    """Whether the pod can stand on this node alone."""
    terms = pinned(_required(pod), node)
    return bool(terms) and all(terms)


def _required(pod: LivePod) -> dict[str, object] | None:
    affinity = pod.spec.affinity
    return (
        affinity.node_affinity.required
        if affinity is not None and affinity.node_affinity is not None
        else None
    )


def _is_gated(pod: LivePod) -> bool:
    return GATE in gates_of(pod)


def _why_unbound(pod: LivePod) -> str:
    for one in pod.status.conditions or ():
        if one.type == "PodScheduled" and one.status == "False":
            return one.message or one.reason
    return ""
