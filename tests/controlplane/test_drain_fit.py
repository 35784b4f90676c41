"""What `dcctl drain` says of room, and whether a real kube-scheduler finds it once the nodes are drained.

Hundreds of small clusters stand side by side on one API server. dcctl plans the drain of each from one
reading; then all are drained in the order of their plans, pods are made anew as their controllers would, and
the scheduler places them.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from msgspec.structs import replace

from dcctl.drain.campaign import WORST
from dcctl.drain.plan import plan
from dcctl.drain.request import Done, Request
from dcctl.inventory.sources.kubernetes.source import KubernetesSource
from tests.controlplane import components
from tests.controlplane.drain_clusters import Cluster
from tests.controlplane.drain_live import Quiet
from tests.controlplane.workloads import namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dcctl.drain.campaign import Campaign, Unit, Verdict
    from dcctl.inventory.model import Fleet
    from tests.controlplane.client import ApiClient, Json

CLUSTERS = 500
AGREE = 0.99
WORKERS = 8
SETTLED_S = 60.0
_FLAGS = ("--disable-admission-plugins=ServiceAccount,TaintNodesByCondition", "--max-requests-inflight=0")


class Scheduled(Quiet):
    """An API server and the real scheduler: pods are placed, and nobody else does anything."""

    def _start_clients_of_the_api(self, layout: components.Layout) -> None:
        self._spawn("kube-scheduler", components.kube_scheduler(layout))


class Outcome(NamedTuple):
    """What became of one cluster."""

    name: str
    verdict: Verdict
    homeless: tuple[str, ...]
    """Pods that the scheduler found no room for."""

    @property
    def agrees(self) -> bool:
        """Whether the scheduler did what was said."""
        if self.homeless:
            return self.verdict == "does not fit"
        return self.verdict in ("fits", "fits after reordering")


@pytest.fixture(scope="module")
def plane(binaries: Path) -> Iterator[Scheduled]:
    with Scheduled(binaries, _FLAGS) as running:
        yield running


def test_what_fits_finds_room(plane: Scheduled) -> None:
    clusters = [Cluster(seed) for seed in range(CLUSTERS)]
    build(plane, clusters)
    outcomes = drained(plane, clusters, planned(plane, clusters))
    told = table(outcomes)
    sys.stdout.write(f"{told}\n")
    assert [one for one in outcomes if one.verdict == "fits" and one.homeless] == [], told
    assert sum(one.agrees for one in outcomes) >= AGREE * CLUSTERS, told
    verdicts = Counter(one.verdict for one in outcomes)
    assert min(verdicts["fits"], verdicts["does not fit"]) >= CLUSTERS // 5, "verdicts of one sort prove less"
    assert verdicts["fits after reordering"] >= CLUSTERS // 50


def table(outcomes: Sequence[Outcome]) -> str:
    """Clusters by verdict and by what the scheduler did, and those that disagree by name."""
    counts = Counter((one.verdict, bool(one.homeless)) for one in outcomes)
    rows = [f"{verdict:22} {counts[verdict, False]:9} {counts[verdict, True]:9}" for verdict in WORST[::-1]]
    wrong = (f"disagrees: {one}" for one in outcomes if not one.agrees)
    return "\n".join([f"{'verdict':22} {'all stand':>9} {'some wait':>9}", *rows, *wrong])


def build(plane: Scheduled, clusters: Sequence[Cluster]) -> None:
    """All is there, and the scheduler knows it."""
    plane.create_many("/api/v1/namespaces", [namespace(one.name) for one in clusters])
    plane.create_many("/api/v1/nodes", [node for one in clusters for node in one.objects()])

    def fill(api: ApiClient, cluster: Cluster) -> None:
        for pod in cluster.pods.values():
            made(api, pod)
        for budget in cluster.budgets:
            made(api, budget, f"/apis/policy/v1/namespaces/{cluster.name}/poddisruptionbudgets")

    at_once(plane, clusters, fill)


def made(api: ApiClient, item: Json, path: str = "") -> None:
    status, body = api.request(
        "POST", path or f"/api/v1/namespaces/{item['metadata']['namespace']}/pods", item
    )
    assert status == 201, body


def at_once(
    plane: Scheduled, clusters: Sequence[Cluster], work: Callable[[ApiClient, Cluster], None]
) -> None:
    """Do it to each cluster, over several connections."""

    def some(start: int) -> None:
        with plane.client() as api:
            for each in clusters[start::WORKERS]:
                work(api, each)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(some, range(WORKERS)))


def planned(plane: Scheduled, clusters: Sequence[Cluster]) -> dict[str, Campaign]:
    """The plan of each cluster, from one reading of all."""
    whole = KubernetesSource(kubeconfig=str(plane.kubeconfig())).collect()
    assert [gap for gap in whole.gaps if gap.part] == []
    now_s = int(time.time())
    return {
        one.name: plan(alone(whole, one), Request(nodes=tuple(one.targets)), Done(), now_s)
        for one in clusters
    }


def alone(whole: Fleet, cluster: Cluster) -> Fleet:
    """One cluster of many."""
    here = {one.name for one in cluster.nodes}
    return replace(
        whole,
        nodes=tuple(one for one in whole.nodes if one.name in here),
        workloads=tuple(one for one in whole.workloads if one.id.startswith(f"{cluster.name}/")),
    )


def drained(plane: Scheduled, clusters: Sequence[Cluster], campaigns: dict[str, Campaign]) -> list[Outcome]:
    """Cordon, evict, make anew: step by step, of all clusters at the same time."""
    steps = {one.name: stages(one, campaigns[one.name]) for one in clusters}
    at_once(plane, clusters, cordon)
    for turn in range(max(map(len, steps.values()))):
        busy = [one for one in clusters if len(steps[one.name]) > turn]

        def move(api: ApiClient, cluster: Cluster, turn: int = turn) -> None:
            pods = steps[cluster.name][turn]
            for name in pods:
                path = f"/api/v1/namespaces/{cluster.name}/pods/{name}"
                status, body = api.request("DELETE", path, {"gracePeriodSeconds": 0})
                assert status == 200, body
            for name in pods:
                made(api, cluster.anew(name, turn))

        at_once(plane, busy, move)
        settle(plane)
        homeless = waiting(plane)
    return [
        Outcome(one.name, campaigns[one.name].verdict, tuple(homeless.get(one.name, ()))) for one in clusters
    ]


def cordon(api: ApiClient, cluster: Cluster) -> None:
    for name in cluster.targets:
        body = {"spec": {"unschedulable": True}}
        status, _ = api.request("PATCH", f"/api/v1/nodes/{name}", body, "application/merge-patch+json")
        assert status == 200


def stages(cluster: Cluster, campaign: Campaign) -> list[list[str]]:
    """Names of pods that leave together: of a wave that fits in whatever order, else unit by unit."""
    rng, found = Random(cluster.name), []
    for wave in campaign.waves:
        units = [moved(cluster, unit) for unit in wave.units]
        if wave.verdict == "fits":
            every = [name for unit in units for name in unit]
            units = [rng.sample(every, len(every))]
        found += [unit for unit in units if unit]
    return found


def moved(cluster: Cluster, unit: Unit) -> list[str]:
    """The pods that stop with a unit."""
    names = [leave.pod.partition("/")[2] for leave in unit.leaves]
    if unit.gang and unit.stops > len(names):
        return list(cluster.members[names[0].rpartition("-")[0]])
    return names


def waiting(plane: Scheduled) -> dict[str, list[str]]:
    """Pods without a node by cluster."""
    with plane.client() as api:
        items = api.get("/api/v1/pods?fieldSelector=spec.nodeName%3D")["items"]
    found: dict[str, list[str]] = {}
    for each in items:
        meta = each["metadata"]
        told: Json = next(
            (one for one in each["status"].get("conditions", ()) if one["type"] == "PodScheduled"), {}
        )
        found.setdefault(meta["namespace"], []).append(f"{meta['name']} {told.get('message', '')}")
    return found


def settle(plane: Scheduled) -> None:
    """The scheduler has had its say about every pod."""

    def quiet() -> bool:
        return all(each.partition(" ")[2] for pods in waiting(plane).values() for each in pods)

    plane.wait_for(quiet, SETTLED_S, "every pod has a node, or was refused one", 0.3)
