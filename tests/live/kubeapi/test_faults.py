"""Scripted faults, seen from the client's side of the socket."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.kubeapi import objects
from tests.kubeapi.faults import (
    Delay,
    Drip,
    EndlessPage,
    Garbage,
    Huge,
    Reply,
    Reset,
    StreamError,
    Truncate,
    match,
)
from tests.kubeapi.sandbox import names

if TYPE_CHECKING:
    from tests.kubeapi import ApiServer
    from tests.kubeapi.client import HttpApi
    from tests.kubeapi.faults import When

NODES = "/api/v1/nodes"


@pytest.fixture(autouse=True)
def nodes(server: ApiServer) -> None:
    server.load(objects.node(f"n{index}", gpus=8) for index in range(5))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (410, "Expired"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
    ],
)
def test_a_code_with_its_status_and_headers(
    server: ApiServer, admin: HttpApi, code: int, reason: str
) -> None:
    server.faults.add(match("GET", f"^{NODES}"), Reply(code, {"Retry-After": "7"}))
    found, headers, body = admin.request("GET", NODES)
    assert (found, headers["retry-after"]) == (code, "7")
    assert (body["kind"], body["reason"], body["code"]) == ("Status", reason, code)


def test_only_the_nth_request_that_looks_so(server: ApiServer, admin: HttpApi) -> None:
    server.faults.add(match("GET", r"^/api/v1/nodes\?.*continue=", nth=2), Reply(500))
    codes, query = [], {"limit": "1"}
    for _ in range(4):
        code, _, body = admin.request("GET", NODES, query=query)
        codes.append(code)
        if code == 200:
            query = {"limit": "1", "continue": body["metadata"]["continue"]}
    assert codes == [200, 200, 500, 200]
    assert server.faults.fired == 1
    assert len(server.seen("GET", NODES)) == 4


def test_the_first_few_and_one_user(server: ApiServer, admin: HttpApi, bob: HttpApi) -> None:
    server.faults.add(match(path=NODES, first=2, user="bob"), Reply(503))
    assert [admin.request("GET", NODES)[0], bob.request("GET", NODES)[0]] == [200, 503]
    assert [bob.request("GET", NODES)[0] for _ in range(3)] == [503, 200, 200]
    server.faults.clear()
    assert {seen.user for seen in server.seen("GET", NODES)} == {"admin", "bob"}


@pytest.mark.parametrize("when", ["before-headers", "after-headers", "mid-body"])
def test_a_reset_is_a_reset(server: ApiServer, admin: HttpApi, when: When) -> None:
    server.faults.add(match("GET", NODES, nth=1), Reset(when))
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected, http.client.IncompleteRead)):
        admin.request("GET", NODES)
    assert admin.request("GET", NODES)[0] == 200


@pytest.mark.parametrize("applied", [True, False])
def test_whether_a_lost_write_happened(server: ApiServer, admin: HttpApi, *, applied: bool) -> None:
    server.faults.add(match("DELETE", NODES), Reset("before-headers", applied=applied))
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        admin.request("DELETE", f"{NODES}/n0")
    left = {each["metadata"]["name"] for each in server.objects("nodes")}
    assert ("n0" not in left) is applied


def test_a_body_that_ends_early(server: ApiServer, admin: HttpApi) -> None:
    server.faults.add(match("GET", NODES), Truncate(0.5))
    with pytest.raises(http.client.IncompleteRead):
        admin.request("GET", NODES)
    server.faults.add(match("GET", "^/version"), Truncate(0.5))  # short enough for a Content-Length
    with pytest.raises(http.client.IncompleteRead):
        admin.request("GET", "/version")


def test_garbage_is_not_json(server: ApiServer, admin: HttpApi) -> None:
    server.faults.add(match("GET", NODES), Garbage())
    code, headers, body = admin.raw("GET", NODES)
    assert (code, headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"decode|Expecting"):
        json.loads(body)


def test_a_page_that_never_ends(server: ApiServer, admin: HttpApi) -> None:
    server.faults.add(match("GET", NODES), EndlessPage())
    first = admin.request("GET", NODES, query={"limit": "2"})[2]
    token = first["metadata"]["continue"]
    second = admin.request("GET", NODES, query={"limit": "2", "continue": token})[2]
    assert second["metadata"]["continue"] == token
    assert names(first) == names(second) == ["n0", "n1"]


def test_a_slow_answer_comes_in_pieces(server: ApiServer, admin: HttpApi) -> None:
    server.faults.add(match("GET", "^/version"), Drip(bytes_per_second=2000))
    began = time.monotonic()
    assert admin.request("GET", "/version")[2]["major"] == "1"
    assert time.monotonic() - began > 0.1


def test_a_late_answer(server: ApiServer, admin: HttpApi) -> None:
    server.faults.add(match("GET", "^/version"), Delay(0.2))
    began = time.monotonic()
    assert admin.request("GET", "/version")[0] == 200
    assert time.monotonic() - began >= 0.2


def test_a_huge_answer_is_as_long_as_asked(server: ApiServer, admin: HttpApi) -> None:
    server.faults.add(match("GET", NODES), Huge(3_000_000))
    code, _, body = admin.raw("GET", NODES)
    assert code == 200
    assert 2_900_000 < len(body) < 3_100_000
    assert json.loads(body)["items"][0]["metadata"]["name"] == "huge"


def test_faults_of_a_watch(server: ApiServer, admin: HttpApi) -> None:
    server.faults.add(match("GET", "watch=true", nth=1), StreamError())
    server.faults.add(match("GET", "watch=true", nth=2), Reset("mid-body"))
    events = admin.watch(NODES, {"timeoutSeconds": "5"})[1]
    assert [(each["type"], each["object"]["code"]) for each in events] == [("ERROR", 410)]
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        admin.watch(NODES, {"timeoutSeconds": "5"})


def test_a_connection_serves_many_requests(server: ApiServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for path in (NODES, f"{NODES}/none", "/version", NODES):
        connection.request("GET", path, headers={"Authorization": "Bearer admin-token"})
        connection.getresponse().read()
    assert connection.sock is not None
    connection.close()
