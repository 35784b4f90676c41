"""A real Prometheus on loopback, with a past that promtool wrote."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING

from tests.components import need

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Server:
    """One server; `url` once it is started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, ""
        self.program = need("prometheus", "prometheus")
        self.tool = need("promtool", "prometheus")
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def backfill(self, lines: Iterable[str]) -> None:
        """Write a past into the data of the server, before it is started."""
        text = self.folder / "past.om"
        with text.open("w", encoding="utf-8") as file:
            file.writelines(lines)
            file.write("# EOF\n")
        command = [self.tool, "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
        subprocess.run(
            [*command, "--max-block-duration=744h", str(text), str(self.folder / "data")],
            check=True,
            capture_output=True,
            env=_lavish(),
            timeout=300,
        )
        text.unlink()

    def start(self, port: int, scrape: str = "", *options: str) -> None:
        """Start it and wait until it answers."""
        config = self.folder / "prometheus.yml"
        config.write_text(f"global:\n  scrape_interval: 1s\nscrape_configs:\n{scrape or '  []'}\n")
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            [
                self.program,
                f"--config.file={config}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                "--storage.tsdb.retention.time=10y",
                f"--web.listen-address=127.0.0.1:{port}",
                "--query.lookback-delta=15m",
                *options,
            ],
            stdout=log,
            stderr=log,
            env=_lavish(),
        )
        self.url = f"http://127.0.0.1:{port}"
        self._wait()

    def _wait(self) -> None:
        assert self.process is not None
        for _ in range(900):
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                    return
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)


def _lavish() -> dict[str, str]:
    """An environment in which Go takes memory rather than time to collect garbage."""
    return os.environ | {"GOGC": "800"}


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
