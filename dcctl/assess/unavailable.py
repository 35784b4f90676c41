"""Why a node takes no new work, whatever is free on it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.model import Node

_KEEPS_OUT = frozenset(("NoSchedule", "NoExecute"))
_CONDITION = "node.kubernetes.io/"


def unavailable_because(node: Node, common_taints: frozenset[str]) -> str:
    """One word or phrase for the strongest reason, or empty. Unknown readiness is no reason."""
    if node.ready is False:
        return node.state or "not ready"
    if node.schedulable is False:
        return "cordoned"
    keys = [t.key for t in node.taints if t.effect in _KEEPS_OUT and t.key not in common_taints]
    return f"taint {min(keys)}" if keys else ""


def common_taints(nodes: Iterable[Node]) -> frozenset[str]:
    """Keys of taints that at least half of the nodes carry: they dedicate a pool, as `nvidia.com/gpu` does.

    Conditions that Kubernetes itself sets are never such.
    """
    seen: Counter[str] = Counter()
    total = 0
    for node in nodes:
        total += 1
        if node.taints:
            seen.update({t.key for t in node.taints if not t.key.startswith(_CONDITION)})
    return frozenset(key for key, count in seen.items() if 2 * count >= total)
