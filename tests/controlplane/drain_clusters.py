"""Small GPU clusters made by chance, side by side on one API server: none can use nodes of another."""

from __future__ import annotations

import copy
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.controlplane.client import Json

GPU = "nvidia.com/gpu"
ROW, HOSTNAME = "dcctl.test/row", "kubernetes.io/hostname"
DEDICATED = "dedicated"
GPUS, CPUS = 8, 64
LWS, SIZE = "leaderworkerset.sigs.k8s.io", "leaderworkerset.sigs.k8s.io/size"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class Node(NamedTuple):
    """A node with what is promised of it; lists, as it fills."""

    name: str
    row: str
    tainted: bool
    left: Counter[str]
    apps: Counter[str]


class Work(NamedTuple):
    """Pods that are alike."""

    name: str
    size: int
    gpus: int
    cpus: int
    rules: frozenset[str]
    """Of: gang, row, apart, spread, dedicated, budget."""
    row: str


class Cluster:
    """Nodes, pods that stand on them, and the nodes that are to be drained."""

    def __init__(self, seed: int) -> None:
        rng = Random(seed)
        self.name = f"c{seed:03d}"
        count = rng.choice((4, 5, 5, 6, 6, 6, 7, 8, 10, 16))
        tainted = rng.random() < 0.25
        self.nodes = [self._node(at, tainted=tainted and at % 4 == 3) for at in range(count)]
        terms = [{"matchFields": [_in("metadata.name", one.name)]} for one in self.nodes]
        self._inside = {REQUIRED: {"nodeSelectorTerms": terms}}
        """By name, so that the scheduler looks at no other cluster's nodes."""
        self.pods: dict[str, Json] = {}
        self.members: dict[str, list[str]] = {}
        """Names of the pods of each work."""
        self.budgets: list[Json] = []
        self.packed = rng.random() < 0.7
        """Whether work was put where least was left."""
        self._fill(rng, min(rng.uniform(0.5, 0.95) for _ in range(2)) * count * GPUS)
        leaving = rng.choices((1, 2, 3), (5, 3, 1))[0] if count > 5 else 1
        self.targets = sorted(one.name for one in rng.sample(self.nodes, leaving))

    def _node(self, at: int, *, tainted: bool) -> Node:
        left = Counter({GPU: GPUS, "cpu": CPUS})
        return Node(f"{self.name}-n{at:02d}", f"{self.name}-row{at % 3}", tainted, left, Counter())

    def _fill(self, rng: Random, wanted: float) -> None:
        held, misses = 0, 0
        while held < wanted and misses < 8:
            work = _work(rng, f"w{len(self.members)}", self.name)
            stand = self._stand(rng, work)
            held += work.gpus * stand
            misses += not stand

    def _stand(self, rng: Random, work: Work) -> int:
        """How many of its pods found room; of a gang all or none."""
        found: list[Node] = []
        for _ in range(work.size):
            order = rng.sample(self.nodes, len(self.nodes))
            if self.packed:
                order.sort(key=lambda one: one.left[GPU])
            node = next((one for one in order if self._takes(one, work)), None)
            if node is None:
                break
            _put(node, work, 1)
            found.append(node)
        if "gang" in work.rules and len(found) < work.size:
            for node in found:
                _put(node, work, -1)
            return 0
        if found:
            self._keep(work, found)
        return len(found)

    def _takes(self, node: Node, work: Work) -> bool:
        if node.left[GPU] < work.gpus or node.left["cpu"] < work.cpus:
            return False
        if node.tainted and "dedicated" not in work.rules:
            return False
        if "row" in work.rules and node.row != work.row:
            return False
        if "apart" in work.rules and node.apps[work.name]:
            return False
        if "spread" not in work.rules:
            return True
        there = Counter({one.row: 0 for one in self.nodes})
        for one in self.nodes:
            there[one.row] += one.apps[work.name]
        return there[node.row] + 1 - min(there.values()) <= 1

    def _keep(self, work: Work, found: list[Node]) -> None:
        names = [f"{work.name}-{at}" for at in range(len(found))]
        self.members[work.name] = names
        for name, node in zip(names, found, strict=True):
            pod = _pod(self.name, name, node.name, work, len(found))
            pod["spec"].setdefault("affinity", {})["nodeAffinity"] = self._inside
            self.pods[name] = pod
        if "budget" in work.rules:
            self.budgets.append(_budget(self.name, work))

    def objects(self) -> Iterator[Json]:
        """Its nodes."""
        for one in self.nodes:
            taints = [{"key": DEDICATED, "value": "batch", "effect": "NoSchedule"}] if one.tainted else []
            labels = {ROW: one.row, HOSTNAME: one.name}
            amounts = {"cpu": str(CPUS), "memory": "512Gi", "pods": "110", GPU: str(GPUS)}
            ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
            yield {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": one.name, "labels": labels},
                "spec": {"taints": taints},
                "status": {"capacity": amounts, "allocatable": amounts, "conditions": [ready]},
            }

    def anew(self, name: str, turn: int) -> Json:
        """What whoever looks after a pod makes in its place."""
        made = copy.deepcopy(self.pods[name])
        del made["spec"]["nodeName"]
        made["metadata"]["name"] = f"{name}-again{turn}"
        return made


