"""`dcctl drain` in this process against an emulated cluster of its own."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dcctl.drain.act.kubernetes.backend import Kubernetes
from dcctl.drain.act.world import World
from dcctl.drain.backends import NoProof
from dcctl.drain.campaign import Campaign, Leave, Stay, Target, Unit, Wave
from dcctl.drain.plan import plan
from dcctl.drain.request import Done, Hook, Request
from dcctl.inventory.sources.http.client import Client, Patience
from dcctl.inventory.sources.kubernetes.auth import connect
from dcctl.inventory.sources.kubernetes.objects import Objects
from tests.kubeapi import ApiServer, objects
from tests.kubeapi.client import HttpApi
from tests.live.kubeapi.applying import Silence
from tests.live.kubeapi.source import source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.kubeapi.status import Obj

COMMAND = "dcctl drain"
MARK = "dcctl.io/drain"
_OVER = ("Succeeded", "Failed")


class Quick:
    """Sleeps a hundredth of what it is asked to."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, wait_s: float) -> None:
        import time

        self.taken.append(wait_s)
        time.sleep(min(wait_s / 100, 0.05))


class Watched(Silence):
    """Does something once so many pods are gone."""

    def __init__(self, after: int, deed: Callable[[], object]) -> None:
        self._left, self._deed = after, deed

    def advance(self, text: str = "") -> None:
        self._left -= 1
        if self._left == 0:
            self._deed()


@dataclass
class Asker:
    """Stands in for what asks work for checkpoints."""

    refuses: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    stopped: bool = False

    def checkpoint(self, unit: Unit) -> str:
        self.asked.append(unit.workload)
        if unit.workload in self.refuses:
            raise NoProof("the file is as old as before")
        return "the file is newer"

    def stop(self) -> None:
        self.stopped = True


@dataclass
class Surveyor:
    """Surveys the cluster and plans, as the command does. `changed`: what is made of a plan."""

    server: ApiServer
    folder: Path
    changed: Callable[[Campaign], Campaign] = lambda plan: plan
    calls: int = 0
    clock: Callable[[], float] = time.time

    def __call__(self, request: Request, done: Done) -> Campaign:
        self.calls += 1
        fleet = source(self.server, self.folder).collect()
        return self.changed(plan(fleet, request, done, int(self.clock())))


@dataclass
class Planner:
    """Plans so many nodes a wave, and lets everything pass; work is what one object made."""

    api: HttpApi
    per_wave: int = 1
    verdict: str = "fits"
    restarts: int = 1
    changed: Callable[[Campaign], Campaign] = lambda plan: plan
    calls: int = 0

    def __call__(self, request: Request, done: Done) -> Campaign:
        self.calls += 1
        pods = self.api.request("GET", "/api/v1/pods")[2]["items"]
        left = [name for name in request.nodes if name not in done.nodes]
        parts = [left[start : start + self.per_wave] for start in range(0, len(left), self.per_wave)]
        waves = tuple(
            Wave(done.waves + number, tuple(part), self._units(pods, part, done), verdict=self.verdict)  # type: ignore[arg-type]
            for number, part in enumerate(parts, 1)
        )
        plan = Campaign(
            asked=request.asked,
            reason=request.reason,
            targets=tuple(Target(name, 1) for name in request.nodes),
            waves=waves,
            verdict="fits",
            stays=tuple(_stays(pods, left)),
            max_unavailable=request.max_unavailable,
        )
        return self.changed(plan)

    def _units(self, pods: Sequence[Obj], nodes: Sequence[str], done: Done) -> tuple[Unit, ...]:
        by_work: dict[str, list[Obj]] = {}
        for pod in pods:
            if pod["spec"].get("nodeName") in nodes and not _why_stays(pod):
                by_work.setdefault(_work(pod), []).append(pod)
        return tuple(self._unit(work, found, done) for work, found in sorted(by_work.items()))

    def _unit(self, work: str, pods: Sequence[Obj], done: Done) -> Unit:
        told = pods[0]["metadata"].get("annotations") or {}
        wait = told.get("dcctl.io/when-drained", "")
        leaves = tuple(_leave(pod, "wait" if wait else "evict") for pod in pods)
        return Unit(
            work,
            "Work",
            leaves,
            hook=Hook("exec", "save") if "dcctl.io/checkpoint" in told else None,
            proved=work in done.proved,
            waits_until_s=1 if wait.startswith("no longer") else None,
            after_wait="evict" if wait.endswith("evict") else "stop",
            restarts=self.restarts,
        )


def _leave(pod: Obj, how: str) -> Leave:
    meta, spec = pod["metadata"], pod["spec"]
    name = f"{meta['namespace']}/{meta['name']}"
    grace_s = spec.get("terminationGracePeriodSeconds")
    how = "delete" if "delete" in (meta.get("annotations") or {}) else how
    return Leave(name, spec["nodeName"], meta["uid"], how, grace_s)  # type: ignore[arg-type]


