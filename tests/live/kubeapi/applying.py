"""`schedule apply` in this process against an emulated cluster of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from dcctl.inventory.sources.http.client import Client, Patience
from dcctl.inventory.sources.kubernetes.auth import connect
from dcctl.inventory.sources.kubernetes.objects import Objects
from dcctl.inventory.sources.kubernetes.source import KubernetesSource
from dcctl.schedule.act.kubernetes.backend import Kubernetes
from dcctl.schedule.act.order import World
from tests import plans
from tests.kubeapi import ApiServer, objects
from tests.live.kubeapi.source import Naps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcctl.inventory.model import Fleet
    from dcctl.packing.plan import Plan
    from tests.kubeapi.status import Obj

NODES = 4
COMMAND = "dcctl schedule apply"
RESUME = f"{COMMAND} --resume"


class Silence:
    """Stands in for the progress bar."""

    def start(self, total: int, label: str) -> None:
        """Nothing is drawn."""

    def advance(self, text: str = "") -> None:
        """Nothing is drawn."""


def spec(gpus: int) -> Obj:
    limits = {"cpu": "1", "memory": "1Gi", objects.GPU: str(gpus)}
    return {"containers": [{"name": "a", "image": "a:1", "resources": {"limits": limits}}]}


def maker(kind: str, name: str, count: int, gpus: int = 1) -> Obj:
    """A Deployment, StatefulSet or Job."""
    labels, batch = {"app": name}, kind == "Job"
    template: Obj = {"metadata": {"labels": labels}, "spec": spec(gpus)}
    own: Obj = {"parallelism": count, "completions": count} if batch else {"replicas": count}
    if batch:
        template["spec"]["restartPolicy"] = "Never"
    else:
        own["selector"] = {"matchLabels": labels}
    meta = {"name": name, "namespace": "ml"}
    version = "batch/v1" if batch else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": {**own, "template": template}}


def pod(name: str, gpus: int = 1, **more: Any) -> Obj:
    meta = {"name": name, "namespace": "ml"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**spec(gpus), **more}}


WORK = (
    maker("Deployment", "web", 6),
    maker("StatefulSet", "store", 3),
    maker("Job", "train", 4, 2),
    pod("lone", 8),
)


@dataclass
class Bench:
    """A cluster of four nodes of eight GPUs, a folder with files, and the state directory."""

    server: ApiServer
    folder: Path
    naps: Naps = field(default_factory=Naps)
    asked: list[Sequence[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.cluster.ensure_namespace("ml")
        self.server.load(objects.node(f"gpu{index}", 8) for index in range(NODES))
        self.kubeconfig = self.server.kubeconfig(self.folder / "kubeconfig")

    def fleet(self) -> Fleet:
        return KubernetesSource("kubernetes:test", str(self.kubeconfig)).collect()

    def files(self, work: Sequence[Obj] = WORK, *, short: bool = False) -> tuple[list[str], Plan]:
        """The plan file and the manifests, as `schedule apply` takes them; `short`: not all has a place."""
        path = self.folder / "work.yaml"
        path.write_text(yaml.safe_dump_all(work))
        plan = plans.of_files(self.fleet(), [path], "first-fit")
        assert bool(plan.unplaced) == short
        return [str(plans.write(self.folder / "plan.json", plan)), str(path)], plan

    def pending(self) -> tuple[list[str], Plan]:
        plan = plans.of_pending(self.fleet())
        return [str(plans.write(self.folder / "plan.json", plan))], plan

    def world(self, user: str = "admin", *, wait_s: float = 20.0, bind: bool = False, **more: Any) -> World:
        kubeconfig = self.server.kubeconfig(self.folder / f"kubeconfig-{user}", user)
        connection = connect(str(kubeconfig), None, 10)
        patience = Patience(sleep=self.naps, spread=0.0, request_s=5.0)
        world = World(
            backend=Kubernetes(
                lambda deadline_s: Objects(Client(connection, deadline_s, patience)), wait_s, bind=bind
            ),
            fleet=self.fleet,
            progress=Silence(),
            consent=self.asked.append,
            folder=self.folder / "journals",
            now_s=1_800_000_000,
            command=COMMAND,
        )
        return world._replace(**more)

    def standing(self) -> dict[str, str]:
        """The node of every pod of the namespace that has one."""
        pods = self.server.objects("pods", "ml")
        return {
            each["metadata"]["name"]: each["spec"]["nodeName"] for each in pods if "nodeName" in each["spec"]
        }

    def by_work(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for each in self.server.objects("pods", "ml"):
            work = (each["metadata"].get("annotations") or {}).get("dcctl.io/work", "")
            found.setdefault(work, []).append(each["spec"].get("nodeName", ""))
        return {work: sorted(nodes) for work, nodes in found.items()}

    def untouched(self) -> bool:
        """Whether no request changed anything: every write was a trial."""
        asks = "/apis/authorization.k8s.io/"
        writes = [one for one in self.server.seen() if one.method != "GET" and not one.path.startswith(asks)]
        return all(one.query.get("dryRun") == "All" for one in writes)


def by_job(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in plan.assignments:
        found.setdefault(one.job, []).append(one.node)
    return {job: sorted(nodes) for job, nodes in found.items()}


def waiting(name: str, **more: Any) -> Obj:
    """A pod that was made and has no node."""
    return {**pod(name, 8, **more), "status": {"phase": "Pending"}}


def free(bench: Bench) -> tuple[list[str], Plan]:
    """Two pods without a gate, which nobody binds, and their plan."""
    assert bench.server.controllers.makers is not None
    bench.server.controllers.makers.asleep = True
    bench.server.load([waiting("a"), waiting("b")])
    return bench.pending()
