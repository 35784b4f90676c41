"""`dcctl schedule apply` as a program: kill -9 anywhere, two at once, Ctrl-C, the question, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dcctl import journal
from tests.cli import terminal
from tests.conftest import ROOT
from tests.kubeapi import ApiServer, objects
from tests.live.kubeapi.applying import Bench, by_job, maker, pod
from tests.warm import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.warm import Warm

SMALL = (maker("Deployment", "web", 1), pod("lone", 8))
KILLED = """
import os, signal, sys
from dcctl import journal
before, after = int(sys.argv.pop(1)), int(sys.argv.pop(1))
append, told = journal.Journal._append, [0]
def watched(self, line):
    if told[0] == before:
        os.kill(os.getpid(), signal.SIGKILL)
    append(self, line)
    if told[0] == after:
        os.kill(os.getpid(), signal.SIGKILL)
    told[0] += 1
journal.Journal._append = watched
from dcctl.cli.guard import guarded
sys.exit(guarded(sys.argv[1:]))
"""
LINES = 1 + 2 * 5 + 1
"""Header, two lines for each of two objects, two pods and a gate that is lifted, and the end."""


@dataclass
class Cluster(Bench):
    """A cluster, and the process that runs of the program are forked from."""

    warm: Warm = field(kw_only=True)


@pytest.fixture
def bench(tmp_path: Path, warm: Warm) -> Iterator[Cluster]:
    with ApiServer(makers=True, kubelet=False) as server:
        yield Cluster(server, tmp_path, warm=warm)


def env(bench: Cluster) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    own = {
        "HOME": str(bench.folder),
        "XDG_STATE_HOME": str(bench.folder),
        "KUBECONFIG": str(bench.kubeconfig),
    }
    return {"LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **kept, **own, "DCCTL_INVENTORY": "kubernetes"}


def dcctl(bench: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    assert bench.warm.fits(env(bench))
    return bench.warm.run(Request(("schedule", *words), env(bench), str(ROOT)), None, 60)


def killed_at(bench: Cluster, before: int, after: int, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(before), str(after), "schedule", *words],
        env=env(bench),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def started(bench: Cluster, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dcctl", "schedule", *words]
    out = subprocess.PIPE
    return subprocess.Popen(
        command, env=env(bench), stdout=out, stderr=out, text=True, stdin=subprocess.DEVNULL
    )


def ends_well(bench: Cluster, plan: Any) -> None:
    assert bench.by_work() == by_job(plan)
    assert len(bench.server.objects("deployments")) == 1


@pytest.mark.parametrize(("before", "after"), [(0, -1), (2, -1), (-1, 5), (LINES - 1, -1)])
def test_kill_9_is_resumed(bench: Cluster, before: int, after: int) -> None:
    """`before` a line: what it tells of may have been done; `after` an intent: nothing was done yet."""
    files, plan = bench.files(SMALL)
    killed = killed_at(bench, before, after, "apply", *files, "--yes")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    words = ("apply", *files, "--yes") if before == 0 else ("apply", "--resume")
    done = dcctl(bench, *words, "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"]["placed"] == 2
    ends_well(bench, plan)


@pytest.mark.parametrize("before", [2, 6])
def test_kill_9_is_undone(bench: Cluster, before: int) -> None:
    files, _ = bench.files(SMALL)
    killed = killed_at(bench, before, -1, "apply", *files, "--yes")
    assert killed.returncode == -signal.SIGKILL
    done = dcctl(bench, "apply", "--undo", "--yes")
    assert done.returncode == 0, done.stderr
    assert all("deletionTimestamp" in each["metadata"] for each in bench.server.objects("pods", "ml"))
    assert bench.server.objects("deployments") == []
    refused = dcctl(bench, "apply", "--resume")
    assert (refused.returncode, "left to resume" in refused.stderr) == (2, True)


def test_of_two_at_once_one_is_refused(bench: Cluster) -> None:
    files, plan = bench.files(SMALL)
    runs = [started(bench, "apply", *files, "--yes") for _ in range(2)]
    told = [(run.communicate(timeout=60), run.returncode) for run in runs]
    codes = sorted(code for _, code in told)
    assert codes in ([0, 6], [0, 7]), told
    assert "kubectl delete" not in str(told)
    ends_well(bench, plan)


def wait_for(bench: Cluster, method: str, path: str) -> None:
    """Until such a write has come, which was no trial."""
    until = time.monotonic() + 60
    while not [one for one in bench.server.seen(method, path) if "dryRun" not in one.query]:
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_tells_how_to_go_on_as_it_began(bench: Cluster, number: signal.Signals) -> None:
    files, plan = bench.files(SMALL)
    assert bench.server.controllers.makers is not None
    bench.server.controllers.makers.asleep = True
    (bench.folder / "c.toml").touch()
    options = ["--timeout", "30", "--config", str(bench.folder / "c.toml")]
    run = started(bench, "apply", *files, "--yes", "--wait", "300", *options)
    wait_for(bench, "PATCH", "/api/v1/namespaces/ml/pods/lone")
    run.send_signal(number)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 7
    assert "interrupted" in said
    hint = said.partition("Try: ")[2].strip()
    assert hint == f"dcctl schedule apply {' '.join(options)} --resume --wait 300"
    (record,) = journal.journals(bench.folder / "dcctl" / "journals", "schedule-apply")
    assert record.header.resume == hint
    listed = json.loads(dcctl(bench, "status", "-i", "demo", "-o", "json").stdout)
    assert hint in [note["command"] for note in listed["notes"]], "it goes on where it began"
    bench.server.controllers.makers.asleep = False
    bench.server.controllers.settle()
    done = dcctl(bench, *hint.split()[2:])
    assert done.returncode == 0, done.stderr
    ends_well(bench, plan)


def test_nobody_to_ask_is_no_consent(bench: Cluster) -> None:
    files, _ = bench.files(SMALL)
    done = dcctl(bench, "apply", *files)
    assert done.returncode == 6
    assert f"there is nobody to ask. Try: dcctl schedule apply {' '.join(files)} --yes" in done.stderr
    assert bench.untouched()
    assert not (bench.folder / "dcctl" / "journals").exists()


def test_what_to_type_where_there_is_nobody_to_ask(bench: Cluster) -> None:
    files, _ = bench.files(SMALL)
    assert dcctl(bench, "apply", *files, "--yes").returncode == 0
    done = dcctl(bench, "apply", "--undo", "--timeout", "20")
    hint = "dcctl schedule apply --timeout 20 --undo --yes"
    assert (done.returncode, f"Try: {hint}\n" in done.stderr) == (6, True), done.stderr
    assert dcctl(bench, *hint.split()[2:]).returncode == 0
    assert bench.server.objects("deployments") == []


@pytest.mark.parametrize(("answer", "code"), [("n\n", 6), ("\n", 6), ("y\n", 0)])
def test_the_question(bench: Cluster, answer: str, code: int) -> None:
    files, _ = bench.files(SMALL)
    seen = terminal.start(["schedule", "apply", *files], env(bench))
    text = terminal.plain(seen.read_until("[y/N]"))
    assert "create Deployment ml/web  1 on gpu1" in text
    assert "Place 2 pods? [y/N]" in text
    os.write(seen.master, answer.encode())
    assert seen.finish()[0] == code
    assert bench.untouched() == (code == 6)


def test_no_answer_at_the_question_is_130(bench: Cluster) -> None:
    files, _ = bench.files(SMALL)
    seen = terminal.start(["schedule", "apply", *files], env(bench))
    seen.read_until("[y/N]")
    seen.send(signal.SIGINT)
    assert seen.finish()[0] == 130
    assert bench.untouched()


def test_status_and_exit_codes(bench: Cluster) -> None:
    files, _ = bench.files(SMALL)
    cases = {
        ("apply",): 2,
        ("apply", "--resume", "--undo"): 2,
        ("apply", "--resume"): 2,
        ("apply", "none.json"): 2,
        ("apply", files[1]): 2,
        ("apply", files[0], "-"): 2,
        ("apply", *files, "-i", "demo"): 2,
        ("apply", *files, "--dry-run"): 0,
        ("apply", "--status"): 0,
    }
    assert {words: dcctl(bench, *words).returncode for words in cases} == cases
    assert dcctl(bench, "apply", *files, "--yes").returncode == 0
    told = json.loads(dcctl(bench, "apply", "--status", "-o", "json").stdout)
    assert [(row["state"], row["placed"]) for row in told["items"]] == [("applied", 2)]


def test_render_keeps_work_to_its_nodes_and_contacts_nobody(bench: Cluster) -> None:
    files, plan = bench.files((maker("Deployment", "web", 12), pod("lone", 8)))
    asked = len(bench.server.requests)
    done = dcctl(bench, "render", *files, "--to", "kubernetes")
    assert done.returncode == 0, done.stderr
    web, lone = yaml.safe_load_all(done.stdout)
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    (term,) = web["spec"]["template"]["spec"]["affinity"]["nodeAffinity"][required]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == sorted(set(by_job(plan)["ml/web"]))
    assert web["spec"]["template"]["spec"]["schedulingGates"] == [{"name": "dcctl.io/plan"}]
    (term,) = lone["spec"]["affinity"]["nodeAffinity"][required]["nodeSelectorTerms"]
    assert term["matchFields"][0]["values"] == by_job(plan)["ml/lone"]
    assert "schedulingGates" not in lone["spec"]
    assert len(bench.server.requests) == asked
    unknown = dcctl(bench, "render", *files, "--to", "nomad")
    assert (unknown.returncode, "known: kubernetes" in unknown.stderr) == (2, True)


SHORT = (maker("Deployment", "web", 35), pod("huge", 64))
"""More than four nodes of eight GPUs hold, and a pod that no node does."""


def gaps_of(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    return {gap["subject"]: (gap["reason"], gap["hint"]) for gap in json.loads(done.stdout)["gaps"]}


def test_what_the_plan_has_no_place_for_is_told(bench: Cluster) -> None:
    """It is a finding (exit code 1), as it is of the plan; what it waits for is named, and how to go on."""
    files, plan = bench.files(SHORT, short=True)
    trial = dcctl(bench, "apply", *files, "--dry-run", "-o", "json")
    assert trial.returncode == 1, trial.stderr
    short = "3 of its pods have no place in the plan (web-[7-9]): they wait behind the gate dcctl.io/plan"
    huge = "1 of its pods have no place in the plan (huge): it is not made"
    assert gaps_of(trial) == {
        "Deployment ml/web": (short, f"dcctl schedule explain ml/web {files[1]}"),
        "Pod ml/huge": (huge, f"dcctl schedule explain ml/huge {files[1]}"),
    }
    done = dcctl(bench, "apply", *files, "--yes", "-o", "json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert (told["summary"]["placed"], len(plan.assignments)) == (32, 32)
    assert gaps_of(done)["Deployment ml/web"] == (short, "dcctl schedule explain ml/web")
    (later,) = [note["command"] for note in told["notes"] if note["label"] == "later"]
    stands = bench.standing()
    waits = [pod for pod in bench.server.objects("pods", "ml") if pod["metadata"]["name"] not in stands]
    gated = [pod["spec"]["schedulingGates"] for pod in waits]
    assert gated == [[{"name": "dcctl.io/plan"}]] * 3
    assert dcctl(bench, *gaps_of(done)["Deployment ml/web"][1].split()[2:]).returncode in {0, 1}
    bench.server.load([objects.node("gpu9", 8)])
    path = later.rpartition("=")[2]
    again = dcctl(bench, *later.replace(path, str(bench.folder / path)).split()[2:])
    assert again.returncode == 0, again.stdout + again.stderr
    placed = dcctl(bench, "apply", str(bench.folder / path), "--yes", "-o", "json")
    assert (placed.returncode, json.loads(placed.stdout)["summary"]["placed"]) == (0, 3), placed.stderr
    assert len(bench.standing()) == 35


def test_the_question_tells_what_is_left_out(bench: Cluster) -> None:
    files, _ = bench.files(SHORT, short=True)
    seen = terminal.start(["schedule", "apply", *files], env(bench))
    text = terminal.plain(seen.read_until("[y/N]"))
    assert "left out: Deployment ml/web: 3 of its pods have no place in the plan (web-[7-9])" in text
    assert "left out: Pod ml/huge" in text
    os.write(seen.master, b"n\n")
    assert seen.finish()[0] == 6


def test_render_gates_work_of_which_some_has_no_place(bench: Cluster) -> None:
    files, _ = bench.files((maker("StatefulSet", "db", 5, gpus=8),), short=True)
    done = dcctl(bench, "render", *files)
    assert (done.returncode, "have no place in the plan (db-4)" in done.stderr) == (1, True), done.stderr
    files, _ = bench.files((maker("Deployment", "wide", 9, gpus=8),), short=True)
    (body,) = yaml.safe_load_all(dcctl(bench, "render", *files).stdout)
    assert body["spec"]["template"]["spec"]["schedulingGates"] == [{"name": "dcctl.io/plan"}]


@pytest.mark.parametrize("verb", ["render", "apply"])
def test_a_plan_that_counts_on_cuts_is_refused(bench: Cluster, verb: str) -> None:
    """Neither writes manifests for slices that are not there."""
    files, _ = bench.files(SMALL)
    path = Path(files[0])
    document = json.loads(path.read_text())
    cut = {"node": "gpu1", "device": "3", "before": [], "after": ["nvidia.com/mig-3g.71gb"]}
    path.write_text(json.dumps({**document, "details": {**document["details"], "cuts": [cut]}}))
    asked = len(bench.server.requests)
    done = dcctl(bench, verb, *files)
    assert done.returncode == 6
    assert "1 board being cut first (cut 1 idle board of gpu1 into 1 x 3g.71gb)" in done.stderr
    assert f"Try: dcctl schedule plan {files[1]} --no-cut" in done.stderr
    assert len(bench.server.requests) == asked


def test_nodes_that_dcctl_chose_are_not_asked_for(bench: Cluster) -> None:
    """The pod that a controller makes anew stands where there is room; a pod by itself does not."""
    files, _ = bench.files((maker("Deployment", "web", 2), pod("lone")))
    assert dcctl(bench, "apply", *files, "--yes").returncode == 0
    assert set(bench.standing().values()) == {"gpu0"}
    lost = json.loads(dcctl(bench, "whatif", "--fail", "gpu0", "-o", "json").stdout)
    assert {row["job"]: (row["members"], row["placed"]) for row in lost["items"]} == {
        "ml/web": (2, 2),
        "ml/lone": (1, 0),
    }


def test_work_that_dcctl_placed_may_move(bench: Cluster) -> None:
    def fill(name: str, gpus: int) -> None:
        bench.server.load([objects.pod(name, node="gpu0", requests={objects.GPU: str(gpus)})])

    fill("full", 8)
    files, _ = bench.files((maker("Deployment", "web", 2),))
    assert dcctl(bench, "apply", *files, "--yes").returncode == 0
    bench.server.remove("pods", "full", "default")
    fill("half", 4)
    moves = json.loads(dcctl(bench, "defrag", "-o", "json").stdout)["items"]
    assert [(row["from"], row["to"]) for row in moves] == [("gpu1", "gpu0")] * 2
