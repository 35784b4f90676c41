"""pods/eviction: what pkg/registry/core/pod/storage/eviction.go of Kubernetes 1.36 decides, in its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubeapi import removal, response, selectors
from tests.kubeapi.kinds import PDBS, PODS
from tests.kubeapi.status import ApiError, Obj, bad_request

if TYPE_CHECKING:
    from tests.kubeapi.cluster import Cluster
    from tests.kubeapi.response import Response
    from tests.kubeapi.route import Request, Route

SUCCESS: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
TOO_MANY = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
IN_PROGRESS_RETRY_S = 10


def evict(cluster: Cluster, request: Request, route: Route) -> Response:
    """The pod is dying or gone; 429 when a budget forbids it, 500 when two budgets select it."""
    sent = request.json()
    if sent.get("kind", "Eviction") != "Eviction":  # may be left out: the path says it
        what = f'{sent.get("kind")} in version "{sent.get("apiVersion")}" cannot be handled as a Eviction'
        raise bad_request(f"{what}: converting to (policy.Eviction): unknown conversion")
    if (sent.get("metadata") or {}).get("name") != route.name:
        raise bad_request("name in URL does not match name in Eviction object")
    options = dict(sent.get("deleteOptions") or {})
    if request.dry_run:
        options["dryRun"] = ["All"]
    pod = cluster.store.get(PODS, route.namespace, route.name)
    if not _ignores_budgets(pod):
        _check_budgets(cluster, pod)
    removal.check_preconditions(PODS, pod, options)
    if not options.get("dryRun"):
        cluster.evicted.append(pod["metadata"]["uid"])
        cluster.breaches += _breaks(cluster, pod)
        pod = cluster.store.put(PODS, _condemned(pod, cluster.clock.stamp()))
    removal.remove(cluster, PODS, pod, options)
    return response.of_object(SUCCESS, 201)


def _ignores_budgets(pod: Obj) -> bool:
    """Pods that are over, not begun or already dying disrupt nothing."""
    return (
        pod["status"].get("phase") in {"Succeeded", "Failed", "Pending"}
        or "deletionTimestamp" in pod["metadata"]
    )


def _check_budgets(cluster: Cluster, pod: Obj) -> None:
    budgets = budgets_of(cluster, pod)
    if len(budgets) > 1:
        raise ApiError(500, TOO_MANY, "")
    if budgets and not (not is_ready(pod) and _spares_unhealthy(budgets[0])):
        _check_budget(budgets[0])


def budgets_of(cluster: Cluster, pod: Obj) -> list[Obj]:
    """The budgets whose selector has this pod."""
    labels = pod["metadata"].get("labels") or {}
    found = cluster.store.objects(PDBS, pod["metadata"]["namespace"])
    return [each for each in found if selectors.match_labels(each["spec"].get("selector"))(labels)]


def _breaks(cluster: Cluster, pod: Obj) -> bool:
    """Whether fewer pods than a budget wants stand without this one, counted anew."""
    if _ignores_budgets(pod) or not is_ready(pod):
        return False
    namespace = pod["metadata"]["namespace"]
    for budget in budgets_of(cluster, pod):
        chosen = selectors.match_labels(budget["spec"].get("selector"))
        healthy = sum(
            is_ready(one) and "deletionTimestamp" not in one["metadata"]
            for one in cluster.store.objects(PODS, namespace)
            if chosen(one["metadata"].get("labels") or {})
        )
        if healthy - 1 < (budget.get("status") or {}).get("desiredHealthy", 0):
            return True
    return False


def is_ready(pod: Obj) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _spares_unhealthy(budget: Obj) -> bool:
    """Whether a pod that is not ready may go without asking the budget."""
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    state = budget.get("status") or {}
    return bool(state.get("currentHealthy", 0) >= state.get("desiredHealthy", 0) > 0)


def _check_budget(budget: Obj) -> None:
    meta, state = budget["metadata"], budget.get("status") or {}
    if state.get("observedGeneration", 0) < meta.get("generation", 0):
        raise _refusal(
            f"The disruption budget {meta['name']} is still being processed by the server.",
            IN_PROGRESS_RETRY_S,
        )
    if state.get("disruptionsAllowed", 0) <= 0:
        raise _refusal(_explained(meta["name"], state), 0)


def _explained(name: str, state: Obj) -> str:
    conditions = state.get("conditions") or []
    found: Obj = next((each for each in conditions if each["type"] == "DisruptionAllowed"), {})
    why = found.get("message") if found.get("status") == "False" else None
    if why and found.get("reason") == "SyncFailed":
        refused = f"The disruption budget {name} does not allow evicting pods currently"
        return f"{refused} because it failed sync: {why}"
    healthy, wanted = state.get("currentHealthy", 0), state.get("desiredHealthy", 0)
    if healthy <= wanted:
        return f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently"
    if why:
        return (
            f"The disruption budget {name} does not allow evicting pods currently ({found['reason']}): {why}"
        )
    return f"The disruption budget {name} does not allow evicting pods currently"


def _refusal(cause: str, retry_after_s: int) -> ApiError:
    """429. Retry-After is sent only while the budget is being processed: zero seconds are left out."""
    details: Obj = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
    if retry_after_s:
        details["retryAfterSeconds"] = retry_after_s
    return ApiError(429, VIOLATES, details=details)


def _condemned(pod: Obj, stamp: str) -> Obj:
    """The pod with the condition that says why it goes."""
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastProbeTime": None,
        "lastTransitionTime": stamp,
    }
    others = [each for each in pod["status"].get("conditions") or [] if each["type"] != "DisruptionTarget"]
    return {**pod, "status": {**pod["status"], "conditions": [*others, condition]}}
