"""`dcctl drain` pod by pod: who is evicted, in which order, for which reason, and what is told of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcctl import journal
from dcctl.drain.act import order
from dcctl.drain.act.going import Going
from dcctl.drain.act.kubernetes.backend import Kubernetes
from dcctl.drain.outcome import NotDrainedError
from tests.kubeapi import ApiServer
from tests.live.kubeapi.draining import MARK, Bench, budget, maker
from tests.live.kubeapi.test_drain import TARGETS, USERS, drained
from tests.live.kubeapi.test_drain_faults import unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.drain.backends import Answer
    from dcctl.drain.campaign import Leave


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ApiServer(users=USERS, makers=True, clock_speed=20) as server:
        yield Bench(server, tmp_path)


def test_a_pod_that_goes_by_itself_while_its_budget_holds_it_is_not_told_as_evicted(bench: Bench) -> None:
    bench.server.load([maker("StatefulSet", "db", 4), budget("db", 4)])

    def tell(line: str) -> None:
        pod, waits, _ = line.partition(" waits: ")
        if waits:
            bench.server.remove("pods", pod.partition("/")[2], "ml")

    outcome = drained(bench, tell=tell)
    assert (outcome.state, outcome.evicted, outcome.lasting) == ("drained", 0, ())
    ended = [entry for step, entry in journal.read(Path(outcome.journal)).steps.items() if "evict" in step]
    assert [one.state for one in ended] == ["failed", "failed"]
    assert bench.evictions() == {}


def test_a_pod_that_went_while_nobody_told_is_not_held(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    follow = Kubernetes.follow
    monkeypatch.setattr(
        Kubernetes, "follow", lambda self: (one for one in follow(self) if one.kind != "gone")
    )
    bench.server.load([maker("Deployment", "web", 8)])
    outcome = drained(bench, margin_s=0.1, stand_s=0.1)
    assert (outcome.state, outcome.evicted, bench.on(*TARGETS)) == ("drained", 4, [])


def test_a_pod_that_is_made_anew_right_before_its_eviction_is_not_evicted_for_the_old_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.server.load([maker("StatefulSet", "db", 4)])
    old = {pod["metadata"]["uid"] for pod in bench.pods().values()}
    evict, replies = Kubernetes.evict, list[str]()

    def late(backend: Kubernetes, leave: Leave) -> Answer:
        bench.server.remove("pods", leave.pod.partition("/")[2], "ml")  # it comes again under its name
        answer = evict(backend, leave)
        replies.append(answer.reply)
        return answer

    monkeypatch.setattr(Kubernetes, "evict", late)
    outcome = drained(bench)
    assert len(old & {pod["metadata"]["uid"] for pod in bench.pods().values()}) == 2
    assert (replies, outcome.evicted, bench.evictions()) == (["gone", "gone"], 0, {})
    assert (len(bench.pods()), bench.on(*TARGETS)) == (4, [])


def test_work_on_two_nodes_is_not_evicted_from_the_one_that_is_set_aside(bench: Bench) -> None:
    bench.planner.per_wave = 2
    bench.server.load([maker("Deployment", "web", 8)])
    theirs = {"annotations": {MARK: json.dumps({"run": "another", "wasSchedulable": True})}}
    bench.server.change("nodes", "gpu0", metadata=theirs, spec={"unschedulable": True})
    before = bench.on("gpu0")
    with pytest.raises(NotDrainedError) as caught:
        order.drain(bench.world(), bench.request(max_unavailable=2))  # it is met as its wave begins
    assert [(one.kind, one.subject) for one in caught.value.outcome.held] == [("marked", "gpu0")]
    assert (len(before), bench.on("gpu0"), bench.on("gpu1")) == (2, before, [])
    assert len(bench.evictions()) == 2


def test_where_the_order_matters_work_stands_again_before_the_next_goes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.planner.per_wave, bench.planner.verdict = 2, "fits after reordering"
    bench.server.load([maker("Deployment", "a", 4), maker("Deployment", "b", 4)])
    makers = bench.server.controllers.makers
    assert makers is not None
    makers.asleep = True
    pass_time, evict, stood = Going.pass_time, Going.evict, dict[str, int]()

    def wake(going: Going, seconds: float) -> None:
        makers.asleep = False
        bench.server.bump("nodes", "gpu2")
        pass_time(going, seconds)

    def noted(going: Going, leave: Leave) -> None:
        bound = [pod for pod in bench.server.objects("pods") if pod["spec"].get("nodeName")]
        stood.setdefault(leave.pod[:4], sum(pod["metadata"]["name"].startswith("a-") for pod in bound))
        evict(going, leave)

    monkeypatch.setattr(Going, "pass_time", wake)
    monkeypatch.setattr(Going, "evict", noted)
    assert drained(bench).state == "drained"
    assert stood == {"ml/a": 4, "ml/b": 4}


@pytest.mark.parametrize(("refuses", "left"), [((), 0), (("ml/sweep",), 2)], ids=["proved", "no proof"])
def test_work_whose_wait_is_over_is_asked_for_its_checkpoint_first(
    bench: Bench, refuses: tuple[str, ...], left: int
) -> None:
    bench.hooks.refuses = refuses
    notes = {"dcctl.io/when-drained": "no longer, evict", "dcctl.io/checkpoint": "exec save"}
    bench.server.load([maker("Job", "sweep", 4, **notes)])
    if refuses:
        assert {one.kind for one in unfinished(bench).outcome.held} == {"checkpoint"}
    else:
        drained(bench)
    assert set(bench.hooks.asked) == {"ml/sweep"}
    assert len(bench.on(*TARGETS)) == left
