"""What the source makes of an API server that refuses, breaks, lies or drags its feet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.sources.base import SourceError
from tests.kubeapi import ApiServer, objects
from tests.kubeapi.faults import (
    Action,
    Delay,
    Drip,
    EndlessPage,
    Garbage,
    Huge,
    Reply,
    Reset,
    Truncate,
    match,
)
from tests.live.kubeapi.source import Naps, gaps, source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PODS, NODES = r"^/api/v1/pods", r"^/api/v1/nodes"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """Five nodes, five pods: three pages of each."""
    with ApiServer(kubelet=False) as running:
        running.load([objects.node(f"gpu{index}", 8) for index in range(5)])
        running.load(
            [objects.pod(f"p{index}", node=f"gpu{index}", requests={"cpu": "1"}) for index in range(5)]
        )
        yield running


@pytest.mark.parametrize(
    "action",
    [
        Reply(429, {"Retry-After": "7"}),
        Reply(500),
        Reply(503),
        Reset(),
        Reset("after-headers"),
        Reset("mid-body"),
        Truncate(),
    ],
    ids=lambda action: f"{type(action).__name__} {action}",
)
def test_what_passes_is_tried_again(server: ApiServer, tmp_path: Path, action: Action) -> None:
    naps = Naps()
    server.faults.add(match("GET", PODS, nth=2), action)
    fleet = source(server, tmp_path, naps).collect()
    assert server.faults.fired == 1
    assert fleet.gaps == ()
    assert [member.name for work in fleet.workloads for member in work.members] == [f"p{i}" for i in range(5)]
    assert len(naps.taken) == 1
    if isinstance(action, Reply) and action.headers:
        assert naps.taken == [7.0]
    else:
        assert 0.125 <= naps.taken[0] <= 0.25


@pytest.mark.parametrize(
    ("action", "cause", "words"),
    [
        (Reply(403), "denied", "HTTP 403"),
        (Reply(500), "failed", "HTTP 500"),
        (Reset(), "failed", "the connection broke"),
        (Truncate(), "truncated", "the answer broke off (5 tries)"),
        (Garbage(), "invalid", "the answer is not what it should be"),
        (Garbage(b'{"items": [{"metadata": {"name": 7}}]}'), "invalid", "Expected `str`"),
        (Garbage(b"{}"), "invalid", "no list"),
        (Garbage(b'{"kind": "NodeList", "metadata": {}}'), "invalid", "no list"),
        (
            Garbage(b'{"kind": "Status", "status": "Failure", "items": []}'),
            "invalid",
            "no list: it calls itself 'Status'",
        ),
        (EndlessPage(), "invalid", "repeats a page for ever"),
        (Huge(3 << 20), "truncated", "exceeds 1 MiB"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value[:20],
)
def test_what_stays_broken_is_a_gap_and_the_rest_is_read(
    server: ApiServer, tmp_path: Path, action: Action, cause: str, words: str
) -> None:
    server.faults.add(match("GET", NODES), action)
    fleet = source(server, tmp_path, page_bytes=1 << 20).collect()
    gap = gaps(fleet)["nodes"]
    assert gap.cause == cause
    assert words in gap.reason
    assert len(fleet.gaps) == 1
    assert len(fleet.workloads) == 5
    assert len({node.name for node in fleet.nodes}) == len(fleet.nodes)


def test_pages_before_a_failure_are_kept_once(server: ApiServer, tmp_path: Path) -> None:
    server.faults.add(match("GET", PODS + ".*continue"), Reply(500))
    fleet = source(server, tmp_path).collect()
    assert [work.id for work in fleet.workloads] == ["default/p0", "default/p1"]
    assert gaps(fleet)["pods"].cause == "failed"


def test_a_token_that_expires_in_mid_list_starts_the_list_again(server: ApiServer, tmp_path: Path) -> None:
    server.faults.add(match("GET", PODS + ".*continue", nth=2), Reply(410))
    fleet = source(server, tmp_path).collect()
    assert fleet.gaps == ()
    assert sorted(work.id for work in fleet.workloads) == [f"default/p{i}" for i in range(5)]
    assert [bool(seen.query.get("continue")) for seen in server.seen(path="/api/v1/pods")] == [
        False,
        True,
        True,
        False,
        True,
        True,
    ]


def test_a_token_that_always_expires_is_a_gap(server: ApiServer, tmp_path: Path) -> None:
    server.faults.add(match("GET", PODS + ".*continue"), Reply(410))
    fleet = source(server, tmp_path).collect()
    assert fleet.workloads == ()
    assert gaps(fleet)["pods"].reason == "the list expired 4 times before its end"


def test_tokens_that_never_end_are_a_gap(server: ApiServer, tmp_path: Path) -> None:
    for number in range(40):
        body = (
            b'{"kind":"PodList","metadata":{"continue":"t%d","remainingItemCount":1},'
            b'"items":[{"metadata":{"name":"x"}}]}' % number
        )
        server.faults.add(match("GET", PODS, nth=number + 1), Reply(200, body=body))
    fleet = source(server, tmp_path).collect()
    assert "does not end" in gaps(fleet)["pods"].reason
    assert fleet.workloads == (), "pages of a list that lies are not believed"


def test_a_wait_beyond_the_deadline_is_not_begun(server: ApiServer, tmp_path: Path) -> None:
    naps = Naps()
    server.faults.add(match("GET", PODS), Reply(429, {"Retry-After": "3600"}))
    fleet = source(server, tmp_path, naps).collect()
    assert naps.taken == []
    assert gaps(fleet)["pods"].cause == "timeout"
    assert "asked to wait 3600 s" in gaps(fleet)["pods"].reason


@pytest.mark.parametrize("action", [Delay(2.0), Drip(20.0)], ids=["silent", "dripping"])
def test_a_slow_answer_ends_at_the_deadline_of_the_request(
    server: ApiServer, tmp_path: Path, action: Action
) -> None:
    server.faults.add(match("GET", NODES), action)
    fleet = source(server, tmp_path, request_s=0.3, tries=2).collect()
    assert gaps(fleet)["nodes"].cause == "timeout"
    assert len(fleet.workloads) == 5


def test_the_deadline_of_the_source_ends_everything(server: ApiServer, tmp_path: Path) -> None:
    server.faults.add(match("GET", r"^/api/v1/"), Delay(3.0))
    fleet = source(server, tmp_path, timeout_s=0.8).collect()
    assert {gaps(fleet)[name].cause for name in ("pods", "nodes", "namespaces")} == {"timeout"}


def test_an_interruption_begins_no_further_list(server: ApiServer, tmp_path: Path) -> None:
    def interrupted(_wait_s: float) -> None:
        raise KeyboardInterrupt

    server.faults.add(match("GET", PODS), Reply(500))
    server.faults.add(match("GET", r"^/api/v1/|/apis/(apps|batch|resource)"), Delay(0.5))
    with pytest.raises(KeyboardInterrupt):
        source(server, tmp_path, sleep=interrupted).collect()
    assert server.seen(path="/api/v1/nodes")
    assert not server.seen(path="/apis/apps/v1/replicasets")


def test_a_silent_server_is_given_up_sooner_than_one_that_is_slow(server: ApiServer, tmp_path: Path) -> None:
    server.faults.add(match("GET", NODES), Delay(0.8))
    assert source(server, tmp_path, first_answer_s=0.5).collect().gaps == ()
    server.faults.clear()
    server.faults.add(match("GET", "^/apis$"), Delay(5.0))
    with pytest.raises(SourceError) as caught:
        source(server, tmp_path, first_answer_s=0.5).collect()
    assert caught.value.cause == "timeout"
    assert len(server.seen(path="/api/v1/pods")) == 3, "of the first run alone"


def test_one_refused_resource_is_one_gap_with_the_role_that_helps(server: ApiServer, tmp_path: Path) -> None:
    server.deny("admin", "list", "replicasets.apps")
    fleet = source(server, tmp_path).collect()
    (gap,) = fleet.gaps
    assert (gap.subject, gap.cause) == ("replicasets.apps", "denied")
    assert "--rbac" in gap.hint
    assert gap.reason == 'HTTP 403: User "admin" cannot list this at the cluster scope'


def test_everything_refused_is_no_answer_at_all(server: ApiServer, tmp_path: Path) -> None:
    server.deny("admin", "*", "*")
    with pytest.raises(SourceError) as caught:
        source(server, tmp_path).collect()
    assert (caught.value.subject, caught.value.cause) == ("nodes", "denied")


def test_a_list_of_apis_that_is_refused_leaves_the_built_in_ones(server: ApiServer, tmp_path: Path) -> None:
    server.faults.add(match("GET", "^/apis$"), Reply(403))
    fleet = source(server, tmp_path).collect()
    assert set(gaps(fleet)) == {"the list of APIs"}
    assert (len(fleet.nodes), len(fleet.workloads)) == (5, 5)
    assert server.seen(path="/apis/batch/v1/jobs")
    assert not server.seen(path="/apis/resource.k8s.io")


def test_something_that_is_no_api_server_is_named(server: ApiServer, tmp_path: Path) -> None:
    server.faults.add(match(), Reply(200, body=b"<html>Sign in</html>"))
    with pytest.raises(SourceError, match="not that of a Kubernetes API server") as caught:
        source(server, tmp_path).collect()
    assert caught.value.cause == "invalid"


def test_a_wrong_token_is_told_before_any_list(tmp_path: Path) -> None:
    with ApiServer() as server:
        reader = source(server, tmp_path)
        path = tmp_path / "kubeconfig"
        path.write_text(path.read_text().replace("admin-token", "stolen-token"))
        with pytest.raises(SourceError) as caught:
            reader.collect()
        assert caught.value.cause == "unauthenticated"
        assert "stolen-token" not in f"{caught.value} {caught.value.reason} {caught.value.hint}"
        assert len(server.requests) == 1


def test_a_list_that_breaks_off_says_after_how_many_and_that_more_exist(
    server: ApiServer, tmp_path: Path
) -> None:
    server.faults.add(match("GET", NODES + ".*continue", nth=2), Delay(5.0))
    fleet = source(server, tmp_path, request_s=0.3, tries=1).collect()
    gap = gaps(fleet)["nodes"]
    assert len(fleet.nodes) == 4
    assert gap.reason.startswith(
        "the list of nodes broke off after 4; more exist: no answer within the deadline"
    )
    assert (gap.part, gap.cause, gap.hint) == ("nodes", "timeout", "a longer --timeout")


def test_a_list_of_nodes_that_never_came_leaves_out_nodes_too(server: ApiServer, tmp_path: Path) -> None:
    server.faults.add(match("GET", NODES), Reply(403))
    gap = gaps(source(server, tmp_path).collect())["nodes"]
    assert gap.part == "nodes"
    assert "broke off" not in gap.reason
