"""A server whose pods have containers, and the hooks of `dcctl drain` that ask them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from dcctl.drain.act.hooks.kubernetes import KubernetesHooks
from dcctl.drain.backends import NoProof
from dcctl.drain.campaign import Leave, Unit
from dcctl.inventory.sources.kubernetes.auth import connect
from tests.kubeapi import ApiServer, objects
from tests.kubeapi.kubelet import Container, Kubelets, Said, behind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dcctl.drain.request import Hook
    from tests.kubeapi.status import Obj

WAIT_S = 0.02
FILE = "/ckpt/latest"


class Impatient(threading.Event):
    """Waits a moment, however long it is asked to."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(min(WAIT_S, timeout or 0.0))


class Bench:
    """A server, the containers of its pods, and the hooks that ask them."""

    def __init__(self, server: ApiServer, folder: Path, user: str = "admin") -> None:
        self.server, self.kubelets, self.stop = server, Kubelets(), Impatient()
        behind(server, self.kubelets)
        connection = connect(str(server.kubeconfig(folder / user, user)), None, 5)
        self.hooks = KubernetesHooks(connection, self.stop)

    def container(self, pod: str = "train-0") -> Container:
        return self.kubelets.containers["ml", pod, "main"]

    def pods(self, *names: str, **spec: Any) -> None:
        for name in names:
            self.server.load([running(name, **spec)])

    def ask(
        self, hook: Hook, *pods: str, leader: str = "", gang: bool = False, uid: str | None = None
    ) -> str:
        leaves = tuple(Leave(f"ml/{each}", "g1", uid) for each in pods or ("train-0",))
        return self.hooks.checkpoint(Unit("ml/train", "Job", leaves, hook=hook, leader=leader, gang=gang))

    def refused(self, hook: Hook, uid: str | None = None) -> str:
        with pytest.raises(NoProof) as told:
            self.ask(hook, uid=uid)
        return str(told.value)


def running(name: str, state: Obj | None = None, **spec: Any) -> Obj:
    made = objects.pod(name, "ml", "g1")
    made["spec"] |= {"containers": [{"name": "main"}, {"name": "side"}], **spec}
    each = {"state": state or {"running": {"startedAt": objects.BORN}}, "ready": True}
    statuses = [{"name": container, **each} for container in ("main", "side")]
    made["status"] = {**made["status"], "phase": "Running", "containerStatuses": statuses}
    return made


def saves(bench: Bench, pod: str = "train-0", **more: int) -> Container:
    """The container of the pod writes its checkpoint when `save` runs."""
    container = bench.container(pod)
    container.ahead_s = more.pop("ahead_s", 0)

    def save(_words: list[str]) -> Said:
        container.write(FILE, **more)
        return Said()

    container.programs["save"] = save
    return container


@contextmanager
def opened(folder: Path, *, tls: bool) -> Iterator[Bench]:
    with ApiServer(users={"admin-token": "admin", "bob-token": "bob"}, tls=tls) as server:
        server.load([objects.node("g1")])
        made = Bench(server, folder)
        made.pods("train-0", "train-1", "train-10", "train-2")
        yield made
