"""`schedule apply` where no answer comes to a write: nobody knows whether it was done, until one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl import journal
from dcctl.errors import UnfinishedError
from dcctl.schedule.act import order
from tests.kubeapi import ApiServer
from tests.kubeapi.faults import Garbage, Reply, Reset, match
from tests.live.kubeapi.applying import RESUME, Bench, by_job, free, maker, pod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kubeapi.faults import Action


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ApiServer(makers=True, kubelet=False) as server:
        yield Bench(server, tmp_path)


ALL = 5
"""As often as one request is tried."""


def entries(bench: Bench) -> dict[str, journal.Entry]:
    """What the only journal says of each step."""
    (record,) = journal.journals(bench.folder / "journals", "schedule-apply")
    return record.steps


@pytest.mark.parametrize("action", [Reset(applied=True), Reply(503), Reply(429), Garbage()], ids=str)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", r"/deployments\?fieldManager=dcctl$"),
        ("PATCH", "/pods/"),
        ("PATCH", "/deployments/web"),
    ],
)
def test_what_nobody_knows_is_looked_up_when_the_run_goes_on(
    bench: Bench, method: str, path: str, action: Action
) -> None:
    """The server may have done a write to which no answer came: it counts neither as done nor as failed."""
    files, plan = bench.files([maker("Deployment", "web", 2)])
    bench.server.faults.add(match(method, path, first=ALL), action)
    with pytest.raises(UnfinishedError) as told:
        order.apply(bench.world(), files)
    assert told.value.hint == RESUME
    assert "failed" not in {one.state for one in entries(bench).values()}
    bench.server.faults.clear()
    assert order.resume(bench.world()).summary["placed"] == 2
    assert bench.by_work() == by_job(plan)
    spec = bench.server.get("deployments", "web", "ml")["spec"]
    assert (spec.get("paused"), spec["template"]["spec"].get("schedulingGates")) == (None, None)


def test_what_nobody_knows_is_looked_up_when_the_run_is_undone(bench: Bench) -> None:
    files, _ = bench.files([maker("Deployment", "web", 2)])
    rule = match("POST", r"/deployments\?fieldManager=dcctl$")
    bench.server.faults.add(rule, Reset(applied=True))
    with pytest.raises(UnfinishedError):
        order.apply(bench.world(), files)
    assert len(bench.server.objects("deployments")) == 1
    bench.server.faults.clear()
    order.take_back(bench.world())
    assert bench.server.objects("deployments") == []


def test_a_refusal_after_a_try_without_an_answer_proves_nothing(bench: Bench) -> None:
    files, plan = bench.files([maker("Deployment", "web", 2)])
    bench.server.faults.add(match("PATCH", "/pods/", nth=1), Reset(applied=True))
    bench.server.faults.add(match("PATCH", "/pods/", nth=2), Reply(403))
    with pytest.raises(UnfinishedError):
        order.apply(bench.world(), files)
    assert [one.state for step, one in entries(bench).items() if step.startswith("place")] == ["intent"]
    assert order.resume(bench.world()).summary["placed"] == 2
    assert bench.by_work() == by_job(plan)


def test_a_delete_that_nobody_knows_of_has_not_failed(bench: Bench) -> None:
    files, _ = bench.files([pod("lone", 8)])
    order.apply(bench.world(), files)
    bench.server.faults.add(match("DELETE", "/pods/lone"), Reply(503))
    with pytest.raises(UnfinishedError):
        order.take_back(bench.world())
    assert entries(bench)["delete Pod ml/lone"].state == "intent"
    bench.server.faults.clear()
    order.take_back(bench.world())


@pytest.mark.parametrize("action", [Reset(applied=True), Reply(503)], ids=str)
def test_a_binding_that_nobody_knows_of_is_looked_up(bench: Bench, action: Action) -> None:
    files, plan = free(bench)
    bench.server.faults.add(match("POST", r"/binding\?fieldManager=dcctl$", first=ALL), action)
    with pytest.raises(UnfinishedError):
        order.apply(bench.world(bind=True), files)
    (bound,) = [one for step, one in entries(bench).items() if step.startswith("bind")]
    assert bound.state == "intent"
    assert "may be bound to its node" in order.take_back(bench.world(dry_run=True)).gaps[0].reason
    assert order.resume(bench.world(bind=True)).summary["placed"] == 2
    assert bench.standing() == {one.member: one.node for one in plan.assignments}


def test_a_binding_that_is_refused_is_left(bench: Bench) -> None:
    files, _ = free(bench)
    bench.server.faults.add(match("POST", r"/binding\?fieldManager=dcctl$", nth=1), Reply(403))
    told = order.apply(bench.world(bind=True), files)
    assert (told.summary["placed"], len(told.gaps)) == (1, 1)
