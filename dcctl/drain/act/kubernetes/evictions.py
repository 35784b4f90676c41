"""One try to evict a pod, and what the answer of the API server means for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.backends import Answer
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.objects import OwnedPod
from dcctl.inventory.sources.kubernetes.paths import pod_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.drain.campaign import Leave
    from dcctl.inventory.sources.kubernetes.objects import Objects

_TWO_BUDGETS = "more than one PodDisruptionBudget"
_WEBHOOK = "admission webhook"
_BUDGET = "DisruptionBudget"
TERMINATING = "NamespaceTerminating"


def evict(objects: Objects, leave: Leave) -> Answer:
    """The pod with this UID was asked to go. Raises Failure where we may not ask at all."""
    try:
        objects.once(*_request(leave))
    except Failure as failure:
        answer = meant(failure)
        return _looked_up(objects, leave, answer) if answer.reply == "unsure" else answer
    return Answer("leaving")


def _request(leave: Leave) -> tuple[str, str, dict[str, object]]:
    path = pod_path(leave.pod)
    options: dict[str, object] = {"preconditions": {"uid": leave.uid}}
    if leave.grace_s is not None:
        options["gracePeriodSeconds"] = leave.grace_s
    if leave.how == "delete":
        return "DELETE", path, options
    return "POST", f"{path}/eviction", eviction(leave.pod, options)


def eviction(pod: str, options: Mapping[str, object], version: str = "policy/v1") -> dict[str, object]:
    """The body that asks a pod (namespace/name) to go, with the options of its deletion."""
    namespace, _, name = pod.partition("/")
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": version, "kind": "Eviction", "metadata": meta, "deleteOptions": options}


def meant(failure: Failure) -> Answer:
    """What a refusal means for the pod. Raises the failure where it holds for all that we ask."""
    text, status = failure.reason, failure.status or 0
    if status == 404 or (status == 409 and "precondition" in text.lower()):
        return Answer("gone")
    if _is_final(text, status):
        return Answer("blocked", text)
    if status in (409, 429) or _is_ending(failure):
        return Answer("later", failure.causes.get(_BUDGET, text), failure.wait_s or None)
    if failure.cause in ("denied", "unauthenticated"):
        raise failure
    return Answer("blocked" if failure.is_refusal else "unsure", text, failure.wait_s or None)


def _is_final(text: str, status: int) -> bool:
    """Two budgets on one pod, or a webhook that says no: whoever looks after these has to act."""
    return _TWO_BUDGETS in text or (_WEBHOOK in text and status < 500)


def _is_ending(failure: Failure) -> bool:
    """Whether its namespace is being deleted, and the pod with it."""
    return failure.status == 403 and (TERMINATING in failure.causes or "being terminated" in failure.reason)


def _looked_up(objects: Objects, leave: Leave, answer: Answer) -> Answer:
    """The pod is asked for where nobody knows whether it was evicted: it is not evicted twice.

    One that is gone by now went for this try, as far as can be known.
    """
    try:
        pod = found(objects, leave)
    except Failure:
        return answer
    return answer if pod is not None and not pod.metadata.deletion_timestamp else Answer("leaving")


def found(objects: Objects, leave: Leave) -> OwnedPod | None:
    """The pod with this UID; None: it is gone, or another has its name. Raises Failure."""
    try:
        pod = objects.read(pod_path(leave.pod), OwnedPod)
    except Failure as failure:
        if failure.status != 404:
            raise
        return None
    return pod if pod.metadata.uid == leave.uid else None
