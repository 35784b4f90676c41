"""What a real Prometheus makes of what exporters serve: labels of the scrape in the way, node_exporter."""

from __future__ import annotations

import http.server
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from dcctl.assess.history.queries import Rules
from dcctl.assess.history.signals import Found
from dcctl.cli.assess.prometheus import ask
from dcctl.inventory.sources.prometheus.client import Budget, Client
from dcctl.inventory.sources.prometheus.connection import Access, connect
from dcctl.inventory.sources.prometheus.source import PrometheusSource
from dcctl.inventory.timeseries import Window
from dcctl.render.progress import Progress
from tests.components import need
from tests.live.prometheus.server import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BOARD = 'UUID="GPU-{n}",modelName="NVIDIA L40S",{host}="gpu1",gpu="{n}",device="nvidia{n}"'
_POD = 'namespace="{team}",pod="{team}-train-0",container="main"'


def _exporter(host: str) -> str:
    """The text that dcgm-exporter serves: four boards, of which the last is free."""
    lines = []
    for number in range(4):
        board = _BOARD.format(n=number, host=host)
        pod = _POD.format(team="bio" if number else "nlp") if number < 3 else 'namespace="",pod=""'
        busy = (0.0, 0.8, 0.9, 0.0)[number]
        for name, value in (
            ("DCGM_FI_DEV_FB_USED", 4000 if number < 3 else 3),
            ("DCGM_FI_DEV_FB_FREE", 40000),
            ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", busy),
        ):
            lines.append(f"# TYPE {name} gauge\n{name}{{{board},{pod}}} {value}\n")
    return "".join(lines)


class _Serving(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = _exporter("Hostname" if "old" in self.path else "hostname").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


_SCRAPE = """
- job_name: dcgm
  honor_labels: {honour}
  metrics_path: /{spelling}
  static_configs:
  - targets: ["127.0.0.1:{port}"]
    labels: {{namespace: gpu-operator, pod: nvidia-dcgm-exporter-x7k2p}}
- job_name: node
  static_configs: [{{targets: ["127.0.0.1:{node_port}"]}}]
"""


@pytest.fixture
def exporter() -> Iterator[int]:
    """The port of the static exporter."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Serving)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def node_exporter() -> Iterator[int]:
    """The port of a real node_exporter."""
    program = need("prometheus-node-exporter", "prometheus-node-exporter")
    port = free_port()
    with subprocess.Popen(
        [
            program,
            f"--web.listen-address=127.0.0.1:{port}",
            "--collector.disable-defaults",
            "--collector.pressure",
        ],
        stderr=subprocess.DEVNULL,
    ) as process:
        yield port
        process.terminate()


@pytest.mark.parametrize("honour", ["true", "false"])
@pytest.mark.parametrize("spelling", ["old", "new"])
def test_who_holds_what_whatever_the_scrape_does_to_labels(
    tmp_path: Path, exporter: int, node_exporter: int, honour: str, spelling: str
) -> None:
    server = Server(tmp_path / "prometheus")
    scrape = _SCRAPE.format(honour=honour, spelling=spelling, port=exporter, node_port=node_exporter)
    server.start(free_port(), scrape)
    try:
        _until_scraped(_source(server, 1000))
        source = _source(server, 60)
        now_s = int(time.time())
        window = Window(now_s - 120, now_s, 60)
        with Progress(open("/dev/null", "w"), enabled=False) as progress:  # noqa: PTH123
            told, _ = ask(source, Found(frozenset(), {}), "team", window, Rules(), progress)
    finally:
        server.stop()
    assert bool(told.found.exported_jobs) == (honour == "false")
    held = {team: usage.held[-1] for (_, team, _), usage in told.owners.items()}
    assert held == {"nlp": 1, "bio": 2}
    assert told.present["NVIDIA L40S"][-1] == 4
    idle = {team: usage.idle[-1] for (_, team, _), usage in told.owners.items()}
    assert idle == {"nlp": 1, "bio": 0}


def _source(server: Server, most: int) -> PrometheusSource:
    return PrometheusSource(Client(connect(Access(server.url)), 20, Budget(most, [])), "prometheus")


def _until_scraped(source: PrometheusSource) -> None:
    """It begins to scrape five seconds after it is ready."""
    for _ in range(100):
        now_s = int(time.time())
        if source.at("DCGM_FI_PROF_GR_ENGINE_ACTIVE", now_s, "up"):
            time.sleep(1.1)
            return
        time.sleep(0.2)
    raise AssertionError("nothing was scraped")
