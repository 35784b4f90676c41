"""Pools of like nodes: who is in which, what a site prescribes for it, and what most of it has."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from dcctl.audit.check import Unasked
from dcctl.audit.policy.gpu import PoolProfile

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping

    from dcctl.audit.scene import Scene
    from dcctl.inventory.model import Node

_MOST_MILLI = 250
"""Of a pool of which this run leaves out a larger share, what most of the rest have is not what most have."""
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


def comparable(scene: Scene, pools: Collection[str]) -> bool:
    """Return whether what most nodes of these pools have can be told by those that this run asks."""
    gone, sizes = scene.evidence.fleet.left_out.pools, scene.once(_sizes)
    known = [one for one in pools or ("",) if one in gone]
    return all(gone[one] * 1000 <= _MOST_MILLI * (gone[one] + sizes[one]) for one in known)


def check_whole(scene: Scene, pools: Collection[str]) -> None:
    """Unasked: nodes of these pools are left out, and what compares their nodes does not say all."""
    found = [one for one in pools or ("",) if one in scene.evidence.fleet.left_out.pools]
    if found:
        name = f"pool {found[0]}" if found[0] else "those of no pool"
        raise Unasked(f"not all nodes of {name} are in this run: they are compared with each other")


def has_peers(scene: Scene, node: str) -> bool:
    """Return whether this run asks enough of the pools of a node to tell what is usual there."""
    return comparable(scene, pools_of(scene, node))


def check_peers(scene: Scene, node: str) -> None:
    """Unasked: this run leaves out nodes of the pools of this one."""
    check_whole(scene, pools_of(scene, node))


def _sizes(scene: Scene) -> Counter[str]:
    """Return how many nodes of each pool this run asks."""
    return Counter(name for node in scene.evidence.fleet.nodes for name in node.pools or ("",))
