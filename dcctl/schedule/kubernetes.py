"""From a plan to the writes that carry it out on Kubernetes. Pure: nothing is contacted here.

One mechanism for every kind of controller. Objects are made with the scheduling gate `dcctl.io/plan` in
their pod templates; the controller makes pods that no scheduler looks at; each is given the node of a planned
member (members of one template are interchangeable) by a required node affinity, and its gate is lifted in
the same write. The cluster's own scheduler then binds it to the only node that is left to it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from dcctl.render.report import Note
from dcctl.schedule.backends import Left
from dcctl.schedule.manifests import GATE, RUN, Object, confined, part, templates, tightened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.packing.plan import Assignment, Plan
    from dcctl.schedule.manifests import Document

_LAST_NUMBER = re.compile(r"(.*)-(\d+)")


LIFTED: Final = ("Deployment", "ReplicaSet")
"""Kinds whose template loses the gate once all pods stand, and no pod is made anew for it."""


class Work(NamedTuple):
    """An object that makes pods, and where they are to stand."""

    object: Object
    places: tuple[Assignment, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes of the plan, in order."""
        return tuple(sorted({one.node for one in self.places}))

    @property
    def makes_more_later(self) -> bool:
        """Whether it is a Job that makes further pods when its first ones have ended."""
        spec = part(self.object.body, "spec")
        completions = spec.get("completions")
        return self.object.kind == "Job" and isinstance(completions, int) and completions > len(self.places)


class Intended(Struct, frozen=True):
    """What a plan and its manifests come to."""

    others: tuple[Object, ...] = ()
    """Objects that make no pods: made first, in their order."""
    works: tuple[Work, ...] = ()
    waiting: tuple[Assignment, ...] = ()
    """Members that no manifest tells of: pods that must be there already."""
    left: tuple[Left, ...] = ()


def intended(plan: Plan, objects: Sequence[Object], now_s: int) -> Intended:
    """Which objects are made for which assignments, and what is left out. Nothing is lost in between."""
    places, left = _due(plan, now_s)
    others, works = [], []
    for one in objects:
        if not one.makes_pods:
            others.append(one)
            continue
        jobs = [job for job in places if _is_of(job, one)]
        if jobs:
            works.append(Work(one, tuple(each for job in jobs for each in places.pop(job))))
        else:
            left.append(Left(one.title, "has no place in the plan", "dcctl schedule explain"))
    short = {one.job: one.members for one in plan.unplaced}
    for work in works:
        missing = sum(short.get(job, 0) for job in {each.job for each in work.places})
        if missing:
            why = f"{missing:,} of its pods have no place in the plan: they wait behind the gate {GATE}"
            left.append(Left(work.object.title, why, "dcctl schedule plan --pending"))
    waiting = tuple(each for rows in places.values() for each in rows)
    return Intended(tuple(others), tuple(works), waiting, tuple(left))


def _due(plan: Plan, now_s: int) -> tuple[dict[str, list[Assignment]], list[Left]]:
    """Assignments by job, without those whose time has not come."""
    places: dict[str, list[Assignment]] = {}
    later: dict[str, int] = {}
    for one in plan.assignments:
        if one.start_s is not None and one.start_s > now_s:
            later[one.job] = max(later.get(one.job, 0), one.start_s - now_s)
        else:
            places.setdefault(one.job, []).append(one)
    return places, [
        Left(job, f"starts in {wait_s:,} s: not now", "dcctl schedule apply") for job, wait_s in later.items()
    ]


def _is_of(job: str, one: Object) -> bool:
    """Whether a job of the plan is this object, or one replica of a LeaderWorkerSet that it is."""
    if job in one.ids:
        return True
    return one.kind == "LeaderWorkerSet" and re.fullmatch(rf"{re.escape(one.id)}-\d+", job) is not None


def rendered(found: Intended) -> tuple[str, tuple[Left, ...]]:
    """The manifests as YAML, and what they do not tell. Work on several nodes waits behind the gate."""
    import yaml

    bodies = [one.body for one in found.others]
    bodies += [confined(work.object, work.nodes) for work in found.works]
    absent = {one.job: None for one in found.waiting}
    left = [*found.left, *(_absent(job) for job in absent)]
    return yaml.safe_dump_all(bodies, sort_keys=False, allow_unicode=True), tuple(left)


def _absent(job: str) -> Left:
    return Left(job, "no manifest of it was given", "dcctl schedule render --help")


