"""dcctl and a real kube-scheduler agree on where a pod fits, node by node, and on why it does not.

Over a thousand pods are made by chance (generated.py), one after the other is shown to the scheduler, and its
answer is held against that of dcctl for the state before that pod. Pods leave now and then, so that the nodes
stay about four fifths full.
"""

from __future__ import annotations

import time
from collections import Counter
from http.client import CREATED, OK
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from dcctl.packing.reasons import NONE, Reason
from tests.controlplane import generated
from tests.controlplane.client import MERGE_PATCH
from tests.controlplane.ours import Observation, Ours, agree
from tests.controlplane.plane import ControlPlane
from tests.controlplane.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.controlplane.client import ApiClient, Json

SEED = 20
BATCHES, BATCH = 22, 50
LEAST, LEAST_OF_EACH, LEAST_OF_A_RULE = 1000, 200, 10
FULL = 0.8
"""Share of all processors that is promised when pods begin to leave."""
LEAVE = 12
SETTLE_S = 0.15
"""Until the scheduler has heard of pods that left."""
TESTED = (
    *(Reason.CORDONED, Reason.TAINT, Reason.LABELS, Reason.PORT, Reason.CPU, Reason.MEMORY, Reason.STORAGE),
    *(Reason.PODS, Reason.RESOURCE, Reason.SPREAD, Reason.TOGETHER, Reason.APART),
)
"""Reasons that each must have decided about some nodes of several pods."""


class Difference(NamedTuple):
    """A pod about which the two differ, and why that is meant so."""

    spec: Json
    theirs: str
    """The scheduler's word for it; `placed` when it has a node."""
    ours: Reason
    """Why dcctl refuses every node; none: it finds some that fit."""


def asks(**amounts: str) -> Json:
    """A container that asks for little, and for this."""
    resources = {"requests": {"cpu": "1m", **amounts}, "limits": amounts}
    return {"containers": [{"name": "main", "image": "registry.test/a:1", "resources": resources}]}


def prefers(operator: str, value: str) -> Json:
    term = {"matchExpressions": [{"key": "gen", "operator": operator, "values": [value]}]}
    return {"nodeAffinity": {generated.PREFERRED: [{"weight": 1, "preference": term}]}}


def beside(**labels: str) -> Json:
    term = {"topologyKey": generated.HOSTNAME, "labelSelector": {"matchLabels": labels}}
    return {"podAffinity": {generated.REQUIRED: [term]}}


COMPLETION = "batch.kubernetes.io/job-completion-index"
DIFFERENCES = {
    # dcctl plans for the time when the gates are lifted: `schedule apply` lifts its own.
    "gated": Difference(asks(), "SchedulingGated", NONE),
    # The inventory knows no huge pages.
    "huge-pages": Difference(asks(**{"hugepages-2Mi": "64Mi"}), "Unschedulable", NONE),
    # What tells the pods of one workload apart is not kept: each pod would be a class of its own.
    "own-labels": Difference(asks() | {"affinity": beside(**{COMPLETION: "3"})}, "placed", Reason.TOGETHER),
    # Preferences rule nothing out, so one that makes no sense is passed over; the scheduler stops at it.
    "bad-preference": Difference(asks() | {"affinity": prefers("Gt", "ten")}, "SchedulerError", NONE),
}
"""Where dcctl means to differ; docs/schedule.md says the same."""


class Show:
    """Pods come before the scheduler, one at a time."""

    def __init__(self, plane: ControlPlane, witness: Witness, api: ApiClient) -> None:
        self.plane, self._witness, self._api = plane, witness, api
        self._rng = Random(SEED)
        self._there: dict[str, str] = {}
        self.seen: list[Observation] = []

    def run(self) -> None:
        """Show all pods."""
        before: Ours | None = None
        for batch in range(BATCHES):
            pods = [generated.pod(self._rng, f"p{batch:02d}-{at:02d}") for at in range(BATCH)]
            for each in pods:
                self.create(each)
            ours = Ours(self.plane)
            if before is not None:
                agree(before, ours)
            for each in pods:
                self.seen.append(self.show(each, ours))
                if ours.share() > FULL:
                    self._leave(ours)
            before = ours
        if before is not None:
            agree(before, Ours(self.plane))

    def show(self, pod: Json, ours: Ours) -> Observation:
        """What both say of a pod that was gated until now; it stands afterwards, or is gone."""
        self.lift(pod)
        name = pod["metadata"]["name"]
        verdict = self._witness.verdict(self._api, pod["metadata"]["namespace"], name)
        found = ours.observe(pod, verdict)
        if verdict.node:
            ours.put(name, verdict.node)
            self._there[name] = _path(pod)
        else:
            self.delete(_path(pod), 0)
        return found

    def _leave(self, ours: Ours) -> None:
        for name in self._rng.sample(sorted(self._there), LEAVE):
            self.delete(self._there.pop(name), 0)
            ours.take(name)
        time.sleep(SETTLE_S)

    def create(self, pod: Json) -> None:
        """The pod is there."""
        status, body = self._api.request("POST", _path(pod).rpartition("/")[0], pod)
        assert status == CREATED, (body.get("message"), pod)

    def lift(self, pod: Json) -> None:
        """The scheduler sees the pod."""
        status, body = self._api.request(
            "PATCH", _path(pod), {"spec": {"schedulingGates": None}}, MERGE_PATCH
        )
        assert status == OK, body

    def delete(self, path: str, grace_s: int) -> None:
        """The pod is gone, or goes after so many seconds."""
        status, body = self._api.request("DELETE", path, {"gracePeriodSeconds": grace_s})
        assert status == OK, body

    def settled(self, pod: Json) -> str:
        """The scheduler's word for the pod, once it has one; `placed` when it has a node. Else empty."""
        found = self._api.get(_path(pod))
        if "nodeName" in found["spec"]:
            return "placed"
        conditions = found["status"].get("conditions", ())
        return next((each["reason"] for each in conditions if each["type"] == "PodScheduled"), "")


