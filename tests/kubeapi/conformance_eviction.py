"""Scenarios of pods/eviction under disruption budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubeapi.sandbox import READY, Sandbox, expect, failure, sandbox

if TYPE_CHECKING:
    from tests.kubeapi.client import Answer, Api
    from tests.kubeapi.status import Obj

APP = {"app": "x"}
VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
UNREADY: Obj = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}


def _two_pods(box: Sandbox, second: Obj = READY) -> None:
    node = box.node()
    for name, status in (("p-0", READY), ("p-1", second)):
        box.pod(name, APP, status, nodeName=node, terminationGracePeriodSeconds=600)


def _is_going(box: Sandbox, name: str) -> bool:
    code, _, pod = box.api.request("GET", box.path("pods", name))
    return code == 404 or "deletionTimestamp" in pod["metadata"]


def _refused(answer: Answer, cause: str) -> None:
    details = failure(answer, 429, "TooManyRequests", VIOLATES)
    assert details["causes"] == [{"reason": "DisruptionBudget", "message": cause}]
    assert "retry-after" not in answer[1]


def eviction_without_a_budget(api: Api) -> None:
    with sandbox(api) as box:
        _two_pods(box)
        done = expect(box.evict("p-0"), 201)
        assert (done["kind"], done["status"], done["code"]) == ("Status", "Success", 201)
        assert _is_going(box, "p-0")
        assert not _is_going(box, "p-1")
        failure(box.evict("nobody"), 404, "NotFound", 'pods "nobody" not found')
        untyped = {"metadata": {"name": "p-1"}}  # as the official Python client sends it
        expect(api.request("POST", box.path("pods", "p-1/eviction"), untyped), 201)
        assert _is_going(box, "p-1")


def eviction_says_why(api: Api) -> None:
    with sandbox(api) as box:
        box.pod("p", APP, READY, nodeName=box.node(), terminationGracePeriodSeconds=600)
        version = box.get(box.path("pods"))["metadata"]["resourceVersion"]
        expect(box.evict("p", {"gracePeriodSeconds": 500}), 201)
        events = api.watch(box.path("pods"), {"resourceVersion": version, "timeoutSeconds": "1"})[1]
        found = [each["object"] for each in events if each["object"]["metadata"]["name"] == "p"]
        reasons = {each["type"]: each.get("reason") for each in found[0]["status"]["conditions"]}
        assert reasons["DisruptionTarget"] == "EvictionByEvictionAPI"
        assert 500 in {each["metadata"].get("deletionGracePeriodSeconds") for each in found}


def budget_allows_none(api: Api) -> None:
    with sandbox(api) as box:
        _two_pods(box)
        box.budget("b", APP, 2)
        box.budget_settles("b", healthy=2, allowed=0)
        _refused(box.evict("p-0"), "The disruption budget b needs 2 healthy pods and has 2 currently")
        _refused(
            box.evict("p-0", query={"dryRun": "All"}),
            "The disruption budget b needs 2 healthy pods and has 2 currently",
        )
        assert not _is_going(box, "p-0")


def budget_allows_one(api: Api) -> None:
    with sandbox(api) as box:
        _two_pods(box)
        box.budget("b", APP, 1)
        box.budget_settles("b", healthy=2, allowed=1)
        expect(box.evict("p-0"), 201)
        box.budget_settles("b", healthy=1, allowed=0)
        _refused(box.evict("p-1"), "The disruption budget b needs 1 healthy pods and has 1 currently")
        expect(box.evict("p-0"), 201, 404)  # already dying (or gone): no budget is asked again


def two_budgets(api: Api) -> None:
    with sandbox(api) as box:
        _two_pods(box)
        for name in ("b-0", "b-1"):
            box.budget(name, APP, 1)
            box.budget_settles(name, healthy=2, allowed=1)
        text = (
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
        failure(box.evict("p-0"), 500, "", text)
        assert not _is_going(box, "p-0")


def unhealthy_pods(api: Api) -> None:
    """IfHealthyBudget: a pod that is not ready may go while enough others are."""
    with sandbox(api) as box:
        _two_pods(box, UNREADY)
        box.budget("b", APP, 1)
        box.budget_settles("b", healthy=1, allowed=0)
        _refused(box.evict("p-0"), "The disruption budget b needs 1 healthy pods and has 1 currently")
        expect(box.evict("p-1"), 201)
        assert _is_going(box, "p-1")


def unhealthy_pods_under_a_broken_budget(api: Api) -> None:
    with sandbox(api) as box:
        _two_pods(box, UNREADY)
        box.budget("strict", APP, 2)
        box.budget_settles("strict", healthy=1, allowed=0)
        _refused(box.evict("p-1"), "The disruption budget strict needs 2 healthy pods and has 1 currently")
        expect(api.request("DELETE", box.path("poddisruptionbudgets", "strict", "policy")), 200)
        box.budget("always", APP, 2, "AlwaysAllow")
        box.budget_settles("always", healthy=1, allowed=0)
        expect(box.evict("p-1"), 201)


def pods_that_disrupt_nothing(api: Api) -> None:
    """Neither a pod that has not begun nor one that is over asks a budget."""
    with sandbox(api) as box:
        box.pod("waiting", APP, nodeSelector={"no-such": "label"})
        box.pod("over", APP, {"phase": "Succeeded"}, nodeName=box.node())
        box.budget("b", APP, 5)
        box.budget_settles("b", healthy=0, allowed=0)
        for name in ("waiting", "over"):
            expect(box.evict(name), 201)
            assert _is_going(box, name)


def eviction_preconditions(api: Api) -> None:
    with sandbox(api) as box:
        _two_pods(box)
        answer = box.evict("p-0", {"preconditions": {"uid": "other"}})
        text = (
            'Operation cannot be fulfilled on Pod "p-0": the UID in the precondition (other) does not match'
        )
        failure(answer, 409, "Conflict", text)
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p-1"}}
        answer = api.request("POST", box.path("pods", "p-0/eviction"), body)
        failure(answer, 400, "BadRequest", "name in URL does not match name in Eviction object")
        expect(box.evict("p-0", query={"dryRun": "All"}), 201)
        assert not _is_going(box, "p-0")
        uid = box.get(box.path("pods", "p-0"))["metadata"]["uid"]
        expect(box.evict("p-0", {"preconditions": {"uid": uid}}), 201)
        assert _is_going(box, "p-0")


SCENARIOS = (
    eviction_without_a_budget,
    eviction_says_why,
    budget_allows_none,
    budget_allows_one,
    two_budgets,
    unhealthy_pods,
    unhealthy_pods_under_a_broken_budget,
    pods_that_disrupt_nothing,
    eviction_preconditions,
)
