"""Evictions a second of a drain, on an emulated cluster that answers one in five with 429, under budgets.

The server is another process. Exits 1 when a target is missed: 100 a second, no budget broken, no pod evicted
twice.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from dcctl.drain.act import order  # noqa: E402 - the path comes first
from dcctl.drain.act.kubernetes.backend import Kubernetes  # noqa: E402
from dcctl.drain.act.world import World  # noqa: E402
from dcctl.drain.request import Request  # noqa: E402
from dcctl.inventory.sources.http.client import Client, Patience  # noqa: E402
from dcctl.inventory.sources.kubernetes.auth import connect  # noqa: E402
from dcctl.inventory.sources.kubernetes.objects import Objects  # noqa: E402
from tests.bench.drain_server import TARGETS  # noqa: E402
from tests.kubeapi.client import HttpApi  # noqa: E402
from tests.live.kubeapi.applying import Silence  # noqa: E402
from tests.live.kubeapi.draining import Asker, Planner  # noqa: E402

LEAST = 100.0


class Clocked(Silence):
    """When the first pod was gone, and the last."""

    def __init__(self) -> None:
        self.gone: list[float] = []

    def advance(self, text: str = "") -> None:
        self.gone.append(time.monotonic())


def drained(folder: Path, kubeconfig: str, url: str) -> Clocked:
    """All targets, in one wave."""
    connection, clocked = connect(kubeconfig, None, 10), Clocked()
    world = World(
        backend=Kubernetes(lambda deadline_s: Objects(Client(connection, deadline_s, Patience()))),
        hooks=Asker(),
        plan=Planner(HttpApi(url, "admin-token"), per_wave=TARGETS),
        progress=clocked,
        tell=lambda _line: None,
        consent=lambda _lines: None,
        folder=folder / "journals",
        now_s=int(time.time()),
        command="dcctl drain",
    )
    order.drain(world, Request(tuple(f"gpu{index:02}" for index in range(TARGETS))))
    return clocked


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.drain_server", folder]
        server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        kubeconfig, url = server.stdout.readline().strip(), server.stdout.readline().strip()
        began_s = time.monotonic()
        clocked = drained(Path(folder), kubeconfig, url)
        whole_s = time.monotonic() - began_s
        told = json.loads(server.communicate("\n")[0])
    rate = (len(clocked.gone) - 1) / (clocked.gone[-1] - clocked.gone[0])
    print(json.dumps(told | {"a_second": round(rate, 1), "whole_s": round(whole_s, 2), "least": LEAST}))
    return 0 if rate >= LEAST and not told["breaches"] and not told["twice"] else 1


if __name__ == "__main__":
    sys.exit(main())
