"""Racks, sites, cables and power meters of the demo fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dcctl.inventory.demo.hardware import GBPS, RACKS_PER_SITE
from dcctl.inventory.model import Link, Nic, Node, Pool, PowerMeter, Rack, Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SITES = ("dc1", "dc2")
_NODES_PER_UNIT = 32
"""Nodes of one scalable unit: they share one leaf switch for each rail."""
_SPINES = 4
_UPLINKS_PER_SPINE = 4
_RACK_LIMIT_MW = 90_000_000
_OTHER_LOAD_MILLI = {"dc1": 1240, "dc2": 1310}
"""Facility power over power of the nodes, in thousandths: cooling, losses, light."""


def sites() -> tuple[Site, ...]:
    """Two sites with their limits."""
    return (
        Site("dc1", pue_limit_milli=1300, power_limit_mw=1_000_000_000, timezone="Asia/Shanghai"),
        Site("dc2", pue_limit_milli=1300, power_limit_mw=1_000_000_000, timezone="Asia/Shanghai"),
    )


def racks(nodes: Sequence[Node]) -> tuple[Rack, ...]:
    """One row per rack."""
    where = {node.rack: node.site for node in nodes if node.rack}
    return tuple(Rack(rack, site, _RACK_LIMIT_MW) for rack, site in sorted(where.items()))


def pools() -> tuple[Pool, ...]:
    """Four pools that part the fleet."""
    return (
        Pool("ascend", "npu[001-002]", "nodepool"),
        Pool("infer", "gpu[097-120]", "nodepool"),
        Pool("mig", "gpu[121-126]", "nodepool"),
        Pool("train", "gpu[001-096]", "nodepool"),
    )


def links(nodes: Sequence[Node]) -> tuple[Link, ...]:
    """Every cable from a node to its leaf, and from each leaf to each spine of its site."""
    return tuple(_node_links(nodes)) + tuple(_leaf_links(nodes))


def _leaf(place: int, rail: int) -> str:
    return f"leaf{place // _NODES_PER_UNIT + 1}{rail + 1}"


def _node_links(nodes: Sequence[Node]) -> Iterator[Link]:
    for place, node in enumerate(nodes):
        for rail, nic in enumerate(nic for nic in node.nics or () if nic.kind != "ethernet"):
            port = f"p{place % _NODES_PER_UNIT + 1}"
            yield Link(node.name, nic.name, _leaf(place, rail), port, _cable(nic), nic.speed_bps, nic.up)


def _cable(nic: Nic) -> Literal["infiniband", "ethernet"]:
    return "infiniband" if nic.kind == "infiniband" else "ethernet"


def _leaf_links(nodes: Sequence[Node]) -> Iterator[Link]:
    for unit in range(len(nodes) // _NODES_PER_UNIT):
        site = _SITES[unit * _NODES_PER_UNIT // (RACKS_PER_SITE * 8)]
        for rail in range(8):
            for spine in range(_SPINES):
                for cable in range(_UPLINKS_PER_SPINE):
                    up, down = spine * _UPLINKS_PER_SPINE + cable + 1, unit * 32 + rail * 4 + cable + 1
                    leaf = _leaf(unit * _NODES_PER_UNIT, rail)
                    yield Link(
                        leaf,
                        f"up{up}",
                        f"{site}-spine{spine + 1}",
                        f"p{down}",
                        "infiniband",
                        400 * GBPS,
                        True,
                    )


def meters(nodes: Sequence[Node], now_s: int) -> tuple[PowerMeter, ...]:
    """Facility and UPS of each site, two PDUs for each rack: sums of what their nodes draw."""
    found: list[PowerMeter] = []
    for site in _SITES:
        here = [node for node in nodes if node.site == site]
        load = sum(_draw(node) for node in here)
        month_mj = load * 30 * 86_400
        whole = load * _OTHER_LOAD_MILLI[site] // 1000
        found.append(PowerMeter(f"{site}-facility", "facility", site, "", whole, month_mj * 5 // 4, now_s))
        found += [
            PowerMeter(
                f"{site}-ups-{side}", "ups", site, "", load * 1031 // 2000, month_mj * 103 // 200, now_s
            )
            for side in ("a", "b")
        ]
        found += _pdus(site, here, now_s)
    return tuple(found)


def _pdus(site: str, nodes: list[Node], now_s: int) -> Iterator[PowerMeter]:
    by_rack: dict[str, list[Node]] = {}
    for node in nodes:
        by_rack.setdefault(node.rack or "", []).append(node)
    for rack, members in by_rack.items():
        load = sum(_draw(node) for node in members)
        names = ",".join(node.name for node in members)
        for side in ("a", "b"):
            yield PowerMeter(f"{rack}-pdu-{side}", "pdu", site, names, load // 2, None, now_s)


def _draw(node: Node) -> int:
    """Nodes that nobody read still draw power, and the PDU measures it."""
    return 1_100_000 if node.use is None or node.use.power_mw is None else node.use.power_mw