def _in(key: str, value: str) -> Json:
    return {"key": key, "operator": "In", "values": [value]}


def _put(node: Node, work: Work, count: int) -> None:
    node.left[GPU] -= work.gpus * count
    node.left["cpu"] -= work.cpus * count
    node.apps[work.name] += count


def _work(rng: Random, name: str, cluster: str) -> Work:
    gpus = rng.choices((1, 2, 4, 8), (4, 4, 2, 1))[0]
    rules = {each for each, chance in _CHANCES.items() if rng.random() < chance}
    if rng.random() < 0.12:
        rules = {"gang"} | (rules & {"dedicated"})
        gpus = rng.choice((2, 4, 8))
    cpus = gpus * rng.choice((1, 2, 4, 7)) + rng.choice((0, 0, 3))
    count = rng.randint(2, 4) if "gang" in rules else rng.choices((1, 2, 3, 4), (5, 3, 2, 1))[0]
    return Work(name, count, gpus, min(cpus, CPUS), frozenset(rules), f"{cluster}-row{rng.randrange(3)}")


_CHANCES = {"row": 0.12, "apart": 0.1, "spread": 0.08, "dedicated": 0.3, "budget": 0.15}


def _pod(cluster: str, name: str, node: str, work: Work, size: int) -> Json:
    labels, notes = {"app": work.name}, {}
    kind = "ReplicaSet"
    if "gang" in work.rules:
        labels |= {f"{LWS}/name": work.name, f"{LWS}/group-index": "0"}
        notes, kind = {SIZE: str(size)}, "StatefulSet"
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": work.name, "uid": f"{cluster}-{work.name}"}
    asked = {"cpu": str(work.cpus), GPU: str(work.gpus)}
    resources = {"requests": asked, "limits": {GPU: str(work.gpus)}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": cluster,
            "labels": labels,
            "annotations": notes,
            "ownerReferences": [owner | {"controller": True}],
        },
        "spec": {
            "nodeName": node,
            "nodeSelector": {ROW: work.row} if "row" in work.rules else {},
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "a:1", "resources": resources}],
            **_rules(work),
        },
    }


def _rules(work: Work) -> Json:
    alike = {"matchLabels": {"app": work.name}}
    made: Json = {}
    if "dedicated" in work.rules:
        made["tolerations"] = [{"key": DEDICATED, "operator": "Exists"}]
    if "apart" in work.rules:
        term = {"topologyKey": HOSTNAME, "labelSelector": alike}
        made["affinity"] = {"podAntiAffinity": {REQUIRED: [term]}}
    if "spread" in work.rules:
        even = {"topologyKey": ROW, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
        made["topologySpreadConstraints"] = [even | {"labelSelector": alike}]
    return made


def _budget(cluster: str, work: Work) -> Json:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": work.name, "namespace": cluster},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": work.name}}},
    }
