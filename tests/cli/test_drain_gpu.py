"""`dcctl drain NODE --gpu N` as a program: a GPU is kept back, its holder leaves, its node goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.drained import Program
from tests.kubeapi import ApiServer, objects, shapes
from tests.live.kubeapi.test_drain_devices import DRIVER, device, taint_rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kubeapi.kinds import Kind
    from tests.kubeapi.status import Obj
    from tests.warm import Warm

RULES = "devicetaintrules.resource.k8s.io"
FORCE = ("--force", "--without-fit", "--reason", "bad fan")
"""The pods of these tests are bare, and nobody gives them GPUs elsewhere."""


def slices(node: str, count: int) -> list[Obj]:
    devices = [device(index, uuid=f"GPU-{node}-{index}") for index in range(count)]
    for index, one in enumerate(devices):
        one["attributes"]["index"] = {"int": index}
    return [objects.node(node), shapes.resource_slice(f"s-{node}", node, DRIVER, devices)]


def holder(name: str, node: str, gpu: int) -> list[Obj]:
    """A pod, and its claim on one GPU."""
    claim = shapes.resource_claim(name, "ml", "gpu", 1, [(DRIVER, node, f"gpu-{gpu}")])
    user = {"resource": "pods", "name": f"{name}-0", "uid": objects.uid("Pod", "ml", f"{name}-0")}
    claim["status"]["reservedFor"] = [user]
    return [claim, objects.pod(f"{name}-0", "ml", node, grace_s=1)]


class Cluster(Program):
    """The node g1 has GPUs 0 to 3: ml/a-0 holds 2, ml/b-0 holds 3, and ml/c-0 none."""

    def __init__(self, server: ApiServer, folder: Path, warm: Warm) -> None:
        super().__init__(server, folder, warm)
        server.load([*slices("g1", 4), *slices("g2", 4), *holder("a", "g1", 2), *holder("b", "g1", 3)])
        server.load([objects.pod("c-0", "ml", "g1")])

    @property
    def kept(self) -> list[str]:
        """The devices that nobody is given."""
        rules = self.server.objects(RULES)
        return sorted(
            f"{one['spec']['deviceSelector']['pool']}/{one['spec']['deviceSelector']['device']}"
            for one in rules
        )

    @property
    def pods(self) -> list[str]:
        return sorted(one["metadata"]["name"] for one in self.server.objects("pods", "ml"))

    @property
    def in_service(self) -> bool:
        node = self.server.get("nodes", "g1")
        return not node["spec"].get("unschedulable") and not node["metadata"].get("annotations")


def cluster_of(custom: list[Kind], folder: Path, warm: Warm) -> Iterator[Cluster]:
    with ApiServer(custom=custom) as server:
        yield Cluster(server, folder, warm)


@pytest.fixture
def cluster(tmp_path: Path, warm: Warm) -> Iterator[Cluster]:
    yield from cluster_of([taint_rules("v1beta2")], tmp_path, warm)


@pytest.fixture
def older(tmp_path: Path, warm: Warm) -> Iterator[Cluster]:
    yield from cluster_of([], tmp_path, warm)


def test_a_dry_run_names_the_gpu_and_who_holds_it(cluster: Cluster) -> None:
    document = cluster.told("g1", "--gpu", "2", *FORCE, "--dry-run")
    campaign = document["campaign"]
    assert campaign["boards"] == ["g1 GPU 2"]
    assert [leave["pod"] for leave in campaign["waves"][0]["units"][0]["leaves"]] == ["ml/a-0"]
    assert {one["pod"]: one["why"] for one in campaign["stays"]} == {
        "ml/b-0": "elsewhere",
        "ml/c-0": "elsewhere",
    }
    assert document["headline"].startswith("g1 GPU 2: ")
    (stays,) = [one for one in document["notes"] if one["label"] == "stays in service"]
    assert stays["text"] == "g1 is not cordoned; 2 pods that hold none of it stay"
    assert "--gpu 2" in document["notes"][-1]["command"]
    assert (cluster.kept, cluster.in_service) == ([], True)


def test_one_gpu_is_drained_told_and_returned(cluster: Cluster) -> None:
    document = cluster.told("g1", "--gpu", "2", *FORCE, "--yes")
    assert (document["summary"]["state"], document["summary"]["boards"]) == ("drained", ["g1 GPU 2"])
    assert document["headline"].startswith("g1 GPU 2 drained in 1 wave, 1 pod evicted")
    assert document["notes"][-1]["command"] == "dcctl drain --return g1 --gpu 2"
    assert (cluster.kept, cluster.pods, cluster.in_service) == (["g1/gpu-2"], ["b-0", "c-0"], True)
    (rule,) = cluster.server.objects(RULES)
    assert rule["metadata"]["annotations"] == {"dcctl.io/reason": "bad fan"}
    (run,) = cluster.told("--status")["items"]
    assert (run["state"], run["boards"]) == ("drained", ["g1 GPU 2"])
    again = cluster("g1", "--gpu", "2", *FORCE, "--yes")
    assert again.returncode == 6
    assert "keeps it back: bad fan" in again.stderr
    back = cluster.told("--return", "g1", "--gpu", "2", "--without-checks", "--yes")
    assert back["items"][0]["node"] == "g1 GPU 2"
    assert (back["items"][0]["state"], cluster.kept) == ("returned", [])
    served = cluster.told("--return", "g1", "--gpu", "2", "--without-checks", "--yes")
    assert served["items"][0]["state"] == "in service"


def test_several_gpus_and_an_undo(cluster: Cluster) -> None:
    cluster.told("g1", "--gpu", "2", "--gpu", "GPU-g1-3", "--gpu", "3", *FORCE, "--yes")
    assert (cluster.kept, cluster.pods) == (["g1/gpu-2", "g1/gpu-3"], ["c-0"])
    assert cluster.told("--undo", "--dry-run")["summary"]["state"] == "planned"
    assert len(cluster.kept) == 2
    document = cluster.told("--undo", "--yes")
    assert document["summary"]["state"] == "undone"
    assert (cluster.kept, cluster.in_service) == ([], True)


@pytest.mark.parametrize("after", [4, 7])
def test_kill_9_is_resumed(cluster: Cluster, after: int) -> None:
    """Before a rule that is journalled is made (line 4), and before an eviction that is (line 7)."""
    cluster.killed(after, "g1", "--gpu", "2", *FORCE)
    document = cluster.told("--resume")
    assert document["summary"]["state"] == "drained"
    assert (cluster.kept, cluster.pods, cluster.in_service) == (["g1/gpu-2"], ["b-0", "c-0"], True)


def test_given_out_by_somebody_else_it_is_left(cluster: Cluster) -> None:
    cluster.killed(5, "g1", "--gpu", "2", *FORCE)
    (rule,) = cluster.server.objects(RULES)
    cluster.server.remove("DeviceTaintRule", rule["metadata"]["name"])
    stopped = cluster("--resume")
    assert stopped.returncode == 7
    assert "somebody gave g1 GPU 2 out again meanwhile" in stopped.stderr
    assert (cluster.kept, cluster.pods) == ([], ["a-0", "b-0", "c-0"])


def test_a_cluster_that_keeps_none_back_refuses(older: Cluster) -> None:
    for last in ("--dry-run", "--yes"):
        refused = older("g1", "--gpu", "2", *FORCE, last)
        assert refused.returncode == 6
        assert "has no DeviceTaintRules" in refused.stderr
    assert older.pods == ["a-0", "b-0", "c-0"]


def test_the_right_that_is_lacking_is_named(cluster: Cluster) -> None:
    cluster.server.deny("admin", "create", RULES)
    refused = cluster("g1", "--gpu", "2", *FORCE, "--yes")
    assert "create devicetaintrules.resource.k8s.io" in refused.stderr
    assert (refused.returncode, cluster.pods) == (4, ["a-0", "b-0", "c-0"])


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("g1", "g2", "--gpu", "2"), "is of one node"),
        (("g1", "--gpu", "9"), "it has no GPU 9: 0, 1, 2, 3"),
        (("g1", "--gpu", "2", "--max-unavailable", "1"), "the node stays in service"),
        (("--resume", "--gpu", "2"), "the journal knows what was asked"),
    ],
)
def test_words_that_mean_nothing(cluster: Cluster, words: tuple[str, ...], why: str) -> None:
    refused = cluster(*words, *(() if "--resume" in words else ("--yes",)))
    assert refused.returncode == 2
    assert why in refused.stderr
