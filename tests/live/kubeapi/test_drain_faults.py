"""`dcctl drain` against budgets, servers, webhooks, kubelets and people that stand in its way."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from dcctl.drain.act import order
from dcctl.drain.outcome import NotDrainedError, Outcome
from tests.kubeapi import ApiServer
from tests.kubeapi.faults import Delay, Garbage, Reply, Reset, StreamError, Truncate, match
from tests.live.kubeapi.draining import Bench, budget, maker
from tests.live.kubeapi.test_drain import TARGETS, USERS, Watched, drained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dcctl.drain.campaign import Campaign
    from tests.kubeapi.faults import Action, Match

EVICTION = "/eviction"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ApiServer(users=USERS, makers=True, clock_speed=20) as server:
        yield Bench(server, tmp_path)


def unfinished(bench: Bench, **more: Any) -> NotDrainedError:
    with pytest.raises(NotDrainedError) as caught:
        drained(bench, **more)
    assert "--resume" in caught.value.hint
    return caught.value


def resumed(bench: Bench) -> Outcome:
    outcome = order.resume(bench.world())
    assert outcome.state == "drained"
    assert bench.on(*TARGETS) == []
    return outcome


def once(bench: Bench) -> bool:
    """Whether no pod was evicted twice, and no budget broken."""
    return set(bench.evictions().values()) == {1} and bench.server.cluster.breaches == 0


def status(message: str, code: int, reason: str = "", **details: Any) -> Reply:
    body = {"kind": "Status", "status": "Failure", "message": message, "code": code, "reason": reason}
    return Reply(code, body=json.dumps(body | {"details": details}).encode())


def test_a_budget_that_allows_nothing_holds_its_pods_and_nothing_else(bench: Bench) -> None:
    bench.server.load([maker("StatefulSet", "db", 4), maker("Deployment", "web", 8), budget("db", 4)])
    error = unfinished(bench, wait_s=0.3)
    assert "The disruption budget db needs 4 healthy pods and has 4 currently" in error.why
    assert [(one.kind, one.node) for one in error.outcome.held] == [("budget", "gpu0")]
    assert bench.on("gpu0") == ["db-0"]
    bench.server.change("poddisruptionbudgets", "db", "ml", spec={"minAvailable": 3})
    resumed(bench)
    assert once(bench)


def test_a_budget_across_two_targets_is_kept(bench: Bench) -> None:
    bench.planner.per_wave = 2
    bench.server.load([maker("StatefulSet", "db", 4), budget("db", 3)])
    drained(bench)
    assert bench.on(*TARGETS) == []
    assert once(bench)


@pytest.mark.parametrize(
    ("rule", "action"),
    [
        (match("POST", EVICTION, first=3), Reply(429, {"Retry-After": "1"})),
        (match("POST", EVICTION, first=3), Reply(429)),
        (match("POST", EVICTION, first=3), Reply(429, {"Retry-After": "0"})),
        (match("POST", EVICTION, first=3), Reply(409)),
        (match("POST", EVICTION, first=3), Reply(500)),
        (match("POST", EVICTION, first=3), Reply(503)),
        (match("POST", EVICTION, first=3), Reset()),
        (match("POST", EVICTION, first=3), Reset(applied=True)),
        (match("POST", EVICTION, first=3), Reset("mid-body")),
        (match("POST", EVICTION, first=3), Truncate()),
        (match("POST", EVICTION, first=3), Garbage()),
        (match("POST", EVICTION, first=3), Delay(0.4)),
        (match("PATCH", "/nodes/", nth=1), Reply(409)),
        (match("PATCH", "/nodes/", nth=2), Reply(500)),
        (match("PATCH", "/nodes/", nth=2), Reset(applied=True)),
        (match("GET", "watch=1", nth=1), StreamError()),
        (match("GET", "watch=1", nth=1), Reply(410)),
        (match("GET", "watch=1", first=2), Reply(500)),
        (match("GET", "watch=1", nth=1), Reset("after-headers")),
        (match("GET", r"/pods\?limit", nth=1), Reply(429, {"Retry-After": "2"})),
        (match("GET", "/nodes/", first=6), Reply(503)),
        (match("PATCH", "/leases/", nth=1), Reset(applied=True)),
        (match("POST", "/leases", nth=1), Reset(applied=True)),
    ],
    ids=str,
)
def test_what_passes_is_outlasted(bench: Bench, rule: Match, action: Action) -> None:
    bench.server.load([maker("Deployment", "web", 8), maker("StatefulSet", "db", 4), budget("db", 3)])
    bench.server.faults.add(rule, action)
    outcome = drained(bench)
    assert bench.server.faults.fired
    assert (outcome.state, outcome.evicted, bench.on(*TARGETS)) == ("drained", 6, [])
    assert once(bench)


def test_a_server_that_says_when_is_obeyed(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 2)])
    bench.server.faults.add(match("POST", EVICTION, nth=1), Reply(429, {"Retry-After": "1"}))
    drained(bench)
    first, second, *_ = [one for one in bench.server.seen("POST") if one.path.endswith(EVICTION)]
    assert first.path == second.path
    assert second.when_s - first.when_s >= 1.0


def test_two_budgets_on_one_pod_are_told_and_hold_nothing_else(bench: Bench) -> None:
    bench.server.load([maker("StatefulSet", "db", 2), maker("Deployment", "web", 8)])
    bench.server.load([budget("db", 1), budget("db", 1, "db-too")])
    error = unfinished(bench)
    assert "more than one PodDisruptionBudget" in error.why
    assert bench.on(*TARGETS) == ["db-0", "db-1"]
    bench.server.remove("poddisruptionbudgets", "db-too", "ml")
    resumed(bench)
    assert once(bench)


def test_a_stuck_finalizer_is_told_and_never_forced(bench: Bench) -> None:
    bench.server.load([maker("StatefulSet", "db", 2), maker("Deployment", "web", 8)])
    bench.server.change("pods", "db-0", "ml", metadata={"finalizers": ["example.com/keep"]})
    error = unfinished(bench, margin_s=0.1, stand_s=0.2)
    assert [(one.kind, one.subject) for one in error.outcome.held] == [("dying", "ml/db-0")]
    assert bench.on(*TARGETS) == ["db-0"]
    assert error.outcome.nodes == tuple(name for name in TARGETS if name not in error.outcome.held[0].node)
    assert bench.server.seen("DELETE") == []
    bench.server.remove("pods", "db-0", "ml")
    resumed(bench)
    assert once(bench)


def test_pods_on_a_node_that_is_dead_are_told_and_never_forced(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 8)])
    for name in bench.on("gpu0"):
        bench.server.change("pods", name, "ml", spec={"terminationGracePeriodSeconds": 1})
    bench.server.controllers.stuck.add("gpu0")
    error = unfinished(bench, margin_s=0.1, stand_s=0.2)
    assert {(one.kind, one.node) for one in error.outcome.held} == {("dying", "gpu0")}
    assert (error.outcome.nodes, len(bench.on("gpu0")), bench.on("gpu1")) == (("gpu1",), 2, [])
    assert bench.server.seen("DELETE") == []
    assert once(bench)


def test_a_pod_of_a_namespace_that_ends_is_waited_for(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 4)])
    told = (
        'pods "web" is forbidden: unable to create new content in namespace ml because it is being terminated'
    )
    cause = {"reason": "NamespaceTerminating", "message": "namespace ml is being terminated"}
    bench.server.faults.add(match("POST", EVICTION, first=2), status(told, 403, "Forbidden", causes=[cause]))
    assert drained(bench).state == "drained"
    assert bench.server.faults.fired == 2


@pytest.mark.parametrize(("away_s", "lease_s"), [(0.5, 15), (2.0, 1)], ids=["shortly", "past the lease"])
def test_a_server_that_starts_anew_is_waited_for(bench: Bench, away_s: float, lease_s: int) -> None:
    bench.server.load([maker("Deployment", "web", 16)])
    back: list[threading.Thread] = []

    def restart() -> None:
        bench.server.down()
        back.append(threading.Timer(away_s, bench.server.up))
        back[0].start()

    assert drained(bench, lease_s=lease_s, progress=Watched(1, restart)).state == "drained"
    back[0].join()
    assert bench.on(*TARGETS) == []
    assert once(bench)


def test_a_watch_that_is_too_old_lists_again_and_misses_nothing(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 8)])
    bench.server.faults.add(match("GET", "watch=1", first=3), StreamError(410))
    drained(bench, progress=Watched(1, bench.server.compact))
    assert bench.server.faults.fired
    assert bench.on(*TARGETS) == []


def test_a_right_that_is_taken_away_ends_the_run_which_is_resumed_later(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 8)])
    error = unfinished(
        bench, progress=Watched(1, lambda: bench.server.deny("admin", "create", "pods/eviction"))
    )
    assert "cannot create" in error.why
    assert bench.on("gpu1") != []
    bench.server.cluster.access.allow_all()
    resumed(bench)
    assert once(bench)


def test_a_token_that_expires_ends_the_run_which_is_resumed_later(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 8)])
    users = bench.server.cluster.access.users
    error = unfinished(bench, progress=Watched(1, lambda: users.pop("admin-token")))
    assert "401" in error.why
    users["admin-token"] = "admin"
    resumed(bench)
    assert once(bench)


def test_a_webhook_that_denies_holds_its_pod_and_nothing_else(bench: Bench) -> None:
    bench.server.load([maker("StatefulSet", "db", 2), maker("Deployment", "web", 8)])
    told = 'admission webhook "keep.example.com" denied the request: the database is being copied'
    bench.server.faults.add(match("POST", "/pods/db-0/eviction"), status(told, 403, "Forbidden"))
    error = unfinished(bench)
    assert "the database is being copied" in error.why
    assert bench.on(*TARGETS) == ["db-0"]
    bench.server.faults.clear()
    resumed(bench)
    assert once(bench)


def test_a_node_that_somebody_takes_back_is_left_to_them(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 8)])

    def taken(plan: Campaign) -> Campaign:
        if bench.planner.calls == 2:
            bench.server.change("nodes", "gpu1", spec={"unschedulable": False})
        return plan

    bench.planner.changed = taken
    error = unfinished(bench)
    assert [(one.kind, one.subject) for one in error.outcome.held] == [("uncordoned", "gpu1")]
    assert (error.outcome.nodes, bench.on("gpu0")) == (("gpu0",), [])
    assert bench.node("gpu1")[0]
    assert len(bench.on("gpu1")) >= 2
    with pytest.raises(NotDrainedError, match="took it back"):
        order.resume(bench.world())
    order.take_back(bench.world())
    assert (bench.node("gpu0"), bench.node("gpu1")) == ((True, None, []), (True, None, []))


def test_nothing_more_is_evicted_from_a_node_that_is_taken_back_during_its_wave(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dcctl.drain.act.wave._NODES_S", 0.1)
    bench.server.load([maker("StatefulSet", "db", 8), budget("db", 8)])

    def take(line: str) -> None:
        if "waits" in line:
            bench.server.change("nodes", "gpu0", spec={"unschedulable": False})

    error = unfinished(bench, wait_s=3.0, tell=take)
    assert ("uncordoned", "gpu0") in {(one.kind, one.subject) for one in error.outcome.held}
    assert bench.evictions() == {}


def test_work_that_grows_meanwhile_is_planned_again(bench: Bench) -> None:
    bench.server.load([maker("Job", "gang", 4)])
    grown: list[int] = []

    def grow(_lines: object) -> None:
        bench.server.change("jobs.batch", "gang", "ml", spec={"parallelism": 8})
        grown.append(len(bench.on(*TARGETS)))

    outcome = drained(bench, consent=grow)
    assert grown == [4]
    assert (outcome.state, outcome.evicted, bench.on(*TARGETS)) == ("drained", 4, [])
    assert len(bench.pods()) == 8


def test_pods_that_come_between_the_plan_and_the_cordon_go_too(bench: Bench) -> None:
    bench.server.load([maker("Job", "gang", 4)])

    def grow(plan: Campaign) -> Campaign:
        if bench.planner.calls == 2:
            for pod in list(bench.pods().values())[:2]:
                meta = {"name": f"{pod['metadata']['name']}-late", "namespace": "ml"}
                spec = {**pod["spec"], "nodeName": "gpu0"}
                bench.server.load(
                    [{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": {}}]
                )
        return plan

    bench.planner.changed = grow
    assert drained(bench).state == "drained"
    assert bench.on(*TARGETS) == []


def test_pods_that_come_again_and_again_do_not_hold_the_campaign_for_ever(bench: Bench) -> None:
    bench.server.load([maker("Job", "gang", 4)])

    def come(plan: Campaign) -> Campaign:
        meta = {"name": f"late-{bench.planner.calls}", "namespace": "ml"}
        spec = {"nodeName": "gpu0", "containers": [], "terminationGracePeriodSeconds": 0}
        bench.server.load([{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": {}}])
        return plan

    bench.planner.changed = come
    error = unfinished(bench)
    assert {(one.kind, one.node) for one in error.outcome.held} == {("refused", "gpu0")}
    assert error.outcome.nodes == ("gpu1",)


def test_work_that_does_not_stand_again_is_told_and_fails_nothing(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 4)])
    assert bench.server.controllers.makers is not None
    bench.server.controllers.makers.asleep = True
    outcome = drained(bench, stand_s=0.2)
    assert outcome.state == "drained"
    assert outcome.waves[0].waiting == ("ml/web",)
