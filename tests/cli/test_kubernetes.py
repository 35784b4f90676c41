"""`dcctl assess -i kubernetes` where the API server refuses, breaks or lies: codes, gaps, and no secret."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli
from tests.kubeapi import ApiServer, objects
from tests.kubeapi.faults import Action, Delay, EndlessPage, Garbage, Reply, Reset, Truncate, match

TOKEN = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0LXRva2VuLW9mLXRoZS1hZG1pbg.c2lnbmF0dXJl"
PODS, NODES, APIS = r"^/api/v1/pods", r"^/api/v1/nodes", "^/apis$"
PODS_PER_NODE, NODE_COUNT = 101, 5
Done = subprocess.CompletedProcess[str]
Ask = Callable[..., Done]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """Five nodes of eight GPUs and 505 pods: two pages of pods. Each node has one pod of four GPUs."""
    with ApiServer(users={TOKEN: "admin"}, kubelet=False) as running:
        running.load(objects.node(f"gpu{index}", 8) for index in range(NODE_COUNT))
        running.load(
            objects.pod(
                f"p{index}-{number}",
                node=f"gpu{index}",
                requests={"cpu": "100m"} | ({objects.GPU: "4"} if number == 0 else {}),
            )
            for index in range(NODE_COUNT)
            for number in range(PODS_PER_NODE)
        )
        yield running


@pytest.fixture
def kubeconfig(server: ApiServer, tmp_path: Path) -> Path:
    return server.kubeconfig(tmp_path / "kubeconfig")


@pytest.fixture
def ask(cli: Cli, kubeconfig: Path, tmp_path: Path) -> Iterator[Ask]:
    """`dcctl assess -i kubernetes WORDS`; neither it nor any file it leaves shows the token."""

    def run(*words: str, timeout_s: float = 30, command: str = "assess") -> Done:
        env = {"KUBECONFIG": str(kubeconfig), "DCCTL_TIMEOUT": str(timeout_s)}
        done = cli(*command.split(), "-i", "kubernetes", *words, env=env)
        assert TOKEN not in done.stdout + done.stderr
        return done

    yield run
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path != kubeconfig]
    assert [path for path in left if TOKEN.encode() in path.read_bytes()] == []


def partial(done: Done) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON answer of a run with gaps, and its gaps by subject."""
    assert (done.returncode, done.stderr) == (3, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found, {gap["subject"]: gap for gap in found["gaps"]}


def fatal(done: Done, code: int) -> dict[str, Any]:
    """The JSON error of a run that gave nothing."""
    assert (done.returncode, done.stdout) == (code, "")
    error: dict[str, Any] = json.loads(done.stderr)["error"]
    assert error["exit_code"] == code
    return error


def test_a_whole_answer_has_no_gap(ask: Ask) -> None:
    done = ask("-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout)["summary"]
    assert (summary["accelerators"], summary["allocated"], summary["free"]) == (40, 20, 20)


@pytest.mark.parametrize(
    ("path", "action"),
    [
        (PODS + ".*continue", Reply(410)),
        (PODS, Reply(429, {"Retry-After": "1"})),
        (NODES, Reply(500)),
        (APIS, Reply(503)),
        (PODS, Reset("mid-body")),
        (NODES, Reset()),
        (PODS, Truncate()),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else type(value).__name__,
)
def test_what_passes_is_overcome(server: ApiServer, ask: Ask, path: str, action: Action) -> None:
    server.faults.add(match("GET", path, nth=1), action)
    done = ask("-o", "json")
    assert server.faults.fired == 1
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["summary"]["allocated"], found["items"][0]["pods_requested"]) == (20, 505)


@pytest.mark.parametrize(
    ("path", "action", "cause", "words", "hint"),
    [
        (PODS, Reply(403), "denied", "HTTP 403", "inventory sources --rbac"),
        (PODS + ".*continue", Reply(410), "truncated", "expired 4 times before its end", "less busy"),
        (PODS, Reply(429, {"Retry-After": "3600"}), "timeout", "asked to wait 3600 s", "a longer --timeout"),
        (PODS, Reply(500), "failed", "HTTP 500", ""),
        (PODS, Reset(), "failed", "the connection broke", ""),
        (PODS, Truncate(), "truncated", "the answer broke off (5 tries)", ""),
        (PODS, Garbage(), "invalid", "the answer is not what it should be", "what answers at this address"),
        (PODS, EndlessPage(), "invalid", "repeats a page for ever", "upgrade"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_list_that_stays_broken_is_a_gap_and_its_numbers_are_unknown(
    server: ApiServer, ask: Ask, path: str, action: Action, cause: str, words: str, hint: str
) -> None:
    server.faults.add(match("GET", path), action)
    found, gaps = partial(ask("-o", "json"))
    assert set(gaps) == {"pods"}
    assert gaps["pods"]["cause"] == cause
    assert words in gaps["pods"]["reason"]
    assert hint in gaps["pods"]["hint"]
    summary = found["summary"]
    assert (summary["accelerators"], summary["unknown"]) == (40, 40)
    assert {summary[key] for key in ("allocated", "free", "stranded", "more_jobs", "cpu_free_milli")} == {
        None
    }


def test_quotas_that_may_not_be_read_are_missed_where_work_waits(server: ApiServer, ask: Ask) -> None:
    server.deny("admin", "list", "resourcequotas")
    assert ask("-o", "json").returncode == 0
    spec = {"containers": [{"name": "c", "image": "i"}]}
    meta = {"name": "waits", "namespace": "default"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": "Pending"}}
    server.load([pod])
    _, gaps = partial(ask("-o", "json"))
    assert set(gaps) == {"resourcequotas"}
    assert "how much more work its namespaces may have is unknown" in gaps["resourcequotas"]["reason"]


def quota(**used: str) -> dict[str, Any]:
    amounts = {"requests.nvidia.com/gpu": "16", "pods": "9"}
    one = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "gpus", "namespace": "default"}}
    return {**one, "spec": {"hard": amounts}, "status": {"hard": amounts, "used": used}}


def test_a_plan_stays_within_the_quota_of_a_namespace(server: ApiServer, ask: Ask, tmp_path: Path) -> None:
    server.load([quota(pods="2", **{"requests.nvidia.com/gpu": "8"})])
    resources = {"limits": {"nvidia.com/gpu": 4}}
    template = {"spec": {"containers": [{"name": "c", "image": "i", "resources": resources}]}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train"}}
    manifest = tmp_path / "job.json"
    manifest.write_text(json.dumps({**job, "spec": {"parallelism": 3, "template": template}}))
    done = ask(str(manifest), "-o", "json", command="schedule plan")
    (one,) = json.loads(done.stdout)["notes"][:1]
    assert "quota gpus of default: 8 of 16 GPUs used, 12 asked for" in one["text"]
    cured = json.loads(ask("train", str(manifest), "-o", "json", command="schedule explain").stdout)
    assert cured["summary"]["cure"] == "raise the quota gpus of default by 4 GPUs"
    manifest.write_text(json.dumps({**job, "spec": {"parallelism": 2, "template": template}}))
    assert "quota" not in ask(str(manifest), "-o", "json", command="schedule plan").stdout


def test_quotas_are_in_the_snapshot(server: ApiServer, ask: Ask) -> None:
    server.load([quota(pods="2")])
    found = json.loads(ask(command="inventory snapshot").stdout)
    (one,) = found["quotas"]
    assert (one["account"], one["name"]) == ("default", "gpus")
    assert one["hard"] == {"pods": 9, "devices": {"nvidia.com/gpu": 16}}
    assert one["used"] == {"pods": 2}


def test_a_silent_list_ends_at_the_deadline(server: ApiServer, ask: Ask) -> None:
    server.faults.add(match("GET", PODS), Delay(20))
    _, gaps = partial(ask("-o", "json", timeout_s=8))
    assert gaps["pods"]["cause"] == "timeout"
    assert gaps["pods"]["hint"] == "a longer --timeout"


def test_a_slow_list_is_waited_for_unless_a_deadline_was_given(
    server: ApiServer, cli: Cli, kubeconfig: Path
) -> None:
    server.faults.add(match("GET", PODS, nth=1), Delay(11))  # longer than a silent server is waited for
    done = cli("assess", "-i", "kubernetes", "-o", "json", env={"KUBECONFIG": str(kubeconfig)})
    assert (done.returncode, done.stderr, server.faults.fired) == (0, "", 1)


def test_without_nodes_the_rest_is_still_an_answer(server: ApiServer, ask: Ask) -> None:
    server.deny("admin", "list", "nodes")
    found, gaps = partial(ask("-o", "json"))
    assert set(gaps) == {"nodes"}
    assert (found["items"], found["summary"]["nodes"]) == ([], 0)


@pytest.mark.parametrize("form", ["name", "csv", "jsonl", "table", "wide"])
def test_where_the_answer_is_for_programs_gaps_are_on_stderr(server: ApiServer, ask: Ask, form: str) -> None:
    server.deny("admin", "list", "pods")
    done = ask("-o", form, "--by", "node")
    assert done.returncode == 3
    assert done.stderr == (
        'dcctl: gap: pods: HTTP 403: User "admin" cannot list this at the cluster scope. '
        "Try: dcctl inventory sources --rbac | kubectl apply -f -\n"
    )
    assert "gpu0" in done.stdout


def test_metrics_have_no_sample_of_what_is_unknown(server: ApiServer, ask: Ask) -> None:
    whole = metrics(ask("-o", "prom"))
    server.deny("admin", "list", "pods")
    done = ask("-o", "prom")
    found = metrics(done)
    assert (done.returncode, done.stderr.count("gap: pods")) == (3, 1)
    up = 'dcctl_source_up{source="kubernetes:emulated"}'
    assert (whole[up], found[up]) == (1, 0)
    assert 'dcctl_report_gaps{kind="assess",source="kubernetes:emulated"} 1' in done.stdout
    missing = {
        *(f'dcctl_accelerators{{pool="",state="{word}"}}' for word in ("allocated", "free", "stranded")),
        *(f'dcctl_cpu_cores{{pool="",stage="{stage}"}}' for stage in ("requested", "free")),
        'dcctl_accelerators_allocated_ratio{pool=""}',
    }
    assert missing <= set(whole) - set(found)
    assert found['dcctl_accelerators{pool="",state="unknown"}'] == 40


def metrics(done: Done) -> dict[str, float]:
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize("form", ["yaml", "html", "json"])
def test_documents_carry_their_gaps(server: ApiServer, ask: Ask, form: str) -> None:
    server.deny("admin", "list", "pods")
    done = ask("-o", form)
    assert (done.returncode, done.stderr) == (3, "")
    assert "cannot list this at the cluster scope" in done.stdout


def test_a_snapshot_keeps_its_gaps_and_what_is_unknown(
    server: ApiServer, ask: Ask, cli: Cli, tmp_path: Path
) -> None:
    server.deny("admin", "list", "pods")
    taken = ask(command="inventory snapshot")
    assert taken.returncode == 3
    assert taken.stderr.startswith("dcctl: gap: pods: HTTP 403")
    (tmp_path / "saved.json").write_text(taken.stdout)
    found, gaps = partial(cli("assess", "-i", "saved.json", "-o", "json"))
    assert (set(gaps), found["summary"]["allocated"]) == ({"pods"}, None)


def test_quiet_is_not_silent_about_gaps(server: ApiServer, ask: Ask) -> None:
    server.deny("admin", "list", "pods")
    done = ask("-q", "-o", "name")
    assert (done.returncode, done.stderr.count("gap: pods")) == (3, 1)
    server.cluster.access.allow_all()
    quiet = ask("-q", "-o", "name")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_everything_refused_is_a_matter_of_credentials(server: ApiServer, ask: Ask) -> None:
    server.deny("admin", "*", "*")
    error = fatal(ask("-o", "json"), 4)
    assert (error["what"], error["why"][:8]) == ("nodes", "HTTP 403")
    text = ask()
    assert (text.returncode, text.stderr.count("\n")) == (4, 1)
    assert text.stderr.startswith("dcctl: nodes: HTTP 403")


def test_a_token_that_nobody_knows(server: ApiServer, ask: Ask) -> None:
    server.cluster.access.users.clear()
    error = fatal(ask("-o", "json"), 4)
    assert ("HTTP 401" in error["why"], error["hint"]) == (True, "log in again")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Reply(500), "HTTP 500"),
        (Reply(429, {"Retry-After": "60"}), "asked to wait 60 s"),
        (Reset(), "the connection broke"),
        (Truncate(), "the answer broke off"),
        (Garbage(), "not that of a Kubernetes API server"),
        (Delay(20), "no answer within the deadline"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_server_that_gives_nothing_is_unreachable(
    server: ApiServer, ask: Ask, action: Action, words: str
) -> None:
    server.faults.add(match(), action)
    assert words in fatal(ask("-o", "json", timeout_s=5), 5)["why"]


def test_a_dead_server(server: ApiServer, ask: Ask) -> None:
    server.down()
    error = fatal(ask("-o", "json"), 5)
    assert (error["why"], error["hint"]) == (f"{server.url}: Connection refused", "kubectl cluster-info")
    assert ask().stderr.count("\n") == 1


def test_a_node_set_that_cannot_be_read_contacts_nobody(server: ApiServer, ask: Ask) -> None:
    done = ask("-w", "gpu[")
    assert (done.returncode, done.stdout) == (2, "")
    assert server.requests == []


def test_a_watch_outlives_a_silent_cluster(server: ApiServer, home: dict[str, str], kubeconfig: Path) -> None:
    words = ("assess", "-i", "kubernetes", "--watch", "0.2", "-o", "json", "--timeout", "5")
    process = subprocess.Popen(
        [sys.executable, "-m", "dcctl", *words],
        env=home | {"KUBECONFIG": str(kubeconfig)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert json.loads(process.stdout.readline())["gaps"] == []
        server.down()
        assert process.stderr.readline().startswith("dcctl: ")
        server.up()
        while json.loads(process.stdout.readline())["gaps"]:
            pass  # an answer that was half-way when the server went
    finally:
        process.terminate()
        assert process.wait(60) == 143
