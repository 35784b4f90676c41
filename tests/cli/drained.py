"""`dcctl drain` as a program against an emulated API server: run, told, killed at a write."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tests.cli.schemas import validate
from tests.conftest import ROOT
from tests.kubeapi import ApiServer, objects
from tests.warm import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.kubeapi.status import Obj
    from tests.warm import Warm

T = TypeVar("T")
MARK = "dcctl.io/drain"
FIRST = ("gpu0", "gpu1")
_KILLED = """
import os, signal, sys
from dcctl import journal
after = int(sys.argv.pop(1))
append, told = journal.Journal._append, [0]
def watched(self, line):
    append(self, line)
    told[0] += 1
    if told[0] == after:
        os.kill(os.getpid(), signal.SIGKILL)
journal.Journal._append = watched
from dcctl.cli.guard import guarded
sys.exit(guarded(sys.argv[1:]))
"""


class Program:
    """`dcctl drain` of a person whose cluster this server is; the state directory is the folder."""

    def __init__(self, server: ApiServer, folder: Path, warm: Warm) -> None:
        self.server, self.folder, self._warm = server, folder, warm
        server.cluster.ensure_namespace("ml")
        self.kubeconfig = server.kubeconfig(folder / "kubeconfig")

    def env(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
        own = {
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder),
            "KUBECONFIG": str(self.kubeconfig),
            "DCCTL_INVENTORY": "kubernetes",
        }
        return {"LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **kept, **own}

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._warm.run(Request(("drain", *words), self.env(), str(self.folder)), None, 120)

    def told(self, *words: str, code: int = 0) -> dict[str, Any]:
        done = self(*words, "-o", "json")
        assert done.returncode == code, done.stderr + done.stdout
        document: dict[str, Any] = json.loads(done.stdout)
        validate(document)
        return document

    def killed(self, after: int, *words: str) -> None:
        """A run that dies after so many writes to its journal."""
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, str(after), "drain", *words, "--yes"],
            env=self.env(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr

    def eventually(self, found: Callable[[], T]) -> T:
        """What is found once it is something; the test is over if that takes too long."""
        for _ in range(600):
            one = found()
            if one:
                return one
            time.sleep(0.1)
        raise AssertionError("it did not come about")


class Cluster(Program):
    """Four nodes of eight GPUs: work stands on the first two, the others are free."""

    def __init__(self, server: ApiServer, folder: Path, warm: Warm) -> None:
        super().__init__(server, folder, warm)
        makers = server.controllers.makers
        assert makers is not None
        makers.ready = True
        server.load(objects.node(name, 8, rack="a") for name in FIRST)

    def work(self, *made: Obj) -> None:
        """The work stands on the first two nodes; then there are two more."""
        self.server.load(made)
        self.server.controllers.settle()
        self.server.load(objects.node(name, 8, rack="b") for name in ("gpu2", "gpu3"))

    def node(self, name: str) -> tuple[bool, dict[str, Any] | None]:
        """Whether it takes work, and its mark."""
        found = self.server.get("nodes", name)
        mark = (found["metadata"].get("annotations") or {}).get(MARK)
        return not found["spec"].get("unschedulable"), json.loads(mark) if mark else None

    def on(self, *nodes: str) -> int:
        """How many pods stand on some nodes."""
        pods = self.server.objects("pods", "ml")
        return sum(pod["spec"].get("nodeName") in nodes for pod in pods)


@contextmanager
def opened(folder: Path, warm: Warm) -> Iterator[Cluster]:
    with ApiServer(makers=True) as server:
        yield Cluster(server, folder, warm)
