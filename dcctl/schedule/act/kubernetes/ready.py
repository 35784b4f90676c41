"""What one run is to write to a Kubernetes cluster: what is there is looked up, and every write is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.errors import DeniedError, RefusedError
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.objects import Live, LivePod
from dcctl.inventory.sources.kubernetes.said import said
from dcctl.schedule.act.kubernetes.carrier import Found, gates_of, name_of, patch_of, pod_path
from dcctl.schedule.act.kubernetes.writes import written
from dcctl.schedule.backends import Left, Step
from dcctl.schedule.kubernetes import binding, caveats
from dcctl.schedule.manifests import GATE, RUN, gated, marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.journal import Entry
    from dcctl.packing.plan import Assignment
    from dcctl.render.report import Note
    from dcctl.schedule.backends import Run
    from dcctl.schedule.kubernetes import Intended, Work
    from dcctl.schedule.manifests import Object

_UNPINNED = "an unscheduled pod without the gate cannot be pinned in place"


class Ready(NamedTuple):
    """What one run is to write, after a look at the cluster."""

    run: str
    objects: Objects
    """With the deadline of all that is asked before the run begins."""
    writer: Callable[[], Objects]
    """The objects with the deadline of the run, which begins with the call."""
    others: tuple[Object, ...]
    works: tuple[Work, ...]
    gated: tuple[Found, ...]
    """Pods that are there, behind our gate."""
    free: tuple[Found, ...]
    """Pods that are there and unscheduled, without any gate: bound past their scheduler."""
    left: tuple[Left, ...]

    @property
    def new(self) -> tuple[Assignment, ...]:
        """Where pods will stand that are made."""
        return tuple(place for work in self.works for place in work.places)

    @property
    def there(self) -> tuple[Assignment, ...]:
        """Where pods will stand that are there."""
        return tuple(found.place for found in (*self.gated, *self.free))

    def caveats(self) -> tuple[Note, ...]:
        """What follows from the writes and is not plain from them."""
        return caveats(self.works, len(self.gated), len(self.free))

    def try_on_server(self) -> tuple[Step, ...]:
        """What every write would do, asked of the server (dryRun=All) before any is sent.

        RefusedError, DeniedError: the server would refuse one; nothing was changed.
        """
        return _tried(self.objects, self)

    def carry_out(self, run: Run) -> tuple[Step, ...]:
        """Everything was made, placed and bound. DcctlError: a write failed, or the time is over."""
        return written(self.writer(), self, run)

    def pod_steps(self) -> tuple[Step, ...]:
        """The steps of the pods that are there."""
        return tuple(
            Step(verb, f"Pod {one.pod.metadata.namespace}/{one.pod.metadata.name}", (one.place,))
            for verb, found in (("place", self.gated), ("bind", self.free))
            for one in found
        )


class Waiting(NamedTuple):
    """The pods that are there already, by how they can be placed, and those that cannot be."""

    gated: tuple[Found, ...]
    free: tuple[Found, ...]
    left: tuple[Left, ...]


def waiting(objects: Objects, intended: Intended, steps: Mapping[str, Entry], *, bind: bool) -> Waiting:
    """Look up the pods that must be there. Raises what `said` makes of a Failure.

    `steps`: what this run wrote before it stopped; what it began with a pod goes on.
    """
    verbs: dict[str, list[Found]] = {"place": [], "bind": []}
    left, begun = list(intended.left), _begun(steps)
    for place in intended.waiting:
        found = _pod_of(objects, place)
        verb = begun.get(found.metadata.uid) if found is not None else None
        why = None if verb else _hindrance(found, place, bind=bind)
        if why is not None:
            left.append(why)
        elif found is not None:
            verbs[verb or ("place" if GATE in gates_of(found) else "bind")].append(Found(found, place))
    return Waiting(tuple(verbs["place"]), tuple(verbs["bind"]), tuple(left))


def _begun(steps: Iterable[str]) -> dict[str, str]:
    """By UID of pod, what a journal's steps say was begun with it: `place` or `bind`."""
    words = (step.split(" ") for step in steps)
    return {row[2]: row[0] for row in words if row[0] in ("place", "bind") and len(row) == 3}


