"""What runs behind the API of a cluster: disruption budgets, kubelets that stop pods, namespace deletion."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.kubeapi import selectors
from tests.kubeapi.clock import parse_stamp
from tests.kubeapi.eviction import is_ready
from tests.kubeapi.kinds import NAMESPACES, PDBS, PODS
from tests.kubeapi.makers import Makers

if TYPE_CHECKING:
    from tests.kubeapi.cluster import Cluster
    from tests.kubeapi.status import Obj

TICK_S = 0.02  # real time between two looks of the kubelets


class Controllers:
    """`settle` runs after every write; the kubelets' thread ends pods whose grace is over.

    `stuck` holds the names of nodes whose kubelet is dead. `paused` leaves the status of budgets stale.
    """

    def __init__(self, cluster: Cluster, *, kubelet: bool, makers: bool = False) -> None:
        self._cluster = cluster
        self.makers = Makers(cluster) if makers else None
        self._kubelet = kubelet
        self.stuck: set[str] = set()
        self.paused = False
        self._settled = -1
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """The kubelets live; a second call changes nothing."""
        if self._kubelet and self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)

    def settle(self) -> None:
        """Budgets and dying namespaces are as their controllers would leave them."""
        store = self._cluster.store
        with store.lock:
            self._empty_namespaces()
            if self.makers is not None:
                self.makers.settle()
            if self.paused:
                return
            moved = store.moved_since(PODS, self._settled) | store.moved_since(PDBS, self._settled)
            for namespace in sorted(moved):
                for budget in store.objects(PDBS, namespace):
                    self._sync(budget)
            self._settled = store.version

    def _run(self) -> None:
        while not self._stop.is_set():
            self._cluster.clock.changed.wait(TICK_S)
            self._cluster.clock.changed.clear()
            if self._reap():
                self.settle()

    def _reap(self) -> bool:
        store, now = self._cluster.store, self._cluster.clock.now()
        with store.lock:
            dying = [store.table(PODS).records[key].obj for key in sorted(store.dying)]
            over = [pod for pod in dying if self._is_over(pod, now)]
            for pod in over:
                if pod["metadata"].get("finalizers"):
                    store.put(PODS, {**pod, "metadata": {**pod["metadata"], "deletionGracePeriodSeconds": 0}})
                else:
                    store.drop(PODS, pod)
            return bool(over)

    def _is_over(self, pod: Obj, now: float) -> bool:
        meta = pod["metadata"]
        if pod["spec"].get("nodeName") in self.stuck or parse_stamp(meta["deletionTimestamp"]) > now:
            return False
        return not meta.get("finalizers") or meta.get("deletionGracePeriodSeconds", 0) > 0

    def _empty_namespaces(self) -> None:
        store = self._cluster.store
        for found in store.objects(NAMESPACES):
            if found.get("status", {}).get("phase") == "Terminating" and self._empty(
                found["metadata"]["name"]
            ):
                store.drop(NAMESPACES, found)

    def _empty(self, namespace: str) -> bool:
        """Whether nothing is left in it after all was deleted that may go."""
        from tests.kubeapi import removal

        left = False
        for kind in self._cluster.registry.all():
            for obj in self._cluster.store.objects(kind, namespace) if kind.namespaced else ():
                left = not removal.remove(self._cluster, kind, obj, {"gracePeriodSeconds": 0})[1] or left
        return not left

    def _sync(self, budget: Obj) -> None:
        namespace = budget["metadata"]["namespace"]
        chosen = selectors.match_labels(budget["spec"].get("selector"))
        pods = [
            p
            for p in self._cluster.store.objects(PODS, namespace)
            if chosen(p["metadata"].get("labels") or {})
        ]
        pods = [p for p in pods if p["status"].get("phase") not in {"Succeeded", "Failed"}]
        healthy = sum(is_ready(pod) and "deletionTimestamp" not in pod["metadata"] for pod in pods)
        expected, desired, failure = self._expected(budget["spec"], pods)
        allowed = max(0, healthy - desired) if expected > 0 and not failure else 0
        status: Obj = {
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "disruptionsAllowed": allowed,
            "observedGeneration": budget["metadata"].get("generation", 1),
            "conditions": [_condition(budget, allowed, failure, self._cluster.clock.stamp())],
        }
        if _differs(budget.get("status") or {}, status):
            self._cluster.store.put(PDBS, {**budget, "status": status})

    def _expected(self, spec: Obj, pods: list[Obj]) -> tuple[int, int, str]:
        """(expected pods, desired healthy ones, why it cannot be said)."""
        floor, ceiling = spec.get("minAvailable"), spec.get("maxUnavailable")
        if ceiling is None and not isinstance(floor, str):
            return len(pods), int(floor or 0), ""
        scale, failure = self._scale(pods)
        if ceiling is not None:
            return scale, max(0, scale - _share(ceiling, scale)), failure
        return scale, _share(floor, scale), failure

    def _scale(self, pods: list[Obj]) -> tuple[int, str]:
        """How many pods the controllers of these want in sum: percentages are taken of that."""
        scales: dict[str, int] = {}
        for pod in pods:
            owners = [each for each in pod["metadata"].get("ownerReferences") or [] if each.get("controller")]
            if not owners or owners[0]["uid"] in scales:
                continue
            found = self._owner(owners[0], pod["metadata"]["namespace"])
            if found is None:
                return 0, f'found no controllers for pod "{pod["metadata"]["name"]}"'
            scales[owners[0]["uid"]] = int((found.get("spec") or {}).get("replicas", 0))
        return sum(scales.values()), ""

    def _owner(self, reference: Obj, namespace: str) -> Obj | None:
        try:
            kind = self._cluster.registry.of(reference["apiVersion"], reference["kind"])
        except KeyError:
            return None
        return self._cluster.store.find(kind, namespace, reference["name"])


def _share(value: int | str | None, scale: int) -> int:
    """A number, or a percentage of the scale rounded up."""
    if isinstance(value, str) and value.endswith("%"):
        return -(-scale * int(value[:-1]) // 100)
    return int(value or 0)


def _condition(budget: Obj, allowed: int, failure: str, stamp: str) -> Obj:
    reason = "SyncFailed" if failure else "SufficientPods" if allowed else "InsufficientPods"
    return {
        "type": "DisruptionAllowed",
        "status": "True" if allowed else "False",
        "reason": reason,
        "message": failure,
        "lastTransitionTime": stamp,
        "observedGeneration": budget["metadata"].get("generation", 1),
    }


def _differs(old: Obj, new: Obj) -> bool:
    """Whether anything but the moment of the condition changed."""

    def essence(status: Obj) -> Obj:
        conditions = [{**each, "lastTransitionTime": ""} for each in status.get("conditions") or []]
        return {**status, "conditions": conditions}

    return essence(old) != essence(new)
