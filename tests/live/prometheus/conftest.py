"""Fixtures: a Prometheus with ten days of a synthetic cluster, and proxies before it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from tests.components import need
from tests.conftest import ROOT
from tests.live.prometheus.cluster import Cluster
from tests.live.prometheus.kubernetes import Nodes
from tests.live.prometheus.proxy import Proxy
from tests.live.prometheus.server import Server, free_port
from tests.warm import Request

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.warm import Warm

DAYS = 10


@dataclass(frozen=True)
class Past:
    """A server, and the truth about what it holds."""

    server: Server
    cluster: Cluster
    nodes: Nodes

    @property
    def until(self) -> str:
        """The end, as an option has it."""
        return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(self.cluster.end_s))


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Ten days up to this midnight."""
    need("prometheus", "prometheus")
    end_s = int(time.time()) // 86400 * 86400
    start_s = end_s - DAYS * 86400
    found = Past(
        Server(tmp_path_factory.mktemp("prometheus")), Cluster(start_s, end_s), Nodes(start_s, end_s)
    )
    found.server.backfill(chain(found.cluster.samples(), found.nodes.samples()))
    found.server.start(free_port())
    try:
        yield found
    finally:
        found.server.stop()


@dataclass
class Asking:
    """Runs `dcctl assess history` as a user."""

    folder: Path
    warm: Warm
    env: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, cached: bool = False) -> subprocess.CompletedProcess[str]:
        fresh = () if cached else ("--fresh",)
        request = Request(("assess", "history", *words, *fresh), self.env, str(self.folder))
        assert self.warm.fits(self.env)
        return self.warm.run(request, None, 100)

    def json(self, *words: str, cached: bool = False) -> dict[str, Any]:
        """The answer as JSON."""
        done = self(*words, "-o", "json", cached=cached)
        assert done.returncode in (0, 3), done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def asking(folder: Path, warm: Warm) -> Asking:
    """The command, with folders of its own below one."""
    names = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "STATE", "CACHE")}
    kept = {key: os.environ[key] for key in ("PATH",) if key in os.environ}
    words = {"LANG": "C.UTF-8", "TZ": "UTC", "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    return Asking(folder, warm, {**kept, **names, **words})


@pytest.fixture
def ask(tmp_path: Path, warm: Warm) -> Asking:
    """The command, with folders of its own."""
    return asking(tmp_path, warm)


@pytest.fixture
def proxy(past: Past) -> Iterator[Callable[..., Proxy]]:
    """Start proxies before the server."""
    started: list[Proxy] = []

    def begin(fault: Any) -> Proxy:
        started.append(Proxy(past.server.url, fault))
        return started[-1]

    try:
        yield begin
    finally:
        for one in started:
            one.stop()
