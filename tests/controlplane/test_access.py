"""What dcctl answers to whom, on the real API server: roles, tokens, and a server that is gone."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.controlplane.plane import ControlPlane
from tests.controlplane.workloads import deployment, namespace, reader

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.controlplane.client import ApiClient, Json

    Done = subprocess.CompletedProcess[str]

SPACE = "access"


@pytest.fixture(scope="module")
def work(plane: ControlPlane) -> list[str]:
    """Six nodes, and two replicas of four GPUs that the scheduler puts on some of the plane's nodes."""
    names = plane.add_nodes(6, prefix="access")
    plane.apply([namespace(SPACE), deployment("bert", SPACE, replicas=2, gpus=4)])
    pods = f"/api/v1/namespaces/{SPACE}/pods"
    with plane.client() as admin:
        plane.wait_for(
            lambda: sum(each["status"]["phase"] == "Running" for each in admin.get(pods)["items"]) == 2
        )
    return names


def binding(role: str, account: str) -> Json:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{role}-{account}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "default"}],
    }


def as_user(kubeconfig: Path) -> dict[str, str]:
    return {"KUBECONFIG": str(kubeconfig)}


def wait_until_allowed(plane: ControlPlane, client: ApiClient, path: str) -> None:
    plane.wait_for(lambda: client.request("GET", path)[0] == 200, 30, f"{path} is allowed")


def error(done: Done) -> dict[str, Any]:
    """The error that -o json puts on stderr, with nothing on stdout."""
    assert done.stdout == ""
    found: dict[str, Any] = json.loads(done.stderr)
    assert found["schema"] == "dcctl/error/v1"
    assert found["error"]["exit_code"] == done.returncode
    error: dict[str, Any] = found["error"]
    return error


def test_the_printed_role_alone_gives_a_whole_answer(plane: ControlPlane, cli: Cli, work: list[str]) -> None:
    printed = cli("inventory", "sources", "--rbac")
    assert (printed.returncode, printed.stderr) == (0, "")
    role = yaml.safe_load(printed.stdout)
    token = plane.service_account_token("auditor")
    plane.apply([role, binding(role["metadata"]["name"], "auditor")])
    with plane.token_client(token) as auditor:
        wait_until_allowed(plane, auditor, f"/apis/apps/v1/namespaces/{SPACE}/replicasets")
        assert auditor.request("GET", f"/api/v1/namespaces/{SPACE}/secrets")[0] == 403
    env = as_user(plane.token_kubeconfig("auditor", token))
    done = cli("assess", "-i", "kubernetes", "--by", "workload", "-o", "json", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["gaps"] == []
    (bert,) = (row for row in found["items"] if row["workload"] == f"{SPACE}/bert")
    assert (bert["kind"], bert["members"], bert["accelerators"]) == ("Deployment", 2, 8)
    names = cli("inventory", "-i", "kubernetes", "-o", "name", env=env)
    assert (names.returncode, names.stderr) == (0, "")
    assert set(work) <= set(names.stdout.split())
    assert not any(token in text for each in (done, names) for text in (each.stdout, each.stderr))


def test_a_user_without_rights_is_refused(plane: ControlPlane, cli: Cli) -> None:
    env = as_user(plane.kubeconfig("nobody"))
    done = cli("assess", "-i", "kubernetes", env=env)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.count("\n") == 1
    assert 'dcctl: nodes: HTTP 403: User "nobody" cannot list this at the cluster scope' in done.stderr
    assert "dcctl inventory sources --rbac" in done.stderr
    told = error(cli("assess", "-i", "kubernetes", "-o", "json", env=env))
    assert told["exit_code"] == 4
    assert "HTTP 403" in told["why"]


def test_who_may_list_nodes_only_gets_those_and_is_told_the_rest(
    plane: ControlPlane, cli: Cli, work: list[str]
) -> None:
    plane.apply(reader("counter", "nodes"))
    with plane.client("counter") as counter:
        wait_until_allowed(plane, counter, "/api/v1/nodes")
    env = as_user(plane.kubeconfig("counter"))
    done = cli("assess", "-i", "kubernetes", "--by", "node", "-o", "json", env=env)
    assert (done.returncode, done.stderr) == (3, "")
    found = json.loads(done.stdout)
    gaps = {gap["subject"]: gap for gap in found["gaps"]}
    assert {"pods", "namespaces", "poddisruptionbudgets.policy", "jobs.batch"} <= set(gaps)
    assert "nodes" not in gaps
    assert {gap["cause"] for gap in gaps.values()} == {"denied"}
    (reason,) = {gap["reason"] for gap in gaps.values()}
    assert reason == 'HTTP 403: User "counter" cannot list this at the cluster scope'
    mine = [row for row in found["items"] if row["name"] in work]
    assert [row["accelerators"] for row in mine] == [8] * len(work)
    assert {
        row[key] for row in mine for key in ("allocated", "free", "cpu_requested_milli", "cpu_free_milli")
    } == {None}
    piped = cli("assess", "-i", "kubernetes", "-o", "name", env=env)
    assert piped.returncode == 3
    assert piped.stderr.count("\n") == 1, "the same refusal of many lists is one line"
    assert piped.stderr.startswith("dcctl: gap: ")
    assert {"pods", "namespaces", "jobs.batch"} <= set(re.split("[ ,:]+", piped.stderr))
    assert set(work) <= set(piped.stdout.split())


@pytest.mark.parametrize("token", ["not-a-token", "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"])
def test_a_wrong_token_is_no_credential(plane: ControlPlane, cli: Cli, token: str) -> None:
    env = as_user(plane.token_kubeconfig("stranger", token))
    done = cli("assess", "-i", "kubernetes", "-o", "json", env=env)
    told = error(done)
    assert (told["exit_code"], told["hint"]) == (4, "log in again")
    assert "HTTP 401" in told["why"]
    assert token not in done.stderr


@pytest.fixture(scope="module")
def doomed(binaries: Path) -> Iterator[ControlPlane]:
    """A plane of its own, whose API server a test may stop or kill."""
    with ControlPlane(binaries) as running:
        yield running


def test_a_server_that_hangs_and_one_that_is_dead_are_unreachable(doomed: ControlPlane, cli: Cli) -> None:
    env, pid = as_user(doomed.kubeconfig()), doomed.pids["kube-apiserver"]
    os.kill(pid, signal.SIGSTOP)
    try:
        hung = error(cli("assess", "-i", "kubernetes", "--timeout", "1.5", "-o", "json", env=env))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (hung["exit_code"], hung["hint"]) == (5, "a longer --timeout")
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    dead = cli("assess", "-i", "kubernetes", env=env)
    assert (dead.returncode, dead.stdout) == (5, "")
    assert doomed.url in dead.stderr
    assert "Connection refused" in dead.stderr