def _work(pod: Obj) -> str:
    owners = pod["metadata"].get("ownerReferences") or []
    name = owners[0]["name"] if owners else pod["metadata"]["name"]
    return f"{pod['metadata']['namespace']}/{name}"


def _stays(pods: Sequence[Obj], nodes: Sequence[str]) -> list[Stay]:
    found = [pod for pod in pods if pod["spec"].get("nodeName") in nodes and _why_stays(pod)]
    return [
        Stay(
            f"{pod['metadata']['namespace']}/{pod['metadata']['name']}",
            pod["spec"]["nodeName"],
            _why_stays(pod),  # type: ignore[arg-type]
        )
        for pod in found
    ]


def _why_stays(pod: Obj) -> str:
    owners = pod["metadata"].get("ownerReferences") or []
    if owners and owners[0]["kind"] == "DaemonSet":
        return "daemonset"
    if "deletionTimestamp" in pod["metadata"]:
        return "leaving"
    return "finished" if pod["status"].get("phase") in _OVER else ""


def maker(kind: str, name: str, count: int, **annotations: str) -> Obj:
    """A Deployment, StatefulSet or Job whose pods go at once when they are told to."""
    labels, batch = {"app": name}, kind == "Job"
    spec: Obj = {"containers": [{"name": "a", "image": "a:1"}], "terminationGracePeriodSeconds": 0}
    notes = {key.replace("_", "-"): value for key, value in annotations.items()}
    template: Obj = {"metadata": {"labels": labels, "annotations": notes}, "spec": spec}
    own: Obj = {"parallelism": count} if batch else {"replicas": count}
    meta = {"name": name, "namespace": "ml"}
    version = "batch/v1" if batch else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": {**own, "template": template}}


def budget(app: str, minimum: int, name: str = "") -> Obj:
    spec = {"minAvailable": minimum, "selector": {"matchLabels": {"app": app}}}
    meta = {"name": name or app, "namespace": "ml"}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec}


@dataclass
class Bench:
    """A cluster of nodes gpu0 to gpu3, over which work is spread, and the state directory."""

    server: ApiServer
    folder: Path
    nodes: int = 4
    quick: Quick = field(default_factory=Quick)
    asked: list[Sequence[str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    hooks: Asker = field(default_factory=Asker)

    def __post_init__(self) -> None:
        self.server.cluster.ensure_namespace("ml")
        self.server.load(objects.node(f"gpu{index}", 8) for index in range(self.nodes))
        if self.server.controllers.makers is not None:
            self.server.controllers.makers.ready = self.server.controllers.makers.spreads = True
        self.planner: Surveyor | Planner = Surveyor(self.server, self.folder)

    def plainly(self, per_wave: int = 1, verdict: str = "fits") -> Bench:
        """With a planner that lets everything pass: for what the server says at the time."""
        self.planner = Planner(HttpApi(self.server.url, "admin-token", timeout_s=10), per_wave, verdict)
        return self

    def pods(self) -> dict[str, Obj]:
        return {pod["metadata"]["name"]: pod for pod in self.server.objects("pods", "ml")}

    def on(self, *nodes: str) -> list[str]:
        """Names of the pods on some nodes."""
        pods = self.server.objects("pods")
        return sorted(pod["metadata"]["name"] for pod in pods if pod["spec"].get("nodeName") in nodes)

    def node(self, name: str) -> tuple[bool, dict[str, Any] | None, list[str]]:
        """Whether it takes work, its mark, and the effects of our taints."""
        found = self.server.get("nodes", name)
        mark = (found["metadata"].get("annotations") or {}).get(MARK)
        taints = [one["effect"] for one in found["spec"].get("taints") or () if one["key"] == MARK]
        return not found["spec"].get("unschedulable"), json.loads(mark) if mark else None, taints

    def request(self, *nodes: str, **more: Any) -> Request:
        return Request(nodes or ("gpu0", "gpu1"), "@rack1", "PDU swap", **more)

    def backend(
        self, user: str = "admin", lease_s: int = 15, sleep: Callable[[float], None] | None = None
    ) -> Kubernetes:
        kubeconfig = self.server.kubeconfig(self.folder / f"kubeconfig-{user}", user)
        connection = connect(str(kubeconfig), None, 10)
        patience = Patience(sleep=self.quick, spread=0.0, request_s=5.0)
        return Kubernetes(
            lambda deadline_s: Objects(Client(connection, deadline_s, patience)), lease_s, sleep or self.quick
        )

    def world(self, user: str = "admin", *, lease_s: int = 15, **more: Any) -> World:
        world = World(
            backend=self.backend(user, lease_s),
            hooks=self.hooks,
            plan=self.planner,
            progress=Silence(),
            tell=self.told.append,
            consent=self.asked.append,
            folder=self.folder / "journals",
            now_s=int(time.time()),
            command=COMMAND,
            wait_s=5.0,
            stand_s=5.0,
            margin_s=1.0,
        )
        return world._replace(**more)

    def evictions(self) -> Counter[str]:
        """How often each UID was evicted, of those that the server let go."""
        return Counter(self.server.cluster.evicted)
