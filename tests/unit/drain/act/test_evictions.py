"""What an answer of the API server means for the pod that was to be evicted."""

from __future__ import annotations

import msgspec
import pytest

from dcctl.drain.act.kubernetes.evictions import meant
from dcctl.drain.backends import Answer
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.api import ApiServer

BUDGET = "The disruption budget pg needs 2 healthy pods and has 2 currently"


def refused(code: int, message: str, wait: str = "", **causes: str) -> Failure:
    details = {"causes": [{"reason": reason, "message": text} for reason, text in causes.items()]}
    body = msgspec.json.encode({"kind": "Status", "message": message, "details": details})
    return ApiServer().refused(code, {"Retry-After": wait} if wait else {}, body)


@pytest.mark.parametrize(
    ("failure", "reply"),
    [
        (refused(404, 'pods "a" not found'), "gone"),
        (refused(409, "Precondition failed: UID in precondition: u, UID in object meta: v"), "gone"),
        (refused(409, "the UID in the precondition (u) does not match the UID in record (v)"), "gone"),
        (refused(409, "the object has been modified"), "later"),
        (refused(403, "unable to create new content", NamespaceTerminating="it ends"), "later"),
        (refused(403, 'admission webhook "a" denied the request: no'), "blocked"),
        (refused(400, 'admission webhook "a" denied the request: no'), "blocked"),
        (refused(500, "This pod has more than one PodDisruptionBudget, which is not supported"), "blocked"),
        (refused(422, "Eviction is invalid"), "blocked"),
        (refused(500, 'Internal error: failed calling webhook "a"'), "unsure"),
        (refused(503, "away"), "unsure"),
        (Failure("the connection broke", "failed", again=True), "unsure"),
    ],
)
def test_each_answer_has_its_meaning(failure: Failure, reply: str) -> None:
    assert meant(failure).reply == reply


@pytest.mark.parametrize(("wait", "wait_s"), [("", None), ("0", None), ("7", 7.0)])
def test_a_budget_is_told_in_the_words_of_the_server_with_its_time(wait: str, wait_s: float | None) -> None:
    failure = refused(429, "Cannot evict pod", wait, DisruptionBudget=BUDGET)
    assert meant(failure) == Answer("later", BUDGET, wait_s)


@pytest.mark.parametrize(
    "failure",
    [
        refused(401, "Unauthorized"),
        refused(
            403, 'pods "a" is forbidden: User "bob" cannot create resource "pods/eviction" in API group ""'
        ),
    ],
)
def test_what_holds_for_all_pods_ends_the_run(failure: Failure) -> None:
    with pytest.raises(Failure):
        meant(failure)
