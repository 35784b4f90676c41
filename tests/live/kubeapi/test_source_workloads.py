"""Which pods make one workload, with its gang, queue, budgets, devices and owner: the whole way over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dcctl.inventory.model import Budget, Resources, Workload
from dcctl.inventory.occupancy.demand import demand_of
from dcctl.inventory.sources.kubernetes.source import KubernetesSource
from tests.kubeapi import ApiServer, kinds, shapes
from tests.kubeapi.objects import node, owner, plain, pod
from tests.live.kubeapi.source import source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.kubeapi.status import Obj

GPUS = {"nvidia.com/gpu": "8"}


def custom(group: str, plural: str, name: str, spec: Mapping[str, Any], owner_ref: Obj | None = None) -> Obj:
    """An object of a custom type in namespace `ml`; its UID is what `owner` makes of kind and name."""
    kind = next(each for each in kinds.ALL_CUSTOM if (each.group, each.plural) == (group, plural))
    obj = plain(kind, name, "ml", spec=dict(spec))
    obj["metadata"]["uid"] = owner(kind.name, name)["uid"]
    if owner_ref:
        obj["metadata"]["ownerReferences"] = [owner_ref]
    return obj


def members(name: str, count: int, **more: Any) -> list[Obj]:
    return [pod(f"{name}-{index}", "ml", f"gpu{index}", GPUS, **more) for index in range(count)]


def objects() -> list[Obj]:
    """One workload of each sort, as the controllers of the real world leave them."""
    return [shapes.namespace("ml", {"team": "vision"}), *services(), *gangs(), *leaders(), *singles()]


def services() -> list[Obj]:
    """A Deployment in the middle of a rollout, under a budget."""
    web = owner("Deployment", "web")
    labels = {"app": "web", "owner": "eve"}
    return [
        shapes.workload("replicasets", "web-1", "ml", 2, owner=web),
        shapes.workload("replicasets", "web-2", "ml", owner=web),
        *members("web-1", 2, owner=owner("ReplicaSet", "web-1"), labels=labels),
        *members("web-2", 1, owner=owner("ReplicaSet", "web-2"), labels=labels),
        shapes.disruption_budget("web", {"app": "web"}, "ml", max_unavailable=1),
    ]


def gangs() -> list[Obj]:
    """A PyTorchJob in Kueue, a Volcano Job, a group of the scheduler plugins."""
    torch = owner("PyTorchJob", "torch", "kubeflow.org/v1")
    volcano = owner("Job", "vc", "batch.volcano.sh/v1alpha1", owner_uid="vc-job")
    roles = {"pytorchReplicaSpecs": {"Master": {"replicas": 1}, "Worker": {"replicas": 3}}}
    admitted = {"queueName": "research", "priority": 50, "podSets": [{"name": "a", "count": 4}]}
    return [
        custom("kubeflow.org", "pytorchjobs", "torch", roles),
        *members("torch", 4, owner=torch, labels={"kueue.x-k8s.io/queue-name": "label"}, priority=7),
        custom("kueue.x-k8s.io", "workloads", "pytorchjob-torch-1", admitted, torch),
        custom("scheduling.volcano.sh", "podgroups", "vc-1234", {"minMember": 2, "queue": "gold"}, volcano),
        *members("vc", 3, owner=volcano, annotations={"scheduling.k8s.io/group-name": "vc-1234"}),
        custom("scheduling.x-k8s.io", "podgroups", "band", {"minMember": 3}),
        *members("band", 3, labels={"scheduling.x-k8s.io/pod-group": "band"}),
    ]


def leaders() -> list[Obj]:
    """A TrainJob above a JobSet above Jobs, a RayJob above its cluster, two replicas of a LeaderWorkerSet."""
    train = owner("TrainJob", "llm", "trainer.kubeflow.org/v1alpha1")
    jobset, ray = owner("JobSet", "set", "jobset.x-k8s.io/v1alpha2"), owner("RayJob", "ray", "ray.io/v1")
    roles = {"replicatedJobs": [{"name": "w", "replicas": 2, "template": {"spec": {"parallelism": 2}}}]}
    workers = {"workerGroupSpecs": [{"minReplicas": 2, "numOfHosts": 2}]}
    size = {"leaderworkerset.sigs.k8s.io/size": "2"}
    found = [
        custom("jobset.x-k8s.io", "jobsets", "set", roles, train),
        custom("ray.io", "rayclusters", "ray-abc", workers, ray),
        *members("ray", 2, owner=owner("RayCluster", "ray-abc", "ray.io/v1")),
    ]
    for index in "01":
        labels = {
            "leaderworkerset.sigs.k8s.io/name": "lws",
            "leaderworkerset.sigs.k8s.io/group-index": index,
        }
        found += members(f"lws-{index}", 2, labels=labels, annotations=size)
        found.append(shapes.workload("jobs.batch", f"set-w-{index}", "ml", owner=jobset))
        found += members(f"set-w-{index}", 2, owner=owner("Job", f"set-w-{index}", "batch/v1"))
    return found


def singles() -> list[Obj]:
    """Pods that stand alone, a run of a CronJob, and two kinds that share a name."""
    return [
        *members("plain", 1),
        shapes.workload("jobs.batch", "nightly-1", "ml", owner=owner("CronJob", "nightly", "batch/v1")),
        *members("nightly-1", 1, owner=owner("Job", "nightly-1", "batch/v1")),
        shapes.workload("statefulsets", "db", "ml"),
        *members("db", 1, owner=owner("StatefulSet", "db")),
        *members("agent", 2, owner=owner("DaemonSet", "db")),
        pod("waiting", "ml", requests=GPUS, phase="Pending"),
        pod("done", "ml", "gpu0", GPUS, phase="Succeeded"),
        pod("static-gpu0", "ml", "gpu0", owner=owner("Node", "gpu0", "v1")),
    ]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Workload]]:
    with ApiServer(custom=kinds.ALL_CUSTOM, kubelet=False) as server:
        server.load(objects())
        fleet = source(server, tmp_path_factory.mktemp("kube")).collect()
        assert fleet.gaps == ()
        yield {work.id: work for work in fleet.workloads}


def test_every_pod_is_in_exactly_one_workload(found: dict[str, Workload]) -> None:
    names = sorted(member.name for work in found.values() for member in work.members)
    assert names == sorted(obj["metadata"]["name"] for obj in objects() if obj["kind"] == "Pod")


@pytest.mark.parametrize(
    ("identity", "kind", "count", "gang"),
    [
        ("ml/plain-0", "Pod", 1, None),
        ("ml/web", "Deployment", 3, None),
        ("ml/nightly-1", "Job", 1, None),
        ("ml/torch", "PyTorchJob", 4, 4),
        ("ml/vc", "Job", 3, 2),
        ("ml/band", "PodGroup", 3, 3),
        ("ml/llm", "TrainJob", 4, 4),
        ("ml/ray", "RayJob", 2, 5),
        ("ml/lws-0", "LeaderWorkerSet", 2, 2),
        ("ml/lws-1", "LeaderWorkerSet", 2, 2),
        ("ml/statefulset.apps/db", "StatefulSet", 1, None),
        ("ml/daemonset.apps/db", "DaemonSet", 2, None),
        ("ml/static-gpu0", "Pod", 1, None),
    ],
)
def test_the_top_of_the_owners_is_the_workload(
    found: dict[str, Workload], identity: str, kind: str, count: int, gang: int | None
) -> None:
    work = found[identity]
    assert (work.kind, len(work.members), work.gang_min) == (kind, count, gang)


def test_queue_and_priority_are_those_of_the_scheduler(found: dict[str, Workload]) -> None:
    assert (found["ml/torch"].queue, found["ml/torch"].priority) == ("research", 50)
    assert found["ml/vc"].queue == "gold"


def test_who_answers_is_the_label_then_the_namespace(found: dict[str, Workload]) -> None:
    assert (found["ml/web"].owner, found["ml/torch"].owner) == ("eve", "vision")


def test_budgets_cover_the_pods_that_they_select(found: dict[str, Workload]) -> None:
    budget = Budget("web", allowed=1, desired_healthy=2, current_healthy=3, expected=3)
    assert found["ml/web"].budgets == (budget,)
    assert found["ml/torch"].budgets == ()


def test_phases_decide_what_counts(found: dict[str, Workload]) -> None:
    waiting, done = found["ml/waiting"].members[0], found["ml/done"].members[0]
    assert (waiting.phase, waiting.node) == ("pending", None)
    assert waiting.requests is not None
    assert waiting.requests.devices == {"nvidia.com/gpu": 8}
    assert (done.phase, done.node) == ("succeeded", "gpu0")
    assert done.requests == Resources(cpu_milli=0, memory_bytes=0, storage_bytes=0, pods=0)


def test_a_pod_that_is_being_deleted_counts_until_it_is_gone(tmp_path: Path) -> None:
    with ApiServer(kubelet=False) as server:
        going = pod("going", node="gpu0", requests=GPUS)
        going["metadata"] |= {"deletionTimestamp": "2026-03-01T09:00:00Z", "deletionGracePeriodSeconds": 30}
        server.load([going])
        (work,) = source(server, tmp_path).collect().workloads
    (member,) = work.members
    assert member.requests is not None
    assert member.requests.devices == {"nvidia.com/gpu": 8}


def test_what_makes_pods_anew_tells_what_eviction_does_to_them(tmp_path: Path) -> None:
    restarting = custom("jobset.x-k8s.io", "jobsets", "twice", {"failurePolicy": {"maxRestarts": 2}})
    of_set = owner("JobSet", "twice", "jobset.x-k8s.io/v1alpha2")
    job: dict[str, Any] = {"completions": 1, "backoffLimit": 0}
    revisions = {"currentRevision": "od-1", "updateRevision": "od-2"}
    made = [
        (shapes.workload("jobs.batch", "once", "ml", **job), "batch/v1", ""),
        (shapes.workload("jobs.batch", "again", "ml", owner=of_set, **job), "batch/v1", ""),
        (shapes.workload("statefulsets", "od", "ml", status=revisions), "apps/v1", "od-1"),
    ]
    with ApiServer(custom=kinds.ALL_CUSTOM, kubelet=False) as server:
        server.load([restarting])
        for each, version, revision in made:
            name, labels = (
                each["metadata"]["name"],
                {"controller-revision-hash": revision} if revision else {},
            )
            server.load([each])
            server.load(members(name, 1, owner=owner(each["kind"], name, version), labels=labels))
        fleet = source(server, tmp_path).collect()
    told = {
        one.name: fleet.disruptions[one.disruption or ""] for work in fleet.workloads for one in work.members
    }
    assert fleet.gaps == ()
    assert {name: (one.fatal, one.changed) for name, one in told.items()} == {
        "once-0": ("its Job has no retries left (backoffLimit 0, 0 failed)", False),
        "again-0": ("", False),
        "od-0": ("", True),
    }


def test_groups_of_one_owner_stay_apart(tmp_path: Path) -> None:
    served = owner("LeaderWorkerSet", "serve", "leaderworkerset.x-k8s.io/v1")
    with ApiServer(custom=kinds.ALL_CUSTOM, kubelet=False) as server:
        for index in range(2):
            notes = {"scheduling.k8s.io/group-name": f"serve-{index}"}
            server.load(
                [custom("scheduling.volcano.sh", "podgroups", f"serve-{index}", {"minMember": 2}, served)]
            )
            server.load(members(f"serve-{index}", 2, annotations=notes))
        fleet = source(server, tmp_path).collect()
    assert [(work.id, work.kind, work.gang_min) for work in fleet.workloads] == [
        ("ml/serve-0", "PodGroup", 2),
        ("ml/serve-1", "PodGroup", 2),
    ]


def test_a_namespace_limits_the_lists(tmp_path: Path) -> None:
    with ApiServer(kubelet=False) as server:
        server.load([pod("in", "ml"), pod("out", "web")])
        path = server.kubeconfig(tmp_path / "config")
        fleet = KubernetesSource("kubernetes:test", str(path), namespace="ml").collect()
        assert [work.id for work in fleet.workloads] == ["ml/in"]
        assert server.seen(path="/api/v1/namespaces/ml/pods")
        assert not server.seen(path="/api/v1/pods")


def test_what_other_namespaces_hold_is_unknown_not_free(tmp_path: Path) -> None:
    with ApiServer(kubelet=False) as server:
        server.load([node("gpu0", 8), pod("in", "ml", "gpu0", {"nvidia.com/gpu": "1"})])
        path = server.kubeconfig(tmp_path / "config")
        fleet = KubernetesSource("kubernetes:test", str(path), namespace="ml").collect()
    assert demand_of(fleet) == {"gpu0": None}
    (gap,) = fleet.gaps
    assert (gap.subject, gap.cause) == ("pods of other namespaces", "limited")
    assert "only the namespace ml was read" in gap.reason
