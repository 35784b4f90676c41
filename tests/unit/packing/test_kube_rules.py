"""What dcctl says of pods and nodes made by chance is what the rules of Kubernetes say, node by node."""

from __future__ import annotations

from itertools import chain
from random import Random
from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Fleet
from dcctl.inventory.sources.kubernetes.budgets import Budgets
from dcctl.inventory.sources.kubernetes.nodes import Nodes, Place
from dcctl.inventory.sources.kubernetes.owners import Parents
from dcctl.inventory.sources.kubernetes.pods import Pods
from dcctl.inventory.sources.kubernetes.templates import Templates
from dcctl.inventory.sources.kubernetes.types import NodeObject, Pod
from dcctl.inventory.sources.kubernetes.workloads import Knowledge, Namespaces, build
from dcctl.packing.choices import DEFAULT_POLICY
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.reasons import Reason
from dcctl.packing.solve import engine_of
from tests.controlplane import generated
from tests.examples import examples
from tests.unit.packing.kube_rules import CORDONED, Cluster, refusals

if TYPE_CHECKING:
    from tests.unit.packing.kube_rules import Json

NODES, STANDING, WAITING, EXAMPLES = 16, 50, 8, 40
LEAVING = 0.15
"""Share of the pods on nodes that are being deleted."""
RULES = {
    "cordoned": Reason.CORDONED,
    "taint": Reason.TAINT,
    "labels": Reason.LABELS,
    "port": Reason.PORT,
    "cpu": Reason.CPU,
    "memory": Reason.MEMORY,
    "ephemeral-storage": Reason.STORAGE,
    "pods": Reason.PODS,
    "spread": Reason.SPREAD,
    "together": Reason.TOGETHER,
    "apart": Reason.APART,
}
"""All other words are names of resources."""
DEVICES = Reason.RESOURCE | Reason.NO_DEVICES | Reason.DEVICES


def cluster_of(seed: int) -> tuple[Cluster, list[Json]]:
    """Nodes with pods on them, whether these fit or not, and pods that wait."""
    rng = Random(seed)
    nodes = list(generated.nodes())[:NODES]
    pods = [generated.pod(rng, f"p{at:03d}") for at in range(STANDING + WAITING)]
    for pod in pods:
        if "runtimeClassName" in pod["spec"]:  # the API server fills it in
            pod["spec"]["overhead"] = {"cpu": "750m", "memory": "512Mi"}
    there: dict[str, list[Json]] = {node["metadata"]["name"]: [] for node in nodes}
    for pod in pods[:STANDING]:
        pod["spec"]["nodeName"] = name = rng.choice(list(there))
        there[name].append(pod)
        if rng.random() < LEAVING:
            pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    for node in nodes:
        node["spec"]["taints"] += [CORDONED] if node["spec"]["unschedulable"] else []
    return Cluster(nodes, there, generated.SPACES), pods[STANDING:]


def fleet_of(cluster: Cluster, waiting: list[Json]) -> Fleet:
    """The fleet that the Kubernetes source makes of these objects."""
    templates, nodes = Templates(), Nodes("kubernetes:test", Place())
    templates.namespaces = cluster.spaces
    pods = Pods(Budgets(), templates)
    nodes.add(msgspec.convert(cluster.nodes, list[NodeObject]))
    pods.add(_decoded([*chain.from_iterable(cluster.pods.values()), *waiting]))
    assert (pods.bad, nodes.bad, templates.unread) == ([], [], {})
    known = Knowledge(Parents(), (), Namespaces(), {})
    return Fleet(
        nodes=tuple(nodes.found.values()),
        workloads=build(pods.groups, known, "kubernetes:test"),
        templates=templates.found,
    )


def _decoded(pods: list[Json]) -> list[Pod]:
    full = [
        {**pod, "status": {"phase": "Running" if "nodeName" in pod["spec"] else "Pending"}} for pod in pods
    ]
    return msgspec.json.decode(msgspec.json.encode(full), type=list[Pod])


def named(words: set[str]) -> Reason:
    """The words of the oracle as reasons."""
    found = Reason(0)
    for word in words:
        found |= RULES.get(word, Reason.RESOURCE)
    return found


@examples(EXAMPLES)
@given(st.integers(0, 1 << 32))
def test_every_reason_is_that_of_kubernetes(seed: int) -> None:
    cluster, waiting = cluster_of(seed)
    fleet = fleet_of(cluster, waiting)
    problem = problem_of(fleet, fleet.nodes, Asked(), pending=True)
    engine = engine_of(problem, DEFAULT_POLICY)
    nodes = {each["metadata"]["name"]: each for each in cluster.nodes}
    by_name = {pod["metadata"]["name"]: pod for pod in waiting}
    for job in problem.jobs:
        for task in job.tasks:
            bits = engine.refusals(task.of).tolist()
            for one, bit in zip(problem.bins, bits, strict=True):
                wanted = refusals(cluster, by_name[task.members[0]], nodes[one.name])
                ours = Reason(bit)
                if ours & DEVICES:
                    ours = (ours & ~DEVICES) | Reason.RESOURCE
                assert ours == named(wanted), (seed, by_name[task.members[0]], one.name)
