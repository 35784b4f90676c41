"""`schedule apply` against an API server that refuses, breaks off, or is changed by others meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcctl import journal
from dcctl.errors import DeniedError, RefusedError, UnfinishedError, UsageError
from dcctl.schedule.act import order
from tests.kubeapi import ApiServer, objects
from tests.kubeapi.faults import Garbage, Reply, Reset, StreamError, Truncate, match
from tests.live.kubeapi.applying import COMMAND, RESUME, WORK, Bench, by_job, free, maker, pod, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kubeapi.faults import Action, Match

GATED = [{"name": "dcctl.io/plan"}]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    users = {"admin-token": "admin", "bob-token": "bob"}
    with ApiServer(users=users, makers=True, kubelet=False) as server:
        yield Bench(server, tmp_path)


def test_every_pod_stands_where_the_plan_says(bench: Bench) -> None:
    files, plan = bench.files()
    told = order.apply(bench.world(), files)
    assert bench.by_work() == by_job(plan)
    assert (told.summary["placed"], told.summary["pods"], told.gaps) == (14, 14, ())
    assert bench.standing()["lone"] == next(one.node for one in plan.assignments if one.member == "lone")
    assert all("schedulingGates" not in each["spec"] for each in bench.server.objects("pods", "ml"))
    writes = [one for one in bench.server.seen() if one.method in {"POST", "PATCH"}]
    managers = {one.query.get("fieldManager") for one in writes if "accessreviews" not in one.path}
    assert managers == {"dcctl"}
    (record,) = journal.journals(bench.folder / "journals", "schedule-apply")
    assert (record.outcome, len(record.steps)) == ("applied", 4 + 14 + 1 + 1)
    (lines,) = bench.asked
    assert lines[-1] == "Place 14 pods?"
    assert any("Deployment ml/web  6 on" in line for line in lines)


def test_a_dry_run_asks_the_server_and_changes_nothing(bench: Bench) -> None:
    files, _ = bench.files()
    told = order.apply(bench.world(dry_run=True), files)
    assert next(row[:3] for row in told.items.rows) == ("create", "Deployment ml/web", 6)
    assert bench.untouched()
    assert len([one for one in bench.server.seen("POST") if one.query.get("dryRun") == "All"]) == 4
    assert not (bench.folder / "journals").exists()


def test_what_stands_around_work_is_made_first_or_kept(bench: Bench) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "ml"},
        "data": {},
    }
    inside = maker("Deployment", "web", 2)
    inside["metadata"]["namespace"] = "new"
    bench.server.load([config])
    files, plan = bench.files([config, space, inside])
    told = order.apply(bench.world(), files)
    assert [row[:2] for row in told.items.rows] == [
        ("keep", "ConfigMap ml/c"),
        ("create", "Namespace default/new"),
        ("create", "Deployment new/web"),
    ]
    assert len(bench.server.objects("pods", "new")) == len(plan.assignments)
    order.take_back(bench.world())
    assert bench.asked[-1][-1] == "Delete 2 objects?"
    assert len(bench.server.objects("configmaps", "ml")) == 1
    assert bench.server.objects("deployments") == []


@pytest.mark.parametrize(
    ("rule", "action"),
    [
        (match("POST", "/deployments", first=2), Reply(429, {"Retry-After": "1"})),
        (match("PATCH", "/pods/", nth=3), Reply(500)),
        (match("PATCH", "/pods/", first=2), Reply(503)),
        (match("PATCH", "/pods/", nth=2), Reply(409)),
        (match("PATCH", "/pods/", nth=2), Reset()),
        (match("PATCH", "/pods/", nth=2), Reset(applied=True)),
        (match("POST", "/deployments", nth=2), Reset(applied=True)),
        (match("POST", "/jobs", nth=2), Truncate()),
        (match("GET", "watch=1", nth=1), StreamError()),
        (match("GET", "watch=1", nth=1), Reply(410)),
        (match("GET", "watch=1", first=2), Reply(500)),
        (match("GET", "watch=1", nth=1), Reset("after-headers")),
        (match("GET", r"/pods\?labelSelector", nth=1), Reply(429, {"Retry-After": "2"})),
    ],
    ids=str,
)
def test_what_passes_is_outlasted(bench: Bench, rule: Match, action: Action) -> None:
    files, plan = bench.files()
    bench.server.faults.add(rule, action)
    told = order.apply(bench.world(), files)
    assert bench.server.faults.fired
    assert told.summary["placed"] == 14
    assert bench.by_work() == by_job(plan)


def test_a_server_that_says_when_is_obeyed(bench: Bench) -> None:
    files, _ = bench.files()
    bench.server.faults.add(match("PATCH", "/pods/", nth=2), Reply(429, {"Retry-After": "7"}))
    order.apply(bench.world(), files)
    assert 7.0 in bench.naps.taken


def test_a_right_that_is_missing_is_told_before_anything_changes(bench: Bench) -> None:
    files, _ = bench.files()
    bench.server.deny("bob", "create", "statefulsets.apps")
    with pytest.raises(DeniedError, match="StatefulSet ml/store") as told:
        order.apply(bench.world("bob"), files)
    assert told.value.hint == "kubectl auth can-i --list"
    assert bench.untouched()


@pytest.mark.parametrize(("verb", "where"), [("watch", "all namespaces"), ("patch", "the namespace ml")])
def test_a_right_that_later_writes_need_is_told_before_anything_changes(
    bench: Bench, verb: str, where: str
) -> None:
    files, _ = bench.files()
    bench.server.deny("bob", verb, "pods")
    with pytest.raises(DeniedError, match=f"may not {verb} those of {where}"):
        order.apply(bench.world("bob"), files)
    assert bench.untouched()


def test_work_that_is_there_already_is_refused(bench: Bench) -> None:
    files, _ = bench.files()
    bench.server.load([maker("Job", "train", 4, 2)])
    with pytest.raises(RefusedError, match=r"Job ml/train: is there already|assignments do not hold"):
        order.apply(bench.world(), files)
    assert bench.untouched()


def test_a_right_that_is_lost_meanwhile_is_resumed(bench: Bench) -> None:
    files, plan = bench.files()
    bench.server.faults.add(match("PATCH", "/pods/", nth=5), Reply(403))
    with pytest.raises(UnfinishedError) as told:
        order.apply(bench.world(), files)
    assert told.value.hint == RESUME
    with pytest.raises(RefusedError, match="begun and is not finished"):
        order.apply(bench.world(), files)
    assert order.resume(bench.world()).summary["placed"] == 14
    assert bench.by_work() == by_job(plan)


def test_work_that_another_run_makes_is_not_to_be_deleted(bench: Bench) -> None:
    """Neither where its journal is here, nor where another machine has it."""
    files, _ = bench.files([maker("Job", "train", 2)])
    header = journal.Header(
        kind=order.KIND,
        run="theirs",
        plan="another",
        who="colleague",
        started_at_s=1,
        cluster=bench.server.get("namespaces", "kube-system")["metadata"]["uid"],
        command=COMMAND,
    )
    theirs = maker("Job", "train", 0)
    theirs["metadata"]["labels"] = {"dcctl.io/run": "theirs"}
    bench.server.load([theirs])
    with (
        journal.create(bench.folder / "journals", header),
        pytest.raises(RefusedError, match="schedule-apply on this cluster: is under way") as told,
    ):
        order.apply(bench.world(), files)
    assert told.value.hint == f"{COMMAND} --status"
    world = bench.world(folder=bench.folder / "elsewhere")
    with pytest.raises(RefusedError, match="the run theirs of dcctl made it, and may be under way") as told:
        order.apply(world, files)
    assert told.value.hint == f"{COMMAND} --status"
    assert (bench.untouched(), bench.asked) == (True, [])


def test_a_first_write_that_is_refused_changed_nothing(bench: Bench) -> None:
    files, _ = bench.files()
    bench.server.faults.add(match("POST", r"/deployments\?fieldManager=dcctl$"), Reply(403))
    with pytest.raises(RefusedError, match="nothing was changed"):
        order.apply(bench.world(), files)
    (record,) = journal.journals(bench.folder / "journals", "schedule-apply")
    assert record.outcome == "refused"
    with pytest.raises(UsageError, match="left to resume"):
        order.resume(bench.world())


def test_garbage_is_no_answer(bench: Bench) -> None:
    files, _ = bench.files()
    bench.server.faults.add(match("PATCH", "/pods/", nth=3), Garbage())
    with pytest.raises(UnfinishedError, match="the answer is not what it should be"):
        order.apply(bench.world(), files)
    assert order.resume(bench.world()).summary["placed"] == 14


def test_a_scheduler_that_sleeps_is_waited_for_and_the_run_resumed(bench: Bench) -> None:
    files, plan = bench.files()
    assert bench.server.controllers.makers is not None
    bench.server.controllers.makers.asleep = True
    with pytest.raises(UnfinishedError, match="0 of 14 pods stand: the time is over"):
        order.apply(bench.world(wait_s=2.0), files)
    bench.server.controllers.makers.asleep = False
    bench.server.controllers.settle()
    assert order.resume(bench.world()).summary["placed"] == 14
    assert bench.by_work() == by_job(plan)


def test_files_that_changed_are_not_resumed(bench: Bench) -> None:
    files, _ = bench.files()
    bench.server.faults.add(match("PATCH", "/pods/", nth=2), Reply(403))
    with pytest.raises(UnfinishedError):
        order.apply(bench.world(), files)
    with Path(files[1]).open("a") as file:
        file.write("# a comment\n")
    with pytest.raises(RefusedError, match="was changed since the run began"):
        order.resume(bench.world())


def cordon(bench: Bench, node: str) -> None:
    bench.server.change("nodes", node, spec={"unschedulable": True})


def vanish(bench: Bench, node: str) -> None:
    bench.server.remove("nodes", node)


def fill(bench: Bench, node: str) -> None:
    bench.server.load([objects.pod("other", node=node, requests={objects.GPU: "8"})])


def shrink(bench: Bench, node: str) -> None:
    status = bench.server.get("nodes", node)["status"]
    bench.server.change("nodes", node, status={"allocatable": {**status["allocatable"], objects.GPU: "0"}})


def darken(bench: Bench, node: str) -> None:
    conditions = [objects.condition("Ready", true=False)]
    bench.server.change("nodes", node, status={"conditions": conditions})


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (cordon, "cordoned"),
        (vanish, "not there any more"),
        (fill, "too few free"),
        (shrink, "accelerator"),
        (darken, "not ready"),
    ],
)
def test_drift_is_found_before_anything_changes(bench: Bench, what: object, why: str) -> None:
    files, plan = bench.files()
    what(bench, plan.assignments[-1].node)  # type: ignore[operator]
    with pytest.raises(RefusedError, match=f"assignments do not hold any more: .*{why}"):
        order.apply(bench.world(), files)
    assert bench.untouched()
    assert bench.asked == []


def test_a_plan_of_another_cluster_is_told(bench: Bench) -> None:
    files, _ = bench.files()
    text = Path(files[0]).read_text().replace("gpu", "elsewhere")
    Path(files[0]).write_text(text)
    with pytest.raises(RefusedError, match="none of its nodes is in this cluster"):
        order.apply(bench.world(), files)


def test_what_does_not_matter_is_no_drift(bench: Bench) -> None:
    files, _ = bench.files([pod("lone")])
    cordon(bench, "gpu3")
    bench.server.load([objects.node("newer", 8)])
    assert order.apply(bench.world(), files).summary["placed"] == 1


def test_pods_that_wait_behind_the_gate_are_placed(bench: Bench) -> None:
    bench.server.load(
        [waiting("a", schedulingGates=GATED), waiting("b", schedulingGates=[*GATED, {"name": "x/y"}])]
    )
    files, plan = bench.pending()
    told = order.apply(bench.world(), files)
    assert told.summary["placed"] == 1
    assert [(gap.subject, gap.reason) for gap in told.gaps] == [
        ("ml/b b", "waits behind the gate x/y, which is not ours")
    ]
    assert bench.standing() == {one.member: one.node for one in plan.assignments if one.member == "a"}
    told = order.take_back(bench.world())
    assert [gap.reason for gap in told.gaps] == [f"is kept to its node {bench.standing()['a']}"]


def test_pods_without_a_gate_are_bound_only_when_told_so(bench: Bench) -> None:
    files, plan = free(bench)
    with pytest.raises(UsageError, match="cannot be pinned in place; --bind"):
        order.apply(bench.world(), files)
    assert bench.standing() == {}
    told = order.apply(bench.world(bind=True), files)
    assert told.summary["placed"] == 2
    assert bench.standing() == {one.member: one.node for one in plan.assignments}
    assert any("passes by the scheduler" in note.text for note in told.notes)


def test_a_plan_of_files_needs_them_again(bench: Bench) -> None:
    files, _ = bench.files()
    with pytest.raises(UsageError, match="there is no such pod") as told:
        order.apply(bench.world(), files[:1])
    assert "give the manifests" in told.value.hint


def test_undo_deletes_what_was_made_and_nothing_else(bench: Bench) -> None:
    bench.server.load([pod("bystander", schedulingGates=[{"name": "x/y"}])])
    files, _ = bench.files()
    order.apply(bench.world(), files)
    bench.server.remove("jobs", "train", "ml")
    bench.server.load([maker("Job", "train", 1)])  # somebody else's, of the same name
    told = order.take_back(bench.world())
    assert [row[1] for row in told.items.rows] == [
        "Pod ml/lone",
        "Job ml/train",
        "StatefulSet ml/store",
        "Deployment ml/web",
    ]
    left = [each["metadata"]["name"] for each in bench.server.objects("jobs", "ml")]
    assert left == ["train"]
    assert bench.server.objects("deployments") == []
    assert "bystander" in {each["metadata"]["name"] for each in bench.server.objects("pods", "ml")}
    (record,) = journal.journals(bench.folder / "journals", "schedule-apply")
    assert record.outcome == "undone"
    assert bench.asked[-1][-1] == "Delete 4 objects?"


def test_undo_that_breaks_off_is_taken_up_again(bench: Bench) -> None:
    files, _ = bench.files()
    order.apply(bench.world(), files)
    bench.server.faults.add(match("DELETE", "/jobs", nth=1), Reply(403))
    with pytest.raises(UnfinishedError) as told:
        order.take_back(bench.world())
    assert told.value.hint == "dcctl schedule apply --undo"
    with pytest.raises(RefusedError, match="is being undone"):
        order.resume(bench.world())
    order.take_back(bench.world())
    assert bench.server.objects("deployments") == []


def test_a_pod_that_dies_meanwhile_leaves_its_place_to_the_next(bench: Bench) -> None:
    files, plan = bench.files([maker("Deployment", "web", 3)])
    assert bench.server.controllers.makers is not None
    bench.server.controllers.makers.asleep = True
    with pytest.raises(UnfinishedError):
        order.apply(bench.world(wait_s=1.5), files)
    victim = bench.server.objects("pods", "ml")[0]["metadata"]["name"]
    bench.server.remove("pods", victim, "ml")  # the controller makes another behind the gate
    bench.server.controllers.makers.asleep = False
    assert order.resume(bench.world()).summary["placed"] == 3
    assert bench.by_work() == by_job(plan)


def test_no_secret_reaches_the_journal(bench: Bench) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "ml"},
        "stringData": {"k": "hunter2"},
    }
    files, _ = bench.files([secret, *WORK])
    order.apply(bench.world(), files)
    (record,) = journal.journals(bench.folder / "journals", "schedule-apply")
    assert "hunter2" not in record.path.read_text()
    assert "admin-token" not in record.path.read_text()
    assert json.loads(record.path.read_text().splitlines()[0])["files"]


class Cut(BaseException):
    """The process ends here: nothing that comes after it happens."""


LINES = 1 + 2 * (2 + 3 + 1) + 1
"""Header, two lines for each of two objects, three pods and a gate that is lifted, and the end."""
CUTS = [*((line, -1) for line in range(LINES)), *((-1, line) for line in range(1, LINES - 1, 2))]


@pytest.mark.parametrize(("before", "after"), CUTS)
def test_a_run_that_ends_anywhere_is_resumed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    """`before` a line: what it tells of may have been done; `after` an intent: nothing was done yet."""
    files, plan = bench.files([maker("Deployment", "web", 2), pod("lone", 8)])
    append, told = journal.Journal._append, [0]

    def watched(self: journal.Journal, line: bytes) -> None:
        if told[0] == before:
            raise Cut
        append(self, line)
        if told[0] == after:
            raise Cut
        told[0] += 1

    with monkeypatch.context() as patched:
        patched.setattr(journal.Journal, "_append", watched)
        with pytest.raises(Cut):
            order.apply(bench.world(), files)
    if before == 0:
        order.apply(bench.world(), files)
    else:
        assert order.resume(bench.world()).summary["placed"] == 3
    assert bench.by_work() == by_job(plan)
    assert len(bench.server.objects("deployments")) == 1
    order.take_back(bench.world())
    assert bench.server.objects("deployments") == []


def test_a_gate_that_cannot_be_taken_out_is_told(bench: Bench) -> None:
    files, _ = bench.files()
    bench.server.deny("bob", "patch", "deployments.apps")
    told = order.apply(bench.world("bob"), files)
    assert told.summary["placed"] == 14
    assert [gap.subject for gap in told.gaps] == ["Deployment ml/web"]
    assert "wait behind the gate" in told.gaps[0].reason
    assert not bench.server.get("deployments", "web", "ml")["spec"].get("paused")


def test_a_deployment_that_stays_paused_is_resumed(bench: Bench) -> None:
    files, _ = bench.files()
    bench.server.faults.add(match("PATCH", "/deployments/web", nth=2), Reply(403))
    with pytest.raises(UnfinishedError, match="14 of 14 pods stand: Deployment ml/web is paused"):
        order.apply(bench.world(), files)
    assert bench.server.get("deployments", "web", "ml")["spec"]["paused"]
    order.resume(bench.world())
    spec = bench.server.get("deployments", "web", "ml")["spec"]
    assert "paused" not in spec
    assert "schedulingGates" not in spec["template"]["spec"]


def test_status_tells_of_every_run(bench: Bench) -> None:
    files, _ = bench.files()
    order.apply(bench.world(), files)
    told = order.status(bench.folder / "journals")
    assert [(row[1], row[4], row[5], row[6]) for row in told.items.rows] == [("applied", 4, 14, 0)]
    assert order.status(bench.folder / "none").items.rows == ()
