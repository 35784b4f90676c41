"""A plan carried out on a Kubernetes cluster: looked up, tried on the server, done, and waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.errors import DcctlError, DeniedError, RefusedError, UnfinishedError, UnreachableError, UsageError
from dcctl.inventory.sources.kubernetes.failures import Failure
from dcctl.inventory.sources.kubernetes.objects import LivePod
from dcctl.schedule.act.carrier import Carrier, Foreign, Found, gates_of, patch_of, pod_path
from dcctl.schedule.act.interrupts import Interrupts
from dcctl.schedule.act.lift import lift_all
from dcctl.schedule.applied import Step
from dcctl.schedule.kubernetes import Left, Places, binding
from dcctl.schedule.manifests import GATE, gated, marked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.journal import Journal
    from dcctl.packing.plan import Assignment
    from dcctl.schedule.act.carrier import Progress
    from dcctl.schedule.kubernetes import Intended, Work
    from dcctl.schedule.manifests import Object

_UNPINNED = "an unscheduled pod without the gate cannot be pinned in place"


class Ready(NamedTuple):
    """What one run is to write, after a look at the cluster."""

    run: str
    others: tuple[Object, ...]
    works: tuple[Work, ...]
    gated: tuple[Found, ...] = ()
    """Pods that are there, behind our gate."""
    free: tuple[Found, ...] = ()
    """Pods that are there and unscheduled, without any gate: bound past their scheduler."""
    left: tuple[Left, ...] = ()

    @property
    def total(self) -> int:
        """Pods that will stand."""
        return sum(len(work.places) for work in self.works) + len(self.gated) + len(self.free)


class Outcome(NamedTuple):
    """How a run ended."""

    steps: tuple[Step, ...]
    left: tuple[Left, ...]


def look_up(
    objects: Objects, intended: Intended, run: str, *, bind: bool, begun: Mapping[str, str] | None = None
) -> Ready:
    """The pods that are there already, by how they can be placed. Raises what `said` makes of a Failure.

    `begun`: by UID, what this run began to do with a pod before it stopped: `place` or `bind`.
    """
    verbs: dict[str, list[Found]] = {"place": [], "bind": []}
    left = list(intended.left)
    for place in intended.waiting:
        found = _pod_of(objects, place)
        verb = (begun or {}).get(found.metadata.uid) if found is not None else None
        why = None if verb else _hindrance(found, place, bind=bind)
        if why is not None:
            left.append(why)
        elif found is not None:
            verbs[verb or ("place" if GATE in gates_of(found) else "bind")].append(Found(found, place))
    works = intended.works
    return Ready(run, intended.others, works, tuple(verbs["place"]), tuple(verbs["bind"]), tuple(left))


def begun_with(steps: Iterable[str]) -> dict[str, str]:
    """By UID of pod, what a journal's steps say was begun with it."""
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


def try_on_server(objects: Objects, ready: Ready) -> tuple[Step, ...]:
    """What every write would do, asked of the server (dryRun=All) before any is sent.

    RefusedError, DeniedError: the server would refuse one; nothing was changed.
    """
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
    return (*steps, *_pod_steps(ready))


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


def _pod_steps(ready: Ready) -> tuple[Step, ...]:
    rows = [
        Step(verb, f"Pod {one.pod.metadata.namespace}/{one.pod.metadata.name}", (one.place,))
        for verb, found in (("place", ready.gated), ("bind", ready.free))
        for one in found
    ]
    return tuple(rows)


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
        collection = objects.path(one.api_version, one.kind, one.namespace)
        objects.create(collection, gated(one, run), dry_run=True)
    except Failure as failure:
        if failure.status == 409:
            hint = f"kubectl delete {one.kind.lower()} -n {one.namespace} {one.name}"
            raise RefusedError(
                one.title, "is there already: a plan of files makes new work", hint
            ) from failure
        raise said(failure, one.title) from failure


