"""The gate taken out of pod templates once all pods stand, so that pods made later wait for nobody.

A Deployment whose template changes makes all its pods anew, unless it finds a ReplicaSet with that template.
So it is paused, its ReplicaSet is given the new template (which its pods do not mind), and only when the
controllers know that is the Deployment given the same template and let go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.objects import Live
from dcctl.schedule.backends import Left
from dcctl.schedule.kubernetes import LIFTED, ungated
from dcctl.schedule.manifests import RUN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.schedule.backends import Run
    from dcctl.schedule.manifests import Document, Object


def lift_all(objects: Objects, run: Run, works: Iterable[Object]) -> list[Left]:
    """No template of these has the gate any more, but of those that are returned."""
    return [
        Left(
            one.title,
            f"pods that it makes later wait behind the gate: {why}",
            "dcctl schedule plan --pending",
        )
        for one in works
        if one.kind in LIFTED and one.api_version == "apps/v1"
        for why in (_lift(objects, run, one),)
        if why
    ]


def _lift(objects: Objects, run: Run, one: Object) -> str:
    """Why the gate is still there; empty: it is not. Failure: it stopped half way."""
    step, journal = f"lift {one.title}", run.journal
    known = journal.steps.get(step)
    if known is not None and known.state == "done":
        return ""
    with run.interrupts.step():
        journal.begin(step)
        path = objects.path(one.api_version, one.kind, one.namespace, one.name)
        why = _KINDS[one.kind](objects, path, one, journal.header.run)
        if why:
            journal.failed(step, why)
        else:
            journal.done(step)
    return why


def _replica_set(objects: Objects, path: str, one: Object, _run: str) -> str:
    return _refusal(objects, path, ungated(one))


def _deployment(objects: Objects, path: str, one: Object, run: str) -> str:
    """Why nothing was changed. Failure: it is, or may be, paused until its template is that of its set."""
    if why := _refusal(objects, path, {"spec": {"paused": True}}):
        return why
    try:
        if not objects.wait_until_seen(path):
            objects.patch(path, {"spec": {"paused": None}})
            return "the controller of Deployments does not answer"
        _pass_on(objects, path, one, run)
        objects.patch(path, ungated(one, resume=True))
    except Failure as failure:
        raise Failure(f"{one.title} is paused: {failure.reason}", failure.cause, failure.hint) from failure
    return ""


def _refusal(objects: Objects, path: str, body: Document) -> str:
    """Why the server refuses a patch; empty: it was done. Failure: nobody knows."""
    try:
        objects.patch(path, body)
    except Failure as failure:
        if not failure.is_refusal:
            raise
        return failure.reason
    return ""


def _pass_on(objects: Objects, path: str, one: Object, run: str) -> None:
    """The sets of a Deployment have the template without the gate, and every controller knows."""
    collection = objects.path("apps/v1", "ReplicaSet", one.namespace)
    uid = objects.read(path, Live).metadata.uid
    for each in objects.labelled(collection, f"{RUN}={run}"):
        if uid in {owner.uid for owner in each.metadata.owner_references or ()}:
            where = f"{collection}/{each.metadata.name}"
            objects.patch(where, ungated(one))
            if not objects.wait_until_seen(where):
                raise Failure("the controller of ReplicaSets does not answer", "timeout")


_KINDS = {"Deployment": _deployment, "ReplicaSet": _replica_set}