def caveats(works: Sequence[Work], there: int, bound: int) -> tuple[Note, ...]:
    """What follows from carrying out a plan that is not plain from its writes.

    `there`: pods that wait behind our gate, `bound`: those that are bound past their scheduler.
    """
    notes = []
    free = ("Pod", *LIFTED)
    lasting = [work.object.title for work in works if work.object.kind not in free]
    if lasting:
        text = "pods that these make later (in place of failed ones, or more of them) wait behind the gate"
        notes.append(Note("gate", f"{text}: {_some(lasting)}", "info", "dcctl schedule plan --pending"))
    later = [work.object.title for work in works if work.makes_more_later]
    if later:
        notes.append(Note("gate", f"makes more pods than run at once: {_some(later)}", "warn"))
    if there:
        text = f"{there:,} pods are there already: that they are kept to a node cannot be undone"
        notes.append(Note("lasting", text, "warn"))
    if bound:
        text = "passes by the scheduler: taints, spread, volumes, quotas and gangs are not looked at"
        notes.append(Note("--bind", f"{text}, and it cannot be undone ({bound:,} pods)", "warn"))
    return tuple(notes)


def _some(titles: Sequence[str]) -> str:
    more = f" and {len(titles) - 3:,} more" if len(titles) > 3 else ""
    return f"{', '.join(titles[:3])}{more}"


class Places:
    """The members of one object that no pod stands for yet."""

    def __init__(self, places: Iterable[Assignment]) -> None:
        """Members whose names differ in their last number alone are interchangeable."""
        self._free: dict[str, list[Assignment]] = {}
        self._known = {(one.job, one.member): one for one in places}
        for one in self._known.values():
            self._free.setdefault(_base(one.member), []).append(one)
        for rows in self._free.values():
            rows.sort(key=_order)

    def take(self, pod: str) -> Assignment | None:
        """The place for a pod of this name: its own if it is named in the plan, else the next of its kind."""
        exact = self._named(pod) or self._named(pod.rpartition("-")[0])
        if exact is not None:
            self._free[_base(exact.member)].remove(exact)
            return exact
        bases = [base for base in self._free if pod == base or pod.startswith(f"{base}-")]
        base = max(bases, key=len, default="") or (next(iter(self._free)) if len(self._free) == 1 else "")
        rows = self._free.get(base)
        return rows.pop(0) if rows else None

    def take_member(self, job: str, member: str) -> Assignment | None:
        """The place of this member, if it is free."""
        one = self._named(member)
        if one is None or one.job != job:
            return None
        self._free[_base(member)].remove(one)
        return one

    def knows(self, one: Assignment) -> bool:
        """Whether it is one of these, free or not."""
        return (one.job, one.member) in self._known

    def put_back(self, one: Assignment) -> None:
        """Nobody stands there any more."""
        rows = self._free.setdefault(_base(one.member), [])
        rows.append(one)
        rows.sort(key=_order)

    def _named(self, member: str) -> Assignment | None:
        return next((one for one in self._free.get(_base(member), ()) if one.member == member), None)


def _base(member: str) -> str:
    match = _LAST_NUMBER.fullmatch(member)
    return match[1] if match else member


def _order(one: Assignment) -> tuple[int, str]:
    match = _LAST_NUMBER.fullmatch(one.member)
    return (int(match[2]) if match else 0), one.member


def ungated(one: Object, *, resume: bool = False) -> Document:
    """The merge patch that takes our gate out of a pod template; `resume`: and lets its Deployment go on."""
    (template, *_) = templates(one.body)
    gates = part(template, "spec").get("schedulingGates")
    own = [gate for gate in gates if gate != {"name": GATE}] if isinstance(gates, list) else []
    spec: Document = {"template": {"spec": {"schedulingGates": own or None}}}
    return {"spec": {**spec, "paused": None} if resume else spec}


def placed(
    uid: str, version: str, gates: Sequence[str], required: Mapping[str, object] | None, node: str, run: str
) -> Document:
    """The merge patch that gives a gated pod its node and lifts the gate, if it still is what was read.

    `version` and `uid` are those of the pod, `gates` names all its gates, `required` is its node affinity.
    """
    left = [{"name": name} for name in gates if name != GATE]
    affinity = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": tightened(required, (node,))}
    }
    return {
        "metadata": {"uid": uid, "resourceVersion": version, "labels": {RUN: run}},
        "spec": {"affinity": affinity, "schedulingGates": left or None},
    }


def binding(namespace: str, pod: str, uid: str, node: str) -> Document:
    """What binds a pod to a node without its scheduler, if it still is the one that was read."""
    return {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": pod, "namespace": namespace, "uid": uid},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }
