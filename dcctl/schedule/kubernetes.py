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

from dcctl.inventory.folding import fold
from dcctl.inventory.placement import PINNED
from dcctl.render.report import Note
from dcctl.schedule.backends import Left
from dcctl.schedule.commands import naming
from dcctl.schedule.manifests import GATE, RUN, Object, confined, part, pinned, templates, tightened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dcctl.inventory.model import Workload
    from dcctl.packing.plan import Assignment, Plan
    from dcctl.schedule.manifests import Document

_LAST_NUMBER = re.compile(r"(.*)-(\d+)")


LIFTED: Final = ("Deployment", "ReplicaSet")
"""Kinds whose template loses the gate once all pods stand, and no pod is made anew for it."""


class Work(NamedTuple):
    """An object that makes pods, and where they are to stand."""

    object: Object
    places: tuple[Assignment, ...]
    short: int = 0
    """Pods that it makes and for which the plan has no place."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes of the plan, in order."""
        return tuple(sorted({one.node for one in self.places}))

    @property
    def is_gated(self) -> bool:
        """Whether a manifest cannot tell all its pods where to stand: each has to be told."""
        return len(self.nodes) > 1 or self.short > 0

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


def intended(
    plan: Plan, objects: Sequence[Object], now_s: int, asked: Iterable[Workload] = (), files: str = "FILE"
) -> Intended:
    """Which objects are made for which assignments, and what is left out. Nothing is lost in between.

    `asked` is the work of the manifests, which names the members that have no place; `files` are their paths.
    """
    places, left = _due(plan, now_s)
    others, works = [], []
    short = _Short(plan, asked, files)
    for one in objects:
        if not one.makes_pods:
            others.append(one)
            continue
        jobs = [job for job in places if _is_of(job, one)]
        if jobs:
            mine = tuple(each for job in jobs for each in places.pop(job))
            works.append(Work(one, mine, short.count(one)))
        left += short.told_of(one, made=bool(jobs))
    left += short.told_of_others()
    waiting = tuple(each for rows in places.values() for each in rows)
    return Intended(tuple(others), tuple(works), waiting, tuple(left))


class _Short:
    """The members for which the plan has no place, told by object."""

    def __init__(self, plan: Plan, asked: Iterable[Workload], files: str) -> None:
        self._files = files
        placed = {(one.job, one.member) for one in plan.assignments}
        self._left = {one.job: one.members for one in plan.unplaced}
        self._planned = {one.job for one in plan.assignments}
        self._names = {
            job.id: [one.name for one in job.members if (job.id, one.name) not in placed] for job in asked
        }

    def count(self, one: Object) -> int:
        """How many there are of an object."""
        return sum(members for job, members in self._left.items() if _is_of(job, one))

    def told_of(self, one: Object, *, made: bool) -> Iterator[Left]:
        """What is to be said of an object; `made`: some of its pods have a place."""
        jobs = [job for job in self._left if _is_of(job, one)]
        counts = [self._left.pop(job) for job in jobs]
        names = [name for job in jobs for name in self._names.get(job, ())]
        who = f" ({fold(names)})" if len(names) == sum(counts) else ""
        if jobs:
            why = f"{sum(counts):,} of its pods have no place in the plan{who}"
            now = f"they wait behind the gate {GATE}" if made else "it is not made"
            hint = naming("explain", jobs[0], self._files)
            yield Left(one.title, f"{why}: {now}", hint, True, naming("explain", jobs[0]) if made else "")
        elif not made and not any(_is_of(job, one) for job in self._planned):
            yield Left(one.title, "is not in the plan: it is not made", f"dcctl schedule plan {self._files}")

    def told_of_others(self) -> Iterator[Left]:
        """What is to be said of work that no manifest tells of."""
        for job, count in self._left.items():
            yield Left(job, f"{count:,} of its pods have no place in the plan", naming("explain", job), True)


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
        Left(job, f"starts in {wait_s:,} s: not now", "dcctl schedule apply", True)
        for job, wait_s in later.items()
    ]


def _is_of(job: str, one: Object) -> bool:
    """Whether a job of the plan is this object, or one replica of a LeaderWorkerSet that it is."""
    if job in one.ids:
        return True
    return one.kind == "LeaderWorkerSet" and re.fullmatch(rf"{re.escape(one.id)}-\d+", job) is not None


def rendered(found: Intended) -> tuple[str, tuple[Left, ...]]:
    """The manifests as YAML, and what they do not tell.

    Work on several nodes, or of which some has no place, waits behind the gate.
    """
    import yaml

    bodies = [one.body for one in found.others]
    bodies += [confined(work.object, work.nodes, gate=work.is_gated) for work in found.works]
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
    if any(work.short for work in works):
        text = "pods without a place get one by a plan of what waits, once there is room"
        notes.append(Note("later", text, "info", "dcctl schedule plan --pending -o json=plan.json"))
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
    A pod that did not ask for that node itself is marked with it: whoever plans again may choose another.
    """
    left = [{"name": name} for name in gates if name != GATE]
    affinity = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": tightened(required, (node,))}
    }
    mark: Document = {} if any(pinned(required, node)) else {"annotations": {PINNED: node}}
    return {
        "metadata": {"uid": uid, "resourceVersion": version, "labels": {RUN: run}, **mark},
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
