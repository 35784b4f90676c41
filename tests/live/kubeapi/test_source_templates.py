"""Where pods of a cluster may stand, as the source tells it of an emulated API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.inventory import snapshot
from dcctl.inventory.placement import Neighbours, Selector, Toleration
from tests.kubeapi import ApiServer, objects, shapes
from tests.live.kubeapi.source import gaps, source

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.inventory.model import Fleet, Template

OPEN = {"key": "nvidia.com/gpu", "operator": "Exists"}
NEAR_CACHES = {
    "podAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {
                "topologyKey": "zone",
                "labelSelector": {"matchLabels": {"app": "cache"}},
                "namespaceSelector": {"matchLabels": {"tier": "serving"}},
            }
        ]
    }
}


def cluster() -> ApiServer:
    """Three pods of one job, and one that wants to be near the caches of some namespaces."""
    server = ApiServer(kubelet=False)
    server.load(shapes.namespace(name, {"tier": "serving"}) for name in ("shop", "web"))
    server.load([objects.node("gpu0", 8)])
    owner = objects.owner("Job", "train", "batch/v1")
    own = {"batch.kubernetes.io/job-completion-index": "0", "app": "train"}
    server.load(
        objects.pod(
            f"train-{at}",
            "ml",
            "gpu0",
            owner=owner,
            labels=own | {"batch.kubernetes.io/job-completion-index": str(at)},
            tolerations=[OPEN],
            activeDeadlineSeconds=60 + at,
        )
        for at in range(3)
    )
    server.load([objects.pod("front", "ml", phase="Pending", affinity=NEAR_CACHES)])
    return server


def template(fleet: Fleet, work: str) -> Template:
    """The one template of this work."""
    (key,) = {member.template for each in fleet.workloads if each.id == work for member in each.members}
    assert key is not None
    return fleet.templates[key]


def test_pods_say_where_they_may_stand(tmp_path: Path) -> None:
    with cluster() as server:
        fleet = source(server, tmp_path).collect()
    train = next(each for each in fleet.workloads if each.id == "ml/train")
    assert [(each.ready, each.node) for each in train.members] == [(True, "gpu0")] * 3
    assert train.duration_s == 62
    found = template(fleet, "ml/train")
    assert (found.tolerations, found.labels) == ((Toleration("nvidia.com/gpu", "Exists"),), {"app": "train"})
    near = Neighbours("zone", Selector({"app": "cache"}), ("shop", "web"))
    assert template(fleet, "ml/front").neighbours == (near,)
    assert fleet.gaps == ()
    assert snapshot.decode(snapshot.encode(fleet), "a file").templates == fleet.templates


def test_without_the_namespaces_one_pod_is_in_doubt_and_no_other(tmp_path: Path) -> None:
    with cluster() as server:
        server.deny("admin", "list", "namespaces")
        fleet = source(server, tmp_path).collect()
    assert {work.id: {each.template is None for each in work.members} for work in fleet.workloads} == {
        "ml/front": {True},
        "ml/train": {False},
    }
    assert set(gaps(fleet)) == {"namespaces", "ml/front"}
    assert gaps(fleet)["ml/front"].part == ""
    assert "could not be listed" in gaps(fleet)["ml/front"].reason


def test_work_of_which_one_pod_knows_no_limit_has_none(tmp_path: Path) -> None:
    with cluster() as server:
        server.load([objects.pod("train-9", "ml", "gpu0", owner=objects.owner("Job", "train", "batch/v1"))])
        fleet = source(server, tmp_path).collect()
    assert [each.duration_s for each in fleet.workloads if each.id == "ml/train"] == [None]


VOLUME = [{"name": "data", "persistentVolumeClaim": {"claimName": "scratch"}}]
ON_GPU0 = {
    "nodeSelectorTerms": [
        {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["gpu0"]}]}
    ]
}


def test_a_pod_stands_where_its_volume_is(tmp_path: Path) -> None:
    with cluster() as server:
        claim = {"namespace": "ml", "name": "scratch"}
        where = {"required": ON_GPU0}
        server.load([shapes.workload("persistentvolumes", "local-1", claimRef=claim, nodeAffinity=where)])
        server.load([objects.pod("tied", "ml", phase="Pending", volumes=VOLUME)])
        fleet = source(server, tmp_path).collect()
    (term,) = template(fleet, "ml/tied").bound_to or ()
    assert [each.values for each in term.labels] == [("gpu0",)]
    assert fleet.gaps == ()


@pytest.mark.parametrize(("phase", "missed"), [("Running", True), ("Pending", True), ("Succeeded", False)])
def test_volumes_that_may_not_be_listed_are_missed_by_pods_that_have_some(
    tmp_path: Path, phase: str, *, missed: bool
) -> None:
    with cluster() as server:
        server.deny("admin", "list", "persistentvolumes")
        node = None if phase == "Pending" else "gpu0"
        server.load([objects.pod("tied", "ml", node, phase=phase, volumes=VOLUME)])
        found = gaps(source(server, tmp_path).collect())
    assert {name: (gap.cause, gap.part) for name, gap in found.items()} == (
        {"persistentvolumes": ("denied", "")} if missed else {}
    )
    assert all("volumes is unknown" in gap.reason for gap in found.values())
