"""All lists put together: nodes with their published devices, workloads, sites, racks and pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.folding import fold
from dcctl.inventory.model import Accelerator, Node, Pool, Rack, Resources, Site
from dcctl.inventory.vendors import device

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.inventory.sources.kubernetes.dra import Key, Published


def placed(published: Mapping[Key, Published], nodes: Mapping[str, Node]) -> dict[Key, Published]:
    """The devices on known nodes, each under the name by which its node's capacity counts it, if it does."""
    found: dict[Key, Published] = {}
    for key, each in published.items():
        node = nodes.get(each.node)
        if node is not None:
            name = _counted_as(node, each.accelerator)
            found[key] = each._replace(accelerator=replace(each.accelerator, resource=name)) if name else each
    return found


def _counted_as(node: Node, accelerator: Accelerator) -> str | None:
    """The whole-board resource of the same vendor in the node's capacity; None when there is none."""
    if accelerator.kind != "whole" or node.capacity is None:
        return None
    for name, count in node.capacity.devices.items():
        known = device(name)
        if known is not None and known.vendor == accelerator.vendor and known.kind == "whole" and count:
            return name
    return None


def resource_of_driver(devices: Mapping[Key, Published]) -> dict[str, str]:
    """The name under which the boards of a driver are counted, where all are counted under one."""
    names: dict[str, set[str]] = {}
    for (driver, _, _), each in devices.items():
        if each.accelerator.kind == "whole":
            names.setdefault(driver, set()).add(each.accelerator.resource)
    return {driver: found.pop() for driver, found in names.items() if len(found) == 1}


def with_devices(nodes: Mapping[str, Node], published: Mapping[Key, Published], used: set[Key]) -> list[Node]:
    """The nodes in order of name; devices that drivers publish replace those guessed from labels.

    A slice that exists only once allocated is left out until it is, and its board while a slice is in use.
    """
    by_node: dict[str, list[Accelerator]] = {}
    withheld: dict[str, list[Accelerator]] = {}
    cut = {each.accelerator.parent for key, each in published.items() if each.potential and key in used}
    for key, each in published.items():
        if (each.potential and key not in used) or (
            each.accelerator.id is not None and each.accelerator.id in cut
        ):
            continue
        by_node.setdefault(each.node, []).append(each.accelerator)
        if each.tainted and key not in used:
            withheld.setdefault(each.node, []).append(each.accelerator)
    return [
        _published_on(nodes[name], by_node.get(name, []), withheld.get(name, [])) for name in sorted(nodes)
    ]


def _published_on(node: Node, devices: list[Accelerator], withheld: list[Accelerator]) -> Node:
    """The node with its devices. Those withheld by a taint are in its capacity, and are not allocatable."""
    if not devices:
        return node
    vendors = {each.vendor for each in devices}
    guessed = [each for each in node.accelerators or () if each.vendor not in vendors]
    return replace(
        node,
        accelerators=tuple(guessed + devices),
        capacity=_with_counts(node.capacity, devices),
        allocatable=_with_counts(node.allocatable, devices, withheld),
        accelerator_counts={
            **_not_none(node.accelerator_counts),
            "dra": sum(each.kind == "whole" for each in devices),
        },
    )


def _not_none(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts without that of a device plug-in which claims have taken the place of."""
    return {name: count for name, count in counts.items() if count}


def _with_counts(
    amount: Resources | None, devices: list[Accelerator], withheld: Iterable[Accelerator] = ()
) -> Resources | None:
    """The amount with devices that only claims hand out: a node's status does not count those."""
    if amount is None:
        return None
    counts = dict(amount.devices)
    for each in devices:
        if each.resource not in amount.devices:
            counts[each.resource] = counts.get(each.resource, 0) + 1
    for each in withheld:
        if each.resource not in amount.devices:
            counts[each.resource] -= 1
    return replace(amount, devices=dict(sorted(counts.items())))


def sites(nodes: Iterable[Node]) -> tuple[Site, ...]:
    """The data centres that the nodes name."""
    return tuple(Site(name) for name in sorted({node.site for node in nodes if node.site}))


def racks(nodes: Iterable[Node]) -> tuple[Rack, ...]:
    """The racks that the nodes name."""
    found = {(node.rack, node.site or "") for node in nodes if node.rack}
    return tuple(Rack(name, site or None) for name, site in sorted(found))


def pools(nodes: Iterable[Node]) -> tuple[Pool, ...]:
    """The node pools that the nodes name, each with its nodes folded."""
    members: dict[str, list[str]] = {}
    for node in nodes:
        for pool in node.pools:
            members.setdefault(pool, []).append(node.name)
    return tuple(Pool(name, fold(members[name]), "nodepool") for name in sorted(members))
