"""Why a node takes no new work, whatever is free on it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from dcctl.inventory.states import state_of, words_of
from dcctl.inventory.vendors import device

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dcctl.inventory.model import Node

_KEEPS_OUT = frozenset(("NoSchedule", "NoExecute"))
_UPKEEP = (
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "tobedeletedbyclusterautoscaler",
    "deletioncandidate",
    "karpenter.sh/disrupt",
    "karpenter.sh/unregistered",
    "nvidia.com/gpu-driver-upgrade",
)
"""How keys begin, in lower case, that Kubernetes, its autoscalers and device operators set on a node that is
going, not ready or being worked on."""
_UPKEEP_WORDS = (
    "broken",
    "cordon",
    "decommission",
    "disrupt",
    "drain",
    "evict",
    "faulty",
    "maintenance",
    "out-of-service",
    "quarantine",
    "reboot",
    "repair",
    "unhealthy",
    "upgrade",
)
"""Parts of keys by which people and operators say the same."""
_DEDICATES = frozenset(
    [
        "accelerator",
        "dedicated",
        "gpu",
        "nodegroup",
        "nodepool",
        "npu",
        "partition",
        "pool",
        "queue",
        "sku",
        "team",
        "tenant",
        "workload",
    ]
)
"""Words of keys that say for what, or for whom, a node is."""


def unavailable_because(node: Node, common_taints: frozenset[str]) -> str:
    """One word or phrase for the strongest reason, or empty."""
    out = out_of_service(node)
    if out:
        return out
    keys = [t.key for t in node.taints if t.effect in _KEEPS_OUT and t.key not in common_taints]
    return f"taint {min(keys)}" if keys else ""


def out_of_service(node: Node) -> str:
    """Why no work at all is placed on the node, or empty. Unknown readiness is no reason."""
    words = words_of(node)
    if "notready" in words:
        return state_of(node) or ""
    return "cordoned" if "cordoned" in words else ""


def common_taints(nodes: Iterable[Node], working: Collection[str]) -> frozenset[str]:
    """Keys of taints that dedicate a pool, as `nvidia.com/gpu` does, and keep none of its work out.

    `working` names the nodes on which work holds accelerators. A key dedicates when it names a device, or
    when at least half of the nodes carry it and it either has a word such as `dedicated` or `sku` in it or
    stands on a node of `working`. One that speaks of upkeep (going, not ready, drained) never does.
    """
    seen: Counter[str] = Counter()
    tolerated: set[str] = set()
    total = 0
    for node in nodes:
        total += 1
        if node.taints:
            keys = {taint.key for taint in node.taints}
            seen.update(keys)
            if node.name in working:
                tolerated |= keys
    return frozenset(
        key
        for key, count in seen.items()
        if not is_upkeep(key)
        and (device(key) is not None or (2 * count >= total and (key in tolerated or _dedicates(key))))
    )


def is_upkeep(key: str) -> bool:
    """Whether the key of a taint says that a node is going, not ready or being worked on."""
    low = key.lower()
    return low.startswith(_UPKEEP) or any(word in low for word in _UPKEEP_WORDS)


def _dedicates(key: str) -> bool:
    return not _DEDICATES.isdisjoint(re.split(r"[^a-z0-9]+", key.lower()))