def carry_out(objects: Objects, ready: Ready, journal: Journal, progress: Progress) -> Outcome:
    """Everything was made, placed and bound. UnfinishedError: it began, and `--resume` goes on."""
    with Interrupts() as interrupts:
        carrier = Carrier(objects, journal, interrupts, progress)
        try:
            works = _remembered(carrier, ready)
            _write(carrier, ready, progress)
            settled = carrier.settle(works, ready.total)
            if settled:
                carrier.left += lift_all(objects, journal, interrupts, [work.object for work in ready.works])
        except KeyboardInterrupt:
            raise _unfinished(journal, carrier, ready, "interrupted") from None
        except (Failure, Foreign, DcctlError) as error:
            raise _unfinished(journal, carrier, ready, str(error)) from error
    if not settled:
        raise _unfinished(journal, carrier, ready, _why_not(carrier))
    journal.end("partly applied" if carrier.left else "applied")
    return Outcome(_stood(carrier, ready), (*ready.left, *carrier.left))


def _remembered(carrier: Carrier, ready: Ready) -> dict[str, Places]:
    """The places by object, without those that pods were given, or about to be given, before a crash."""
    works = {work.object.id: Places(work.places) for work in ready.works}
    there = {(one.place.job, one.place.member): one.place for one in (*ready.gated, *ready.free)}
    for step, entry in carrier.journal.steps.items():
        verb, _, rest = step.partition(" ")
        if verb not in ("place", "bind") or entry.state == "failed":
            continue
        key, uid = (entry.data["job"], entry.data["member"]), rest.rpartition(" ")[2]
        taken = (places.take_member(*key) for places in works.values())
        known = there.get(key) if entry.state == "done" else None
        place = known or next((one for one in taken if one is not None), None)
        if place is not None:
            carrier.held[uid] = place
    return works


def _write(carrier: Carrier, ready: Ready, progress: Progress) -> None:
    progress.start(len(ready.others) + len(ready.works), "creating")
    for one in ready.others:
        carrier.create(one, marked(one, ready.run), may_exist=True)
    for work in ready.works:
        carrier.create(work.object, gated(work.object, ready.run))
    for found in ready.gated:
        if found.pod.metadata.uid not in carrier.held:
            carrier.place(*found, there=True)
    for found in ready.free:
        carrier.bind(found)


def _unfinished(journal: Journal, carrier: Carrier, ready: Ready, why: str) -> DcctlError:
    """The error of a run that began; one that changed nothing at all is over, and was refused."""
    if not any(entry.state != "failed" for entry in journal.steps.values()):
        journal.end("refused")
        return RefusedError("the plan", f"{why}; nothing was changed", "dcctl schedule apply --dry-run")
    stand = f"{len(carrier.stands):,} of {ready.total:,} pods stand"
    return UnfinishedError(
        f"schedule apply: {stand}", f"{why} (journal {journal.path})", journal.header.resume
    )


def _why_not(carrier: Carrier) -> str:
    told = sorted(filter(None, carrier.waits.values()))
    return f"the time is over: {told[0]}" if told else "the time is over"


def _stood(carrier: Carrier, ready: Ready) -> tuple[Step, ...]:
    """Where everything stands, by object."""
    on = {
        (place.job, place.member): carrier.stands.get(uid, "") == place.node
        for uid, place in carrier.held.items()
        if uid in carrier.stands
    }

    def counted(step: Step) -> Step:
        known = [on[one.job, one.member] for one in step.places if (one.job, one.member) in on]
        return step._replace(stands=sum(known), elsewhere=len(known) - sum(known))

    steps = carrier.journal.steps
    kept = {step for step, entry in steps.items() if entry.data.get("kept")}
    others = [Step("keep" if f"create {one.title}" in kept else "create", one.title) for one in ready.others]
    works = [Step("create", work.object.title, work.places) for work in ready.works]
    return tuple(counted(one) for one in (*others, *works, *_pod_steps(ready)))


def said(failure: Failure, what: str) -> DcctlError:
    """The error for a request that failed before anything was changed."""
    if failure.cause in ("denied", "unauthenticated"):
        return DeniedError(what, failure.reason, "kubectl auth can-i --list")
    if failure.cause in ("unreachable", "timeout") and failure.status is None:
        return UnreachableError(what, failure.reason, failure.hint)
    if failure.status == 404:
        return UsageError(what, failure.reason, "kubectl api-resources")
    return RefusedError(
        what, f"the API server would refuse it: {failure.reason}", "kubectl apply --dry-run=server -f"
    )
