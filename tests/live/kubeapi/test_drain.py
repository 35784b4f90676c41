"""`dcctl drain` carried out on an emulated cluster: waves, waits, locks, and all of it undone."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from dcctl import journal
from dcctl.drain.act import order
from dcctl.drain.backends import Needs
from dcctl.drain.campaign import Campaign, Finding
from dcctl.drain.outcome import NotDrainedError, Outcome
from dcctl.drain.request import Gates
from dcctl.errors import DeniedError, RefusedError, UsageError
from tests.kubeapi import ApiServer
from tests.live.kubeapi.draining import MARK, Bench, Surveyor, Watched, budget, maker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

USERS = {"admin-token": "admin", "bob-token": "bob"}
TARGETS = ("gpu0", "gpu1")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ApiServer(users=USERS, makers=True, clock_speed=20) as server:
        yield Bench(server, tmp_path)


def drained(bench: Bench, **more: Any) -> Outcome:
    return order.drain(bench.world(**more), bench.request())


def unfinished(work: Callable[[], object]) -> Outcome:
    with pytest.raises(NotDrainedError) as caught:
        work()
    assert "--resume" in caught.value.hint
    return caught.value.outcome


def test_every_target_is_drained_and_kept_out_of_service(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 8), maker("StatefulSet", "db", 4), budget("db", 3)])
    before = bench.on(*TARGETS)
    outcome = drained(bench)
    assert bench.on(*TARGETS) == []
    assert len(bench.on("gpu2", "gpu3")) == 12
    assert (outcome.state, outcome.nodes, outcome.evicted) == ("drained", TARGETS, len(before))
    assert [one.evicted for one in outcome.waves] == [6]
    for name in TARGETS:
        free, mark, _ = bench.node(name)
        assert not free
        assert mark is not None
        assert (mark["run"], mark["reason"], mark["wasSchedulable"]) == (outcome.run, "PDU swap", True)
    assert bench.node("gpu2") == (True, None, [])
    assert set(bench.evictions().values()) == {1}
    assert bench.server.cluster.breaches == 0
    assert len([one for one in bench.server.seen("GET", "/api/v1/pods") if "watch" in one.query]) == 1


def test_all_targets_are_out_of_service_before_anything_is_moved(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 8)])
    drained(bench)
    writes = [one for one in bench.server.seen() if one.method in ("PATCH", "POST")]
    cordons = [index for index, one in enumerate(writes) if one.path.startswith("/api/v1/nodes/")]
    evictions = [index for index, one in enumerate(writes) if one.path.endswith("/eviction")]
    assert sum(index < min(evictions) for index in cordons) == 2
    assert sum(index > max(evictions) for index in cordons) == 2, "their marks say that they are drained"


def test_the_plan_that_was_agreed_to_lies_beside_the_journal(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 4)])
    outcome = drained(bench)
    path = Path(outcome.journal).with_suffix(".json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_bytes())["request"]["reason"] == "PDU swap"


def test_each_write_has_its_intent_before_it(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 4)])
    entries = journal.read(Path(drained(bench).journal)).entries
    told: set[str] = set()
    for one in entries:
        if one.state == "intent":
            told.add(one.step)
        elif one.step != journal.END:
            assert one.step in told


def test_undone_each_node_is_as_it_was(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 4)])
    bench.server.change("nodes", "gpu1", spec={"unschedulable": True})
    request = bench.request(gates=Gates(foreign_cordons=True))
    order.drain(bench.world(), request)
    planned = order.take_back(bench.world(dry_run=True))
    assert (planned.state, planned.nodes) == ("planned", TARGETS)
    assert not bench.node("gpu0")[0]
    outcome = order.take_back(bench.world())
    assert any("not brought back" in line for line in bench.asked[-1])
    assert outcome.state == "undone"
    assert (bench.node("gpu0"), bench.node("gpu1")) == ((True, None, []), (False, None, []))
    with pytest.raises(UsageError, match="no run"):
        order.take_back(bench.world())
    assert [one.outcome.state for one in order.status(bench.folder / "journals")] == ["undone"]


def test_undone_what_others_changed_since_is_told_and_left(bench: Bench) -> None:
    drained(bench)
    theirs = json.dumps({"run": "another"})
    bench.server.change("nodes", "gpu0", metadata={"annotations": {MARK: theirs}})
    outcome = order.take_back(bench.world())
    assert [(one.kind, one.node, one.says) for one in outcome.held] == [
        ("left", "gpu0", "it has the mark of the run another")
    ]
    assert bench.node("gpu0")[:2] == (False, {"run": "another"})
    assert bench.node("gpu1") == (True, None, [])


def test_a_node_with_the_mark_of_another_run_is_not_touched(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 8)])
    theirs = json.dumps({"run": "another", "wasSchedulable": True})
    meta = {"annotations": {MARK: theirs}}
    bench.server.change("nodes", "gpu0", metadata=meta, spec={"unschedulable": True})
    outcome = unfinished(lambda: drained(bench))
    assert [(one.kind, one.subject) for one in outcome.held] == [("marked", "gpu0")]
    assert (bench.on("gpu1"), len(bench.on("gpu0"))) == ([], 2)
    assert bench.node("gpu0")[1] == {"run": "another", "wasSchedulable": True}
    request = bench.request(gates=Gates(foreign_cordons=True))
    again = order.drain(
        bench.world(now_s=int(time.time()) + 1), msgspec.structs.replace(request, nodes=("gpu0",))
    )
    assert again.state == "drained"
    order.take_back(bench.world())
    assert bench.node("gpu0")[:2] == (False, {"run": "another", "wasSchedulable": True})


def test_the_second_administrator_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.server.load([maker("Deployment", "web", 4)])
    refused: list[RefusedError] = []

    def second() -> None:
        world = bench.world(backend=bench.backend(sleep=time.sleep), folder=tmp_path / "other")
        with pytest.raises(RefusedError, match="is under way: the run") as caught:
            order.drain(world, bench.request("gpu2"))
        refused.append(caught.value)

    drained(bench, lease_s=3, progress=Watched(1, second))
    assert refused
    assert bench.node("gpu2") == (True, None, [])


def test_a_lease_that_nobody_renews_is_taken_over_whatever_its_clock_says(bench: Bench) -> None:
    for when in ("2001-01-01T00:00:00.000000Z", "2199-01-01T00:00:00.000000Z"):
        spec = {"holderIdentity": "dead", "leaseDurationSeconds": 15, "renewTime": when}
        meta = {"name": "dcctl-drain", "namespace": "kube-system"}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
        bench.server.load([lease])
        bench.backend().lock("ours", "me").release()
        assert sum(bench.quick.taken) >= 15
        bench.quick.taken = []


def test_a_lost_lease_ends_the_run_before_its_next_write(bench: Bench) -> None:
    bench.server.load([maker("Deployment", "web", 8), maker("StatefulSet", "db", 4), budget("db", 4)])
    bench.planner.changed = lambda plan: msgspec.structs.replace(plan, findings=())

    def steal() -> None:
        bench.server.change("leases", "dcctl-drain", "kube-system", spec={"holderIdentity": "thief"})

    with pytest.raises(
        NotDrainedError, match="lease kube-system/dcctl-drain is lost: the run thief"
    ) as caught:
        drained(bench, lease_s=3, wait_s=60.0, progress=Watched(2, steal))
    assert caught.value.outcome.state == "unfinished"
    assert bench.server.get("leases", "dcctl-drain", "kube-system")["spec"]["holderIdentity"] == "thief"


def test_missing_rights_are_named_before_the_question(bench: Bench) -> None:
    bench.server.deny("bob", "create", "pods/eviction")
    bench.server.deny("bob", "patch", "leases.coordination.k8s.io")
    with pytest.raises(
        DeniedError, match=r"create pods/eviction, patch leases\.coordination\.k8s\.io in kube-system"
    ):
        drained(bench, user="bob")
    assert bench.asked == []
    lacking = bench.backend().lacking(Needs(deletes=True, execs=True, patches_pods=True))
    assert lacking == ()


def test_a_plan_that_is_blocked_is_not_begun(bench: Bench) -> None:
    finding = Finding("budget", "ml/db", "it allows nothing", cure="raise it to 2 replicas")
    bench.planner.changed = lambda plan: msgspec.structs.replace(plan, findings=(finding,))
    with pytest.raises(RefusedError, match="it allows nothing") as caught:
        drained(bench)
    assert caught.value.hint == "raise it to 2 replicas"
    assert bench.server.seen("PATCH") == []


def test_a_finding_that_is_new_ends_the_run(bench: Bench) -> None:
    finding = Finding("no-room", "ml/web", "it finds no room any more")

    def later(plan: Campaign) -> Campaign:
        return msgspec.structs.replace(plan, findings=(finding,)) if bench.planner.calls > 1 else plan

    bench.planner.changed = later
    assert unfinished(lambda: drained(bench)).waves == ()


def test_work_without_proof_stays_and_others_go_on(bench: Bench) -> None:
    bench.hooks.refuses = ("ml/gang",)
    key = {"dcctl.io/checkpoint": "exec save"}
    bench.server.load(
        [maker("Job", "gang", 4, **key), maker("Job", "good", 4, **key), maker("Job", "other", 4)]
    )
    outcome = unfinished(lambda: drained(bench))
    assert {one.kind for one in outcome.held} == {"checkpoint"}
    assert [name[:4] for name in bench.on(*TARGETS)] == ["gang", "gang"]
    bench.hooks.refuses = ()
    assert order.resume(bench.world()).state == "drained"
    assert bench.on(*TARGETS) == []
    proofs = [one for one in journal.read(Path(outcome.journal)).entries if "proof" in one.data]
    assert {one.step for one in proofs} == {"checkpoint ml/gang", "checkpoint ml/good"}


def test_work_that_is_waited_for_goes_once_it_ended(bench: Bench) -> None:
    key = "dcctl.io/when-drained"
    bench.server.load([maker("Deployment", "web", 4), maker("Job", "sweep", 4, **{key: "wait"})])

    def end() -> None:
        for name in bench.pods():
            if name.startswith("sweep"):
                bench.server.change("pods", name, "ml", status={"phase": "Succeeded"})

    assert drained(bench, progress=Watched(1, end)).state == "drained"
    assert bench.on(*TARGETS) == []


@pytest.mark.parametrize(("patience", "left"), [("wait 1s", 2), ("wait 1s then evict", 0)])
def test_a_wait_that_is_over_ends_as_was_asked(bench: Bench, patience: str, left: int) -> None:
    bench.server.load([maker("Job", "sweep", 4, **{"dcctl.io/when-drained": patience})])
    now_s = time.time()  # planned again on a slow machine, the wait would be over before the wave begins
    bench.planner = Surveyor(bench.server, bench.folder, clock=lambda: now_s)
    if left:
        assert {one.kind for one in unfinished(lambda: drained(bench)).held} == {"wait"}
    else:
        drained(bench)
    assert len(bench.on(*TARGETS)) == left


def test_so_many_nodes_are_out_of_service_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcctl.drain.act.run._RETURNED_S", 0.02)
    bench.server.load([maker("Deployment", "web", 8)])
    seen: list[list[bool]] = []

    def tell(line: str) -> None:
        if line.startswith("waits until nodes are given back"):
            seen.append([bench.node(name)[0] for name in TARGETS])
            assert bench.node("gpu1")[2] == ["PreferNoSchedule"]
            bench.backend().give_back(
                "gpu0", journal.journals(bench.folder / "journals", "drain")[0].header.run
            )

    outcome = order.drain(bench.world(tell=tell), bench.request(max_unavailable=1))
    assert seen == [[False, True]]
    assert outcome.nodes == TARGETS
    assert bench.node("gpu1")[0::2] == (False, [])
    assert bench.on("gpu1") == []


def test_a_wave_waits_for_its_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcctl.drain.act.run._RETURNED_S", 0.02)
    now = [1_800_000_000.0]

    def later(plan: Campaign) -> Campaign:
        waves = tuple(msgspec.structs.replace(one, start_s=1_800_000_200) for one in plan.waves)
        return msgspec.structs.replace(plan, waves=waves)

    def clock() -> float:
        now[0] += 10
        return now[0]

    bench.planner.changed = later
    assert drained(bench, clock=clock).state == "drained"
    assert any("begins at 2027-01-15" in line for line in bench.told)


def test_a_budget_that_its_own_eviction_used_up_is_waited_for_when_it_goes_on(bench: Bench) -> None:
    """Killed between two evictions: the budget is spent for the moment, and that is no news."""
    bench.server.load([maker("Deployment", "web", 4), budget("web", 3)])
    makers = bench.server.controllers.makers
    assert makers is not None
    bench.server.controllers.settle()
    makers.ready = False
    unfinished(lambda: drained(bench, wait_s=0.1, stand_s=0.1))
    assert sum(bench.evictions().values()) == 1

    def stands(line: str) -> None:
        if "waits" in line:
            for name in bench.pods():
                status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
                bench.server.change("pods", name, "ml", status=status)
            makers.ready = True

    assert order.resume(bench.world(tell=stands)).state == "drained"
    assert bench.on(*TARGETS) == []
    assert bench.server.cluster.breaches == 0


def test_nodes_that_do_not_come_back_end_the_run_at_its_deadline(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dcctl.drain.act.run._RETURNED_S", 0.02)
    bench.server.load([maker("Deployment", "web", 4)])
    late, now_s = [0], time.time()

    def tell(line: str) -> None:
        late[0] += 8000 * line.startswith("waits until nodes")

    request = bench.request(max_unavailable=1, deadline_s=int(now_s) + 7200)
    world = bench.world(tell=tell, clock=lambda: time.time() + late[0])
    with pytest.raises(NotDrainedError, match="the deadline came before gpu0 were given back") as caught:
        order.drain(world, request)
    assert caught.value.hint == "dcctl drain --resume"
    assert caught.value.outcome.nodes == ("gpu0",)


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_between_two_writes(bench: Bench, sent: int) -> None:
    bench.server.load([maker("Deployment", "web", 12)])
    deed = Watched(1, lambda: os.kill(os.getpid(), sent))
    outcome = unfinished(lambda: drained(bench, progress=deed))
    assert all(one.state != "intent" for one in _evictions(outcome))
    assert order.status(bench.folder / "journals")[0].outcome.state == "unfinished"
    assert bench.hooks.stopped, "nobody is asked for a checkpoint any more"
    assert order.resume(bench.world()).state == "drained"
    assert bench.on(*TARGETS) == []
    assert set(bench.evictions().values()) == {1}


def _evictions(outcome: Outcome) -> list[journal.Entry]:
    steps = journal.read(Path(outcome.journal)).steps
    return [entry for step, entry in steps.items() if step.startswith("evict")]


def test_a_run_on_another_cluster_is_not_resumed_here(bench: Bench, tmp_path: Path) -> None:
    bench.server.load([maker("Job", "gang", 4, **{"dcctl.io/checkpoint": "exec save"})])
    bench.hooks.refuses = ("ml/gang",)
    unfinished(lambda: drained(bench))
    with ApiServer(users=USERS, makers=True) as server:
        (tmp_path / "b").mkdir()
        other = Bench(server, tmp_path / "b")
        with pytest.raises(RefusedError, match="another cluster"):
            order.resume(other.world(folder=bench.folder / "journals"))
        with pytest.raises(RefusedError, match="another cluster"):
            order.take_back(other.world(folder=bench.folder / "journals"))
