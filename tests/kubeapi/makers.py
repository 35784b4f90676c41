"""Controllers that make pods from templates, and a scheduler that binds those without a gate."""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from tests.kubeapi import rules
from tests.kubeapi.kinds import NODES, PODS

if TYPE_CHECKING:
    from tests.kubeapi.cluster import Cluster
    from tests.kubeapi.kinds import Kind
    from tests.kubeapi.status import Obj

MAKERS = ("deployments", "statefulsets", "jobs.batch")


class Makers:
    """`settle` runs after every write. A pod fits a node when its required node affinity names it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._settled, self._how = -1, (False, False, False)
        self.asleep = False
        """Pods are made, and nobody binds them."""
        self.ready = False
        """Whether pods are ready as soon as they are bound."""
        self.spreads = False
        """Whether a pod is bound to the node that has the fewest, instead of the first."""

    def settle(self) -> None:
        """Every object has its pods, those of a deleted one are gone, and whoever may stand stands."""
        store, kinds = self._cluster.store, [self._cluster.registry.named(name) for name in MAKERS]
        how = (self.asleep, self.ready, self.spreads)
        if how != self._how or store.moved_since(NODES, self._settled):
            moved = set(store.table(PODS).spaces) | {
                each for kind in kinds for each in store.table(kind).spaces
            }
        else:
            moved = set().union(*(store.moved_since(kind, self._settled) for kind in (PODS, *kinds)))
        self._how, self._settled = how, store.version
        nodes = [
            each["metadata"]["name"]
            for each in (store.objects(NODES) if moved else ())
            if not (each.get("spec") or {}).get("unschedulable")
        ]
        for namespace in sorted(moved):
            self._settle(namespace, kinds, nodes)

    def _settle(self, namespace: str, kinds: list[Kind], nodes: list[str]) -> None:
        store, owners = self._cluster.store, set[str]()
        for kind in kinds:
            for owner in store.objects(kind, namespace):
                self._make(kind, owner)
                owners.add(owner["metadata"]["uid"])
        for pod in store.objects(PODS, namespace):
            refs = pod["metadata"].get("ownerReferences") or []
            if (
                refs
                and refs[0]["kind"] in ("Deployment", "StatefulSet", "Job")
                and refs[0]["uid"] not in owners
            ):
                store.drop(PODS, pod)
            elif not self.asleep:
                self._bind(pod, nodes)

    def _make(self, kind: Kind, owner: Obj) -> None:
        meta, spec = owner["metadata"], owner.get("spec") or {}
        status = owner.get("status") or {}
        if status.get("observedGeneration") != meta.get("generation"):
            seen = {**status, "observedGeneration": meta.get("generation")}
            self._cluster.store.put(kind, {**owner, "status": seen})
        wanted = spec.get("parallelism" if kind.name == "Job" else "replicas", 1)
        for number in range(wanted if "template" in spec else 0):
            suffix = str(number) if kind.name == "StatefulSet" else _suffix(meta["uid"], number)
            name = f"{meta['name']}-{suffix}"
            if self._cluster.store.find(PODS, meta["namespace"], name) is None:
                pod = copy.deepcopy(spec["template"])
                pod["metadata"] = {**(pod.get("metadata") or {}), "name": name}
                made = rules.created(PODS, meta["namespace"], pod, self._cluster.clock)
                made["metadata"]["ownerReferences"] = [
                    {
                        "apiVersion": kind.api_version,
                        "kind": kind.name,
                        "name": meta["name"],
                        "uid": meta["uid"],
                        "controller": True,
                    }
                ]
                self._cluster.store.put(PODS, made)

    def _bind(self, pod: Obj, nodes: list[str]) -> None:
        spec = pod["spec"]
        if spec.get("nodeName") or spec.get("schedulingGates") or "deletionTimestamp" in pod["metadata"]:
            return
        fits = [name for name in nodes if _may_stand(spec, name)]
        if fits:
            chosen = self._emptiest(fits) if self.spreads else fits[0]
            bound = {**pod, "spec": {**spec, "nodeName": chosen}}
            status = {**pod["status"], "phase": "Running"}
            if self.ready:
                status["conditions"] = [{"type": "Ready", "status": "True"}]
            self._cluster.store.put(PODS, {**bound, "status": status})

    def _emptiest(self, names: list[str]) -> str:
        records = self._cluster.store.table(PODS).records.values()
        stand = Counter(each.obj["spec"].get("nodeName") for each in records)
        return min(names, key=lambda name: stand[name])


def _suffix(uid: str, number: int) -> str:
    """So long that two pods of an object never share it: with five digits one set of 40 in 1,300 did."""
    return hashlib.sha256(f"{uid}{number}".encode()).hexdigest()[:12]


def _may_stand(spec: Obj, name: str) -> bool:
    terms = rules.node_terms(spec)
    if not terms:
        return True
    return any(
        all(name in each["values"] for each in [*(term.get("matchFields") or []), *_hosts(term)])
        for term in terms
    )


def _hosts(term: Obj) -> list[Obj]:
    return [each for each in term.get("matchExpressions") or [] if each["key"] == "kubernetes.io/hostname"]