def _path(pod: Json) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def pod(name: str, spec: Json, **metadata: Json) -> Json:
    """A gated pod that tolerates every taint."""
    gated = {"schedulingGates": [{"name": generated.GATE}], "tolerations": [{"operator": "Exists"}]}
    meta = {"name": name, "namespace": "plain", **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": gated | spec}


@pytest.fixture(scope="module")
def show(binaries: Path) -> Iterator[Show]:
    """All pods were shown to a scheduler of their own."""
    with (
        Witness() as witness,
        ControlPlane(binaries, scheduler_config=witness.scheduler_config) as plane,
        plane.client() as api,
    ):
        plane.apply(generated.surroundings())
        plane.create_many("/api/v1/nodes", list(generated.nodes()))
        plane.wait_for(lambda: _ready(api), 60, "the nodes are ready")
        show = Show(plane, witness, api)
        show.run()
        yield show


def _ready(api: ApiClient) -> bool:
    """Whether no node waits to be ready, and every cordoned one has its taint."""
    for each in api.get("/api/v1/nodes")["items"]:
        keys = {taint["key"] for taint in each["spec"].get("taints", ())}
        if "node.kubernetes.io/not-ready" in keys:
            return False
        if each["spec"].get("unschedulable", False) != ("node.kubernetes.io/unschedulable" in keys):
            return False
    return True


def test_dcctl_and_kube_scheduler_agree(show: Show) -> None:
    assert [text for one in show.seen if (text := one.disagreement())] == []
    placed = sum(bool(one.verdict.node) for one in show.seen)
    assert len(show.seen) >= LEAST
    assert min(placed, len(show.seen) - placed) >= LEAST_OF_EACH
    rules = Counter(reason for one in show.seen for reason in set(one.reasons()))
    assert {reason: count for reason in TESTED if (count := rules[reason]) < LEAST_OF_A_RULE} == {}


def test_who_is_being_deleted_is_not_counted_by_a_spread(show: Show) -> None:
    labels = {"app": "leaving"}
    lingers = {"dcctl.test/stop-after": "600s"}
    mate = pod("leaving", asks(), labels=labels, annotations=lingers)
    show.create(mate)
    show.lift(mate)
    show.plane.wait_for(lambda: show.settled(mate) == "placed", 30, "the mate stands")
    show.delete(_path(mate), 600)
    even = {"topologyKey": generated.HOSTNAME, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
    spread = {"topologySpreadConstraints": [{**even, "labelSelector": {"matchLabels": labels}}]}
    follows = pod("follows", asks() | spread, labels=labels)
    show.create(follows)
    ours = Ours(show.plane)
    stands = ours.names[ours.stands["leaving"][1].bin]
    found = show.show(follows, ours)
    assert found.disagreement() == ""
    assert stands in found.fits


def test_differences_are_those_that_are_meant(show: Show) -> None:
    mate = pod("mate", asks(), labels={COMPLETION: "3"})
    pods = {name: pod(name, each.spec) for name, each in DIFFERENCES.items()}
    for each in (mate, *pods.values()):
        show.create(each)
    show.lift(mate)
    show.plane.wait_for(lambda: show.settled(mate) == "placed", 30, "the mate stands")
    ours = Ours(show.plane)
    for name, difference in DIFFERENCES.items():
        refused = set(ours.engine.refusals(ours.classes[name]).tolist())
        assert (0 in refused) == (not difference.ours), name
        assert all(bits & difference.ours for bits in refused if difference.ours), name
        if difference.theirs != "SchedulingGated":
            show.lift(pods[name])
        show.plane.wait_for(lambda: show.settled(pods[name]) == difference.theirs, 30, name)  # noqa: B023
