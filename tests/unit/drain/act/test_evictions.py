"""What an answer of the API server means for the pod that was to be evicted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dcctl.drain.act.kubernetes.evictions import evict, found, meant
from dcctl.drain.backends import Answer
from dcctl.drain.campaign import Leave
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


class Server:
    """Answers a try with a failure, if any, and has one pod, if any."""

    def __init__(self, failure: Failure | None = None, pod: dict[str, Any] | None = None) -> None:
        self.failure, self.pod, self.asked = failure, pod, list[tuple[str, str, dict[str, Any]]]()

    def once(self, method: str, path: str, body: dict[str, Any]) -> None:
        self.asked.append((method, path, body))
        if self.failure is not None:
            raise self.failure

    def read(self, path: str, of: type[Any]) -> Any:
        assert path == "/api/v1/namespaces/ml/pods/a"
        if self.pod is None:
            raise refused(404, 'pods "a" not found')
        return msgspec.convert({"metadata": self.pod}, of)


def tried(server: Server, leave: Leave) -> Answer:
    return evict(server, leave)  # type: ignore[arg-type]


@pytest.mark.parametrize(("grace_s", "sent"), [(None, {}), (0, {"gracePeriodSeconds": 0})])
def test_the_uid_and_the_grace_that_was_asked_for_are_sent(grace_s: int | None, sent: dict[str, int]) -> None:
    server = Server()
    options = {"preconditions": {"uid": "u"}, **sent}
    assert tried(server, Leave("ml/a", "gpu0", "u", "evict", grace_s)) == Answer("leaving")
    assert tried(server, Leave("ml/a", "gpu0", "u", "delete", grace_s)) == Answer("leaving")
    (evicts, path, body), deletes = server.asked
    assert (evicts, path) == ("POST", "/api/v1/namespaces/ml/pods/a/eviction")
    assert (body["kind"], body["deleteOptions"]) == ("Eviction", options)
    assert deletes == ("DELETE", "/api/v1/namespaces/ml/pods/a", options)


@pytest.mark.parametrize(
    ("pod", "reply"),
    [
        (None, "leaving"),
        ({"uid": "u"}, "unsure"),
        ({"uid": "another"}, "leaving"),
        ({"uid": "u", "deletionTimestamp": "2026-11-22T18:00:00Z"}, "leaving"),
    ],
)
def test_without_an_answer_the_pod_is_looked_up_by_its_uid(pod: dict[str, Any] | None, reply: str) -> None:
    server = Server(Failure("the connection broke", "failed", again=True), pod)
    assert tried(server, Leave("ml/a", "gpu0", "u")).reply == reply


def test_one_of_its_name_with_another_uid_is_another_pod() -> None:
    server: Any = Server(pod={"uid": "u"})
    assert found(server, Leave("ml/a", "gpu0", "u")) is not None
    assert found(server, Leave("ml/a", "gpu0", "v")) is None
