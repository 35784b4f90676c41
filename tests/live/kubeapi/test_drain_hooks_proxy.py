"""A command in a container, where the API server is reached through a proxy."""

from __future__ import annotations

import json
import select
import socket
import socketserver
import threading
from typing import TYPE_CHECKING, cast

from dcctl.drain.act.hooks.kubernetes import KubernetesHooks
from dcctl.drain.campaign import Leave, Unit
from dcctl.inventory.sources.kubernetes.auth import connect
from tests.asked import hook_of
from tests.kubeapi.kubelet import Said
from tests.live.kubeapi.drain_bench import opened

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Tunnel(socketserver.StreamRequestHandler):
    """CONNECT, and then bytes both ways."""

    def handle(self) -> None:
        head = [line.strip() for line in iter(self.rfile.readline, b"\r\n")]
        cast("Proxy", self.server).heads.append(b"\n".join(head).decode())
        host, _, port = head[0].split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            ends = {self.connection: far, far: self.connection}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.heads: list[str] = []


def test_through_a_proxy_as_all_other_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with opened(tmp_path, tls=True) as bench, Proxy() as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        bench.container().programs["save"] = lambda _words: Said()
        path = bench.server.kubeconfig(tmp_path / "proxied")
        config = json.loads(path.read_text())
        port = proxy.server_address[1]
        config["clusters"][0]["cluster"]["proxy-url"] = f"http://127.0.0.1:{port}"
        path.write_text(json.dumps(config))
        hooks = KubernetesHooks(connect(str(path), None, 5))
        unit = Unit("ml/train", "Job", (Leave("ml/train-0", "g1"),), hook=hook_of("exec save"))
        assert hooks.checkpoint(unit) == "ml/train-0: save ended with exit code 0"
        proxy.shutdown()
        asked = [head.split()[:2] for head in proxy.heads]
        assert asked == [["CONNECT", f"127.0.0.1:{bench.server.port}"]] * 2, (
            "one for reads, one for the command"
        )


def test_a_proxy_of_the_environment_is_left_to_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client heeds NO_PROXY in its own way; the websocket goes the way of all other requests."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with opened(tmp_path, tls=True) as bench:
        bench.container().programs["save"] = lambda _words: Said()
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.delenv("no_proxy")
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert "save ended" in bench.ask(hook_of("exec save"))