def _pod_of(objects: Objects, place: Assignment) -> LivePod | None:
    namespace = place.job.partition("/")[0]
    try:
        return objects.read(objects.path("v1", "Pod", namespace, place.member), LivePod)
    except Failure as failure:
        if failure.status == 404:
            return None
        raise said(failure, "pods") from failure


def _hindrance(found: LivePod | None, place: Assignment, *, bind: bool) -> Left | None:
    """Why a pod cannot be placed."""
    what = f"{place.job} {place.member}"
    if found is None:
        hint = "give the manifests that it was planned from: dcctl schedule apply PLAN FILE"
        return Left(what, "there is no such pod", hint)
    if found.spec.node_name:
        return Left(what, f"stands on {found.spec.node_name} already", "dcctl schedule plan --pending")
    others = [gate for gate in gates_of(found) if gate != GATE]
    if others:
        return Left(what, f"waits behind the gate {others[0]}, which is not ours", "kubectl describe pod")
    if GATE not in gates_of(found) and not bind:
        return Left(what, f"{_UNPINNED}; --bind binds it past its scheduler", "dcctl schedule apply --bind")
    return None


def _tried(objects: Objects, ready: Ready) -> tuple[Step, ...]:
    _demand_rights(objects, ready)
    steps = [_try_other(objects, one, ready.run) for one in ready.others]
    made = {one.name for one in ready.others if one.kind == "Namespace"}
    for work in ready.works:
        if work.object.namespace not in made:  # nothing can be tried in a namespace that is not there yet
            _try_create(objects, work.object, ready.run)
        steps.append(Step("create", work.object.title, work.places))
    try:
        for found in ready.gated:
            objects.patch(pod_path(found.pod), patch_of(*found, ready.run), dry_run=True)
        for found in ready.free:
            meta = found.pod.metadata
            body = binding(meta.namespace, meta.name, meta.uid, found.place.node)
            objects.create(f"{pod_path(found.pod)}/binding", body, dry_run=True)
    except Failure as failure:
        raise said(failure, f"pod {found.place.job} {found.place.member}") from failure
    return (*steps, *ready.pod_steps())


def _demand_rights(objects: Objects, ready: Ready) -> None:
    """DeniedError: pods that are not there yet could not be followed or placed."""
    spaces = sorted({work.object.namespace for work in ready.works})
    needed = [("list", ""), ("watch", ""), *(("patch", space) for space in spaces)]
    if not (ready.works or ready.gated):
        return
    try:
        lacking = [(verb, space) for verb, space in needed if not objects.may(verb, "pods", space)]
    except Failure as failure:
        raise said(failure, "the rights of this user") from failure
    if lacking:
        verb, space = lacking[0]
        where = f"of the namespace {space}" if space else "of all namespaces"
        raise DeniedError("pods", f"this user may not {verb} those {where}", "kubectl auth can-i --list")


def _try_other(objects: Objects, one: Object, run: str) -> Step:
    try:
        collection = objects.path(one.api_version, one.kind, one.namespace)
        objects.create(collection, marked(one, run), dry_run=True)
    except Failure as failure:
        if failure.status == 409:
            return Step("keep", one.title)
        if failure.status != 404:  # its namespace, or the definition of its kind, may come before it
            raise said(failure, one.title) from failure
    return Step("create", one.title)


def _try_create(objects: Objects, one: Object, run: str) -> None:
    try:
        collection, body = objects.path(one.api_version, one.kind, one.namespace), gated(one, run)
        try:
            objects.create(collection, body, dry_run=True)
        except Failure as failure:
            if failure.status != 409:
                raise
            there = objects.read(f"{collection}/{name_of(body)}", Live)
            raise _there_already(one, (there.metadata.labels or {}).get(RUN)) from failure
    except Failure as failure:
        raise said(failure, one.title) from failure


def _there_already(one: Object, run: str | None) -> RefusedError:
    """Nobody is told to delete what another run of dcctl, of whomever, may be making just now."""
    if run is not None:
        why = f"is there already: the run {run} of dcctl made it, and may be under way"
        return RefusedError(one.title, why, "dcctl schedule apply --status")
    hint = f"kubectl delete {one.kind.lower()} -n {one.namespace} {one.name}"
    return RefusedError(one.title, "is there already: a plan of files makes new work", hint)
