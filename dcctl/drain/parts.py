"""Which part of the data centre each node is in, where one part is drained at a time."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from dcctl.inventory.nodeset import expand
from dcctl.inventory.racks import Racks
from dcctl.inventory.topology import DOMAIN_LABELS, LEAF_LABELS, ZONE_LABELS, first_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dcctl.drain.request import Domain
    from dcctl.inventory.model import Fleet, Node


def parts_of(fleet: Fleet, nodes: Iterable[str], by: Domain) -> dict[str, str] | None:
    """The part of each of these nodes; None: no parts are told apart.

    A node of which nobody tells it is a part of its own: it may hang on any.
    """
    if not by:
        return None
    part = _part(fleet, by)
    known = {node.name: node for node in fleet.nodes}
    return {name: (part(known[name]) if name in known else "") or f"node {name}" for name in nodes}


def _part(fleet: Fleet, by: Domain) -> Callable[[Node], str]:
    if by == "rack":
        racks = Racks(fleet.nodes, fleet.racks)
        return lambda node: racks.label(key) if (key := racks.of(node)) is not None else ""
    if by == "feed":
        feeds = _feeds(fleet)
        return lambda node: " ".join(sorted(feeds.get(node.name, ())))
    labels = {"domain": DOMAIN_LABELS, "leaf": LEAF_LABELS, "zone": ZONE_LABELS}.get(by, ())
    return lambda node: first_of(node.labels, labels) or ""


def _feeds(fleet: Fleet) -> dict[str, set[str]]:
    """The power distribution units that each node hangs on: those of both feeds are one part."""
    found: dict[str, set[str]] = defaultdict(set)
    for meter in fleet.meters:
        if meter.kind == "pdu" and meter.nodes:
            for node in expand(meter.nodes, {}):
                found[node].add(meter.name)
    return found
