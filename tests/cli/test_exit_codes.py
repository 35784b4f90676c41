"""Each exit code by a situation that has it. 130, 141 and 143 are in test_interrupt and test_streams."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.fleets import ONE, write
from tests.conftest import Cli


class _Refusing(BaseHTTPRequestHandler):
    """An API server that lets nobody in."""

    status = 401

    def do_GET(self) -> None:
        body = json.dumps(
            {"kind": "Status", "status": "Failure", "code": self.status, "message": "no"}
        ).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def cluster(tmp_path: Path, port: int) -> dict[str, str]:
    """The environment in which kubectl's current context is an API server on this port."""
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "a", "user": {"token": "s3cret"}}],
    }
    return {"KUBECONFIG": write(tmp_path, "kubeconfig", json.dumps(kubeconfig))}


@pytest.fixture
def closed() -> Iterator[int]:
    """A port that refuses connections: bound, not listening."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        yield server.getsockname()[1]


def test_0_done(cli: Cli, tmp_path: Path) -> None:
    assert cli("assess", "-i", write(tmp_path, "x.yaml", ONE)).returncode == 0


def test_1_changes(cli: Cli, tmp_path: Path) -> None:
    one, two = write(tmp_path, "1.yaml", ONE), write(tmp_path, "2.yaml", ONE.replace("8", "4", 1))
    done = cli("inventory", "diff", one, two)
    assert (done.returncode, done.stderr) == (1, "")
    assert cli("inventory", "diff", one, two, "-q").stdout == done.stdout
    assert cli("inventory", "diff", one, two, "--fail-on", "never").returncode == 0
    assert cli("inventory", "diff", one, one).returncode == 0


@pytest.fixture
def sick(tmp_path: Path, cli: Cli) -> str:
    """The demo fleet without its silent node: it has findings and no gap."""
    fleet = json.loads(cli("inventory", "snapshot", "-i", "demo").stdout) | {"gaps": []}
    return write(tmp_path, "sick.json", json.dumps(fleet))


def test_fail_on_says_what_counts_as_a_finding(cli: Cli, sick: str) -> None:
    level = {
        word: cli("assess", "-i", sick, "--fail-on", word).returncode
        for word in ("info", "warn", "crit", "never")
    }
    assert level["never"] == 0
    assert level["info"] == level["warn"] == 1
    wrong = cli("assess", "-i", sick, "--fail-on", "awful")
    assert wrong.returncode == 2
    assert "info, warn, crit, never" in wrong.stderr


def test_3_partial_wins_over_findings(cli: Cli) -> None:
    done = cli("assess", "-i", "demo", "--fail-on", "info")
    assert done.returncode == 3
    assert "gpu077" in done.stderr
    assert cli("assess", "-i", "demo", "--fail-on", "never").returncode == 3


@pytest.mark.parametrize("status", [401, 403])
def test_4_refused(cli: Cli, tmp_path: Path, status: int) -> None:
    handler = type("Handler", (_Refusing,), {"status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = cli("inventory", "-i", "kubernetes", env=cluster(tmp_path, server.server_port))
        server.shutdown()
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.count("\n") == 1
    assert "s3cret" not in done.stderr


def test_5_nothing_was_reachable(cli: Cli, tmp_path: Path, closed: int) -> None:
    ssh = f'kind = "ssh"\nnodes = "127.0.0.1"\nport = {closed}\nconfig_file = "/dev/null"\n'
    for words, env in (
        (("-i", "kubernetes"), cluster(tmp_path, closed)),
        (("--config", write(tmp_path, "ssh.toml", f"[[context.a.source]]\n{ssh}")), {}),
    ):
        done = cli("inventory", *words, "--timeout", "5", env=env)
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr.count("\n") == 1
        assert "refused" in done.stderr.lower()


def test_3_where_one_of_two_is_reachable(cli: Cli, tmp_path: Path, closed: int) -> None:
    path = write(tmp_path, "x.yaml", ONE)
    done = cli("inventory", "-i", path, "-i", "kubernetes", "-o", "json", env=cluster(tmp_path, closed))
    assert done.returncode == 3
    document = json.loads(done.stdout)
    assert [item["node"] for item in document["items"]] == ["gpu1"]
    assert document["gaps"][0]["source"].startswith("kubernetes")


def test_the_manual_lists_every_code(cli: Cli) -> None:
    page = cli("man", "exit-codes").stdout
    assert all(f"\\fB{code}\\fR" in page for code in (0, 1, 2, 3, 4, 5, 6, 7, 70, 130, 141, 143))
