"""What eviction does to pods, as the lists of an API server tell it."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.model import Budget, Disruption, Member
from dcctl.inventory.placement import key_of
from dcctl.inventory.sources.kubernetes.budgets import BudgetObject, Budgets
from dcctl.inventory.sources.kubernetes.disruptions import Disruptions, Makers
from dcctl.inventory.sources.kubernetes.gangs import Gangs
from dcctl.inventory.sources.kubernetes.jobs import JobObject, Jobs, JobSets
from dcctl.inventory.sources.kubernetes.mounted import Mounts
from dcctl.inventory.sources.kubernetes.owners import Parents
from dcctl.inventory.sources.kubernetes.pods import Pods
from dcctl.inventory.sources.kubernetes.statefulsets import SetObject, StatefulSets
from dcctl.inventory.sources.kubernetes.templates import Templates
from dcctl.inventory.sources.kubernetes.types import Pod
from tests.kubernetes_data import feed

CASE = "disruptions"


@pytest.fixture
def told() -> Disruptions:
    return Disruptions()


@pytest.fixture
def pods(told: Disruptions) -> Pods:
    budgets = Budgets()
    feed(budgets, f"{CASE}/budgets", BudgetObject)
    found = Pods(budgets, Templates(), told)
    feed(found, f"{CASE}/pods", Pod)
    return found


def members(pods: Pods) -> dict[str, Member]:
    return {one.name: one for group in pods.groups.values() for one in group.members}


def of(name: str, pods: Pods, told: Disruptions) -> Disruption:
    return told.found[members(pods)[name].disruption or ""]


Owner: TypeAlias = tuple[str, str]
JOB: Owner = ("Job", "j")
SET: Owner = ("StatefulSet", "s")
INDEX = "batch.kubernetes.io/job-completion-index"


@pytest.fixture
def makers() -> Makers:
    """A Job that takes one failure of each index and three of all, and a set that has a new revision."""
    parents = Parents()
    found = Makers(Jobs(parents, JobSets(Gangs(parents, "", "Gang"))), StatefulSets(parents))
    limits = {"backoffLimit": 3, "backoffLimitPerIndex": 1, "completions": 3}
    found.jobs.add([msgspec.convert({"metadata": {"uid": "j"}, "spec": limits}, JobObject)])
    revisions = {"currentRevision": "od-1", "updateRevision": "od-2"}
    found.sets.add([msgspec.convert({"metadata": {"uid": "s"}, "status": revisions}, SetObject)])
    return found


@pytest.mark.parametrize(
    ("owner", "labels", "notes", "told_of_it"),
    [
        (JOB, {}, {}, Disruption("Job", retries=3)),
        (JOB, {INDEX: "0"}, {}, Disruption("Job", indexed=True, retries=3)),
        (JOB, {}, {INDEX: "0"}, Disruption("Job", indexed=True, retries=3)),
        (
            JOB,
            {},
            {INDEX: "0", "batch.kubernetes.io/job-index-failure-count": "1"},
            Disruption(
                "Job",
                indexed=True,
                fatal="its index has no retries left (backoffLimitPerIndex 1)",
                retries=3,
            ),
        ),
        (SET, {"controller-revision-hash": "od-1"}, {}, Disruption("StatefulSet", changed=True)),
        (SET, {"controller-revision-hash": "od-2"}, {INDEX: "0"}, Disruption("StatefulSet")),
        (("ReplicaSet", "j"), {INDEX: "0"}, {}, Disruption("ReplicaSet")),
    ],
)
def test_what_is_made_in_place_of_a_pod(
    owner: Owner, labels: dict[str, str], notes: dict[str, str], told_of_it: Disruption, makers: Makers
) -> None:
    kind, uid = owner
    metadata: dict[str, object] = {
        "name": "od-0",
        "labels": labels,
        "annotations": notes or None,
        "ownerReferences": [{"kind": kind, "uid": uid, "controller": True}],
    }
    assert judged(metadata, Disruptions(makers)) == told_of_it


def judged(metadata: dict[str, object], told: Disruptions) -> Disruption:
    """What is told of a pod with this metadata on the node gpu001."""
    pod = msgspec.convert({"metadata": metadata, "spec": {"nodeName": "gpu001"}}, Pod)
    return told.found[told.of_pod(pod, "", ())]


def test_all_that_a_pod_says_of_its_eviction(pods: Pods, told: Disruptions) -> None:
    assert of("llama-0", pods, told) == Disruption(
        controller="PyTorchJob",
        scratch="memory",
        grace_s=120,
        protected=(
            "cluster-autoscaler.kubernetes.io/safe-to-evict=false",
            "karpenter.sh/do-not-disrupt=4h",
        ),
        finalizers=("batch.kubernetes.io/job-tracking",),
        checkpoint="signal USR1",
        proof="file /ckpt/done",
        patience="10m",
        when_drained="wait 4h then evict",
    )


def test_two_budgets_one_volume_on_disk_and_no_protection(pods: Pods, told: Disruptions) -> None:
    assert of("postgres-0", pods, told) == Disruption(
        controller="StatefulSet", scratch="disk", grace_s=30, budgets=("all-of-db", "pg")
    )


def test_a_bare_pod_that_has_ended_asks_by_a_label_to_be_left_alone(pods: Pods, told: Disruptions) -> None:
    assert of("debug", pods, told) == Disruption(
        grace_s=1, budgets=("all-of-db",), protected=("cluster.x-k8s.io/drain=skip",)
    )


def test_a_pod_of_the_kubelet_is_a_mirror(pods: Pods, told: Disruptions) -> None:
    assert of("kube-proxy-gpu001", pods, told) == Disruption(controller="Node", mirror=True)


@pytest.mark.parametrize(
    "owners",
    [
        [],
        [{"kind": "Job", "name": "gpu001", "controller": True}],
        [{"kind": "Node", "name": "gpu002", "controller": True}],
    ],
)
def test_a_pod_that_only_says_it_is_a_mirror_is_none(
    owners: list[dict[str, object]], told: Disruptions
) -> None:
    notes = {"kubernetes.io/config.mirror": "1"}
    assert not judged({"annotations": notes, "ownerReferences": owners}, told).mirror


def test_what_is_said_alike_is_one(pods: Pods, told: Disruptions) -> None:
    assert members(pods)["llama-0"].disruption == members(pods)["llama-1"].disruption
    assert len(told.found) == 4
    assert all(key == key_of(one) for key, one in told.found.items())


def test_the_last_checkpoint_of_work_is_the_latest_that_a_pod_tells(pods: Pods, told: Disruptions) -> None:
    assert {ref.name: group.checkpointed_at_s for ref, group in pods.groups.items()} == {
        "llama": 1_772_353_800,  # 09:30 in Berlin
        "postgres": None,
        "debug": None,
        "kube-proxy-gpu001": None,
    }
    assert list(told.bad) == ["db/debug"]


def test_budgets_tell_how_many_pods_they_cover(pods: Pods) -> None:
    found = next(group.budgets for ref, group in pods.groups.items() if ref.name == "postgres")
    assert found == {
        "pg": Budget("pg", 0, desired_healthy=1, current_healthy=1, expected=1),
        "all-of-db": Budget("all-of-db", 1, desired_healthy=1, current_healthy=2, expected=2),
    }


def test_who_does_not_ask_is_told_nothing() -> None:
    found = Pods(Budgets(), Templates())
    feed(found, f"{CASE}/pods", Pod)
    assert {one.disruption for one in members(found).values()} == {None}


def test_a_list_that_is_read_again_begins_anew(pods: Pods, told: Disruptions) -> None:
    pods.clear()
    assert not told.found
    assert not told.bad


MEDIA = st.lists(st.sampled_from(["", "Memory", "HugePages", "HugePages-1Gi", "Fast"]))


@given(MEDIA, st.booleans())
def test_one_volume_on_disk_is_enough(media: list[str], with_token: bool) -> None:
    volumes: list[dict[str, object]] = [
        {"name": f"v{at}", "emptyDir": {"medium": medium} if medium else {}}
        for at, medium in enumerate(media)
    ]
    volumes += [{"name": "token", "projected": {}}] * with_token
    found = Mounts().read(msgspec.json.encode(volumes)).scratch
    on_disk = any(medium in ("", "Fast") for medium in media)
    assert found == ("disk" if on_disk else "memory" if media else "")
