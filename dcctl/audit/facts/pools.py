"""Pools of like nodes: who is in which, what a site prescribes for it, and what most of it has."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from dcctl.audit.policy.gpu import PoolProfile

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from dcctl.audit.scene import Scene
    from dcctl.inventory.model import Node

V = TypeVar("V", bound="Hashable")
_NOTHING = PoolProfile()


def nodes_by_name(scene: Scene) -> Mapping[str, Node]:
    """Return the nodes of the inventory by name; made once for each scene (`scene.once`)."""
    return {node.name: node for node in scene.evidence.fleet.nodes}


def pools_of(scene: Scene, node: str) -> tuple[str, ...]:
    """Return the pools of a node; none of one that the inventory does not know."""
    known = scene.once(nodes_by_name).get(node)
    return known.pools if known else ()


def profile_of(scene: Scene, node: str) -> PoolProfile:
    """Return what the site prescribes for the first pool of the node that has a profile; else nothing."""
    profiles = scene.policy.gpu.profiles
    return next((profiles[pool] for pool in pools_of(scene, node) if pool in profiles), _NOTHING)


def most(values: Iterable[V]) -> V | None:
    """Return what more than half of them are; None: there is no such value."""
    counts = Counter(values)
    if not counts:
        return None
    value, times = counts.most_common(1)[0]
    return value if times * 2 > counts.total() else None
