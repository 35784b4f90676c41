"""`dcctl drain` killed at one of its writes, resumed, and held against a run that nobody disturbed."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from dcctl import journal
from dcctl.drain.act import order
from dcctl.drain.request import Gates
from dcctl.errors import UsageError
from dcctl.inventory.sources.http.client import Client
from tests.kubeapi import ApiServer
from tests.live.kubeapi.draining import Bench, budget, maker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dcctl.drain.request import Request
    from tests.kubeapi.status import Obj

TARGETS = ("gpu0", "gpu1")
_KILLED = 9
_DONE = 0


class Scenario(NamedTuple):
    """What is drained, and how."""

    name: str
    work: tuple[Obj, ...]
    gates: Gates = Gates()
    one_by_one: bool = True
    """One eviction at a time: each has its own lines in the journal."""
    undo: bool = False
    """The run is whole; it is killed while it is taken back."""
    again: bool = False
    """The run that resumes is killed too, at the same point."""


_KEY = {"dcctl.io/checkpoint": "exec save"}
SCENARIOS = (
    Scenario("deployment", (maker("Deployment", "web", 48),)),
    Scenario("budget", (maker("StatefulSet", "db", 16), budget("db", 14))),
    Scenario("gang", (maker("Job", "gang", 24, **_KEY), maker("Job", "other", 8))),
    Scenario("together", (maker("Deployment", "web", 40), budget("web", 30)), one_by_one=False),
    Scenario(
        "deleted",
        (maker("Deployment", "web", 16), budget("web", 16)),
        Gates(allow_pdb_violation=("ml/web",)),
    ),
    Scenario("mixed", (maker("Deployment", "web", 16), maker("StatefulSet", "db", 8), maker("Job", "j", 8))),
    Scenario("twice", (maker("Deployment", "web", 24),), again=True),
    Scenario("undone", (maker("Deployment", "web", 4),), undo=True),
)


class Counter:
    """Counts what may be the last thing that the process does."""

    def __init__(self, last: int = 0) -> None:
        """Dies at point `last`, from 1; 0: never."""
        self.count, self._last, self._lock = 0, last, threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self._last:
                os._exit(_KILLED)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Each write to the journal is three points (before, torn, after), each to the server two."""
        write, answer = journal._write, Client._answer

        def written(number: int, data: bytes) -> None:
            self()
            if self._last and self.count + 1 == self._last:
                os.write(number, data[: len(data) // 2])
            self()
            write(number, data)
            self()

        def answered(client: Client, asked: Any) -> Any:
            changes = asked.method != "GET" and "accessreviews" not in asked.target
            if changes:
                self()
            found = answer(client, asked)
            if changes:
                self()
            return found

        journal._write, Client._answer = written, answered  # type: ignore[assignment, method-assign]
        try:
            yield
        finally:
            journal._write, Client._answer = write, answer  # type: ignore[method-assign]


@dataclass
class Killed:
    """One scenario on a cluster of its own."""

    scenario: Scenario
    folder: Path
    uids: set[str] = field(default_factory=set)

    def state(self, bench: Bench) -> object:
        """What is to be the same however often the run was killed."""
        bench.server.controllers.settle()  # the kubelet may have ended a pod just now
        nodes = {}
        for index in range(bench.nodes):
            free, mark, taints = bench.node(f"gpu{index}")
            told = mark and (mark["who"], mark["reason"], mark["wasSchedulable"])
            nodes[f"gpu{index}"] = (free, told, taints)
        pods = bench.server.objects("pods", "ml")
        stand = sorted(each["metadata"]["labels"]["app"] for each in pods if "nodeName" in each["spec"])
        lease = bench.server.get("leases", "dcctl-drain", "kube-system")["spec"]["holderIdentity"]
        outcomes = [one.outcome.state for one in order.status(bench.folder / "journals")]
        return nodes, stand, lease, outcomes, bench.on(*TARGETS)

    def undisturbed(self) -> tuple[int, object]:
        """How many points there are, and the end of it."""
        with self._bench() as bench:
            counter = Counter()
            self._prepare(bench)
            with counter.counting():
                self._act(bench)
            return counter.count, self.state(bench)

    def at(self, point: int) -> object:
        """The end of a run that was killed at a point, and resumed. AssertionError: a rule was broken."""
        with self._bench() as bench:
            self._prepare(bench)
            for _ in range(1 + self.scenario.again):
                _in_a_child(lambda: self._act(bench), point)
            self._act(bench)
            end = self.state(bench)
            assert max(bench.evictions().values(), default=1) == 1, "a pod was evicted twice"
            assert bench.server.cluster.breaches == 0, "a budget was broken"
            if not self.scenario.undo:
                order.take_back(bench.world())
            left = [
                f"gpu{index}" for index in range(bench.nodes) if bench.node(f"gpu{index}") != (True, None, [])
            ]
            assert left == [], f"cordons are left behind: {left}"
            return end

    @contextmanager
    def _bench(self) -> Iterator[Bench]:
        with ApiServer(users={"admin-token": "admin"}, makers=True, clock_speed=20) as server:
            self.folder.mkdir(exist_ok=True)
            for path in (self.folder / "journals").glob("*"):
                path.unlink()
            yield self._loaded(Bench(server, self.folder))

    def _loaded(self, bench: Bench) -> Bench:
        bench.server.load(self.scenario.work)
        return bench

    def _request(self, bench: Bench) -> Request:
        return bench.request(gates=self.scenario.gates)

    def _prepare(self, bench: Bench) -> None:
        if self.scenario.undo:
            order.drain(bench.world(), self._request(bench))

    def _act(self, bench: Bench) -> None:
        """What a person would type, whatever was there before."""
        if self.scenario.undo:
            with suppress(UsageError):
                order.take_back(bench.world())
            return
        world = bench.world(fanout=1 if self.scenario.one_by_one else 32)
        try:
            order.resume(world)
        except UsageError as error:
            if "no run" in str(error) and not _is_over(bench):
                order.drain(world, self._request(bench))


def _is_over(bench: Bench) -> bool:
    return any(one.outcome.state == "drained" for one in order.status(bench.folder / "journals"))


def _in_a_child(act: Callable[[], None], point: int) -> None:
    """The act, in a process that ends at this point; one that has fewer points comes to its end."""
    child = os.fork()
    if not child:
        code = 70
        try:
            with Counter(point).counting():
                act()
            code = _DONE
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (_KILLED, _DONE)
