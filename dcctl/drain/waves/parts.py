"""Which part of the data centre each node is in, where one part is drained at a time."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from dcctl.inventory.nodeset import groups_of
from dcctl.inventory.racks import Racks
from dcctl.inventory.topology import DOMAIN_LABELS, LEAF_LABELS, ZONE_LABELS, first_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dcctl.drain.request import Domain
    from dcctl.inventory.model import Fleet, Node

_LABELS: Mapping[str, tuple[str, ...]] = {"domain": DOMAIN_LABELS, "leaf": LEAF_LABELS, "zone": ZONE_LABELS}
_FEED = "feed:"


def parts_of(fleet: Fleet, nodes: Iterable[str], by: Domain) -> dict[str, str] | None:
    """The part of each of these nodes; None: no parts are told apart.

    A node of which nobody tells it is a part of its own: it may hang on any. What hangs on the same feeds is
    one part, with both feeds of 2N.
    """
    if not by:
        return None
    return {name: told or f"node {name}" for name, told in told_parts(fleet, nodes, by).items()}


def untold(fleet: Fleet, nodes: Iterable[str], by: Domain) -> tuple[str, ...]:
    """Return those of these nodes of which nobody tells the part; none where no parts are asked for."""
    if by in ("", "node"):
        return ()
    return tuple(name for name, told in told_parts(fleet, nodes, by).items() if not told)


def told_parts(fleet: Fleet, nodes: Iterable[str], by: Domain) -> dict[str, str]:
    """The part of each node, with its site where labels tell it; empty: nobody tells it."""
    part = _part(fleet, by)
    known = {node.name: node for node in fleet.nodes}
    return {name: part(known[name]) if name in known else "" for name in nodes}


def _part(fleet: Fleet, by: Domain) -> Callable[[Node], str]:
    if by == "rack":
        racks = Racks(fleet.nodes, fleet.racks)
        return lambda node: racks.label(key) if (key := racks.of(node)) is not None else ""
    if by == "feed":
        feeds = _feeds(fleet)
        return lambda node: " ".join(feeds.get(node.name, ()))
    return lambda node: _labelled(node, _LABELS.get(by, ()))


def _labelled(node: Node, labels: tuple[str, ...]) -> str:
    value = first_of(node.labels, labels)
    return f"{node.site or ''}/{value}" if value else ""


def _feeds(fleet: Fleet) -> dict[str, list[str]]:
    """The feeds of each node, as @feed: means them, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    groups = groups_of(fleet)
    for name in sorted(groups):
        if name.startswith(_FEED):
            for node in groups[name]:
                found[node].append(name)
    return found
