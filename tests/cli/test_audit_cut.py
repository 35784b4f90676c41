"""`dcctl audit` that is cut short while one list of a cluster hangs: all other lists are kept."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kubeapi import ApiServer, objects
from tests.kubeapi.faults import Delay, match

HANGS = r"/networkpolicies"
ADMIN = {
    "kind": "ClusterRoleBinding",
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "metadata": {"name": "everybody"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "Group", "name": "system:authenticated"}],
}


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(kubelet=False) as running:
        running.load([objects.node("gpu1", 8), ADMIN])
        running.faults.add(match("GET", HANGS), Delay(120))
        yield running


def begin(server: ApiServer, home: dict[str, str], tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    config = str(server.kubeconfig(tmp_path / "kubeconfig"))
    return subprocess.Popen(
        [sys.executable, "-m", "dcctl", "audit", "-i", "kubernetes", "-o", "json", *words],
        env=home | {"KUBECONFIG": config},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(process: subprocess.Popen[str], saved: Path) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """The exit code, the answer and the evidence."""
    out, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    return process.returncode, json.loads(out), json.loads(saved.read_text())


def check_kept(answer: dict[str, Any], evidence: dict[str, Any], cause: str) -> None:
    assert "everybody" in json.dumps(answer["items"])
    assert {name for name, why in evidence["silent"].items() if why["cause"] == cause} == {"network_policies"}
    assert "network policies" in json.dumps(answer["gaps"])
    assert len(evidence["bindings"]) == 1
    assert evidence["clusters"]


def test_ctrl_c_keeps_the_lists_that_were_read(
    server: ApiServer, home: dict[str, str], tmp_path: Path
) -> None:
    saved = tmp_path / "seen.json"
    process = begin(server, home, tmp_path, "--save", str(saved))
    wait_until_all_but_one(server, process)
    process.send_signal(signal.SIGINT)
    code, answer, evidence = told(process, saved)
    assert code == 130
    check_kept(answer, evidence, "interrupted")


def test_a_deadline_keeps_the_lists_that_were_read(
    server: ApiServer, home: dict[str, str], tmp_path: Path
) -> None:
    saved = tmp_path / "seen.json"
    code, answer, evidence = told(
        begin(server, home, tmp_path, "--save", str(saved), "--deadline", "10"), saved
    )
    assert code == 3
    check_kept(answer, evidence, "timeout")


def wait_until_all_but_one(server: ApiServer, process: subprocess.Popen[str]) -> None:
    """Until nothing was asked for a while: of all that is asked, one hangs."""
    until, before = time.monotonic() + 60, -1
    while not server.faults.fired or len(server.seen("GET")) != before:
        before = len(server.seen("GET"))
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.7)
