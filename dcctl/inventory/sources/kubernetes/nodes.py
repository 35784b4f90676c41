"""Nodes as the model has them: identity, place, state, what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.hosts import is_host
from dcctl.inventory.model import Node, System, Taint
from dcctl.inventory.sources.kubernetes.accelerators import Boards
from dcctl.inventory.sources.kubernetes.cordons import cordon_of
from dcctl.inventory.sources.kubernetes.requests import Interner
from dcctl.inventory.topology import RACK_LABELS, SITE_LABELS, first_of
from dcctl.inventory.vendors import device, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.inventory.model import Accelerator, Resources
    from dcctl.inventory.sources.kubernetes.types import NodeAddress, NodeCondition, NodeObject

POOL_LABELS = (
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "alpha.eksctl.io/nodegroup-name",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "karpenter.sh/nodepool",
    "karpenter.sh/provisioner-name",
    "node.kubernetes.io/pool",
    "cluster.x-k8s.io/deployment-name",
    "doks.digitalocean.com/node-pool",
    "oke.oraclecloud.com/pool.name",
    "alibabacloud.com/nodepool-id",
    "cce.cloud.com/cce-nodepool",
    "machine.openshift.io/cluster-api-machineset",
    "nodepool",
    "node-pool",
)
_HEALTHY_WHEN_TRUE = ("Ready", "Healthy")


class Place(NamedTuple):
    """How to tell where a node stands."""

    site: str | None = None
    """The data centre, when it is known beforehand."""
    rack_labels: tuple[str, ...] = RACK_LABELS


class Nodes:
    """The nodes read so far. A sink for pages of them."""

    def __init__(self, source: str, place: Place) -> None:
        self._source, self._place = source, place
        self._amounts, self._boards = Interner(), Boards()
        self._text: dict[str, str] = {}
        self.found: dict[str, Node] = {}
        self.bad: list[tuple[str, str]] = []
        """(node, why) of those whose amounts could not be read, and of names that no node can have."""

    def add(self, items: list[NodeObject]) -> None:
        """Read one page."""
        for item in items:
            name = self._same(item.metadata.name)
            if is_host(name):
                self.found[name] = self._node(name, item)
            else:
                self.bad.append((name, "no node can have this name: left out"))

    def clear(self) -> None:
        """Forget all."""
        self.found.clear()
        self.bad.clear()

    def _same(self, text: str) -> str:
        """One object for equal texts: labels repeat on every node."""
        return self._text.setdefault(text, text)

    def _node(self, name: str, item: NodeObject) -> Node:
        labels = {self._same(key): self._same(value) for key, value in (item.metadata.labels or {}).items()}
        spec, status = item.spec, item.status
        capacity, allocatable = self._resources(name, item)
        ready = _ready(status.conditions or [])
        accelerators = self._boards.of_node(capacity.devices, labels) if capacity else None
        return Node(
            name=name,
            aliases=_aliases(name, status.addresses or []),
            site=self._place.site or first_of(labels, SITE_LABELS),
            rack=first_of(labels, self._place.rack_labels),
            pools=_pools(labels),
            sources=(self._source,),
            provider_id=spec.provider_id or None,
            system_uuid=status.node_info.system_uuid or None,
            address=_address(status.addresses or []),
            ready=ready,
            schedulable=not spec.unschedulable,
            cordon=cordon_of(item),
            state=self._same(_state(ready, spec.unschedulable, status.conditions or [])),
            labels=labels,
            taints=tuple(
                Taint(self._same(each.key), self._same(each.effect), self._same(each.value or ""))
                for each in spec.taints or ()
            ),
            capacity=capacity,
            allocatable=allocatable,
            system=self._system(item, labels),
            accelerators=accelerators,
            accelerator_counts=_counts(accelerators, status.capacity or {}, allocatable),
        )

    def _resources(self, name: str, item: NodeObject) -> tuple[Resources | None, Resources | None]:
        try:
            status = item.status
            return self._amounts.of_amounts(status.capacity), self._amounts.of_amounts(status.allocatable)
        except ValueError as error:
            self.bad.append((name, str(error)))
            return None, None

    def _system(self, item: NodeObject, labels: Mapping[str, str]) -> System:
        info = item.status.node_info
        same = self._same
        vendor = next((known.vendor for name in item.status.capacity or () if (known := device(name))), "")
        names = labels_of(vendor)
        return System(
            architecture=same(info.architecture or "") or None,
            kernel=same(info.kernel_version or "") or None,
            os=same(info.os_image or "") or None,
            boot_id=info.boot_id or None,
            machine_id=info.machine_id or None,
            driver=first_of(labels, names.driver),
            cuda=first_of(labels, names.runtime),
            runtime=same(info.container_runtime_version or "") or None,
            agent=same(info.kubelet_version or "") or None,
        )


def _counts(
    accelerators: tuple[Accelerator, ...] | None, declared: Iterable[str], allocatable: Resources | None
) -> dict[str, int]:
    """How many whole boards Kubernetes counts; nothing where sharing or cutting hides their number.

    A node that declares boards and has none left has 0. `allocatable`: where it is fewer than are there.
    """
    if not accelerators:
        whole = accelerators is not None and {device(name) for name in declared} - {None}
        return {"kubernetes": 0} if whole and all(one and one.kind == "whole" for one in whole) else {}
    if any(each.kind != "whole" for each in accelerators):
        return {}
    counts = {"kubernetes": len(accelerators)}
    if allocatable is not None:
        left = sum(allocatable.devices.get(name, 0) for name in {each.resource for each in accelerators})
        counts |= {"allocatable": left} if left < len(accelerators) else {}
    return counts


def _ready(conditions: list[NodeCondition]) -> bool | None:
    """Whether the kubelet says it is ready. One that has fallen silent (Unknown) is not; None: never said."""
    return next((each.status == "True" for each in conditions if each.type == "Ready"), None)


def _state(ready: bool | None, cordoned: bool, conditions: list[NodeCondition]) -> str:
    """The word of `kubectl get nodes`, then each problem by the name of its condition."""
    silent = any(each.type == "Ready" and each.status == "Unknown" for each in conditions)
    words = ["Unknown" if ready is None or silent else "Ready" if ready else "NotReady"]
    if cordoned:
        words.append("SchedulingDisabled")
    return ",".join(words + sorted(each.type for each in conditions if _is_problem(each)))


def _is_problem(condition: NodeCondition) -> bool:
    """By convention a condition is true when something is wrong, unless its name ends in Ready or Healthy."""
    if condition.type == "Ready":
        return False
    return condition.status == ("False" if condition.type.endswith(_HEALTHY_WHEN_TRUE) else "True")


def _address(addresses: list[NodeAddress]) -> str | None:
    for kind in ("InternalIP", "ExternalIP"):
        for each in addresses:
            if each.type == kind and each.address:
                return each.address
    return None


def _aliases(name: str, addresses: list[NodeAddress]) -> tuple[str, ...]:
    names = {each.address for each in addresses if each.type in ("Hostname", "InternalDNS") and each.address}
    return tuple(sorted(names - {name}))


def _pools(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(labels[name] for name in POOL_LABELS if labels.get(name)))
