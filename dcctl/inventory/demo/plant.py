"""Racks, sites, cables and power meters of the demo fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

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
_CABLES_MILLI = 1006
"""What the UPSes give over what the PDUs take."""
_UPS_MW = 500_000_000
_LOSS_PPM = (13_700, 2_400, 28_700)
"""Of its nominal power, in millionths: without load, in proportion to the load, to its square."""
_MONTH_S = 30 * 86_400
_CPUS_MW = (180_000, 520_000)
"""Processors and memory of a node at rest and wholly busy."""


def sites() -> tuple[Site, ...]:
    """Two sites with their limits."""
    return (
        _site("dc1", energy_price_milli_per_mwh=620_000, carbon_mg_per_kwh=570_000),
        _site("dc2", energy_price_milli_per_mwh=480_000, carbon_mg_per_kwh=610_000),
    )


def _site(name: str, energy_price_milli_per_mwh: int, carbon_mg_per_kwh: int) -> Site:
    return Site(
        name,
        pue_limit_milli=1300,
        power_limit_mw=1_000_000_000,
        timezone="Asia/Shanghai",
        energy_price_milli_per_mwh=energy_price_milli_per_mwh,
        carbon_mg_per_kwh=carbon_mg_per_kwh,
        currency="CNY",
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
    """Facility and two UPSes of each site, two PDUs for each rack, the processors of each node."""
    found: list[PowerMeter] = []
    for site in _SITES:
        here = [node for node in nodes if node.site == site]
        load = sum(_draw(node) for node in here)
        whole = load * _OTHER_LOAD_MILLI[site] // 1000
        found.append(_register(PowerMeter(f"{site}-facility", "facility", site, "", whole), now_s))
        found += [_ups(f"{site}-ups-{side}", site, load // 2, now_s) for side in ("a", "b")]
        found += _pdus(site, here, now_s)
    found += [_processors(node, now_s) for node in nodes if node.use is not None]
    return tuple(found)


def _register(meter: PowerMeter, now_s: int) -> PowerMeter:
    """The meter with a register that has counted for a month in which it flowed a little less than now."""
    energy = (meter.power_mw or 0) * _MONTH_S * 97 // 100
    return replace(meter, read_at_s=now_s, energy_mj=energy, energy_from_s=now_s - _MONTH_S)


def _ups(name: str, site: str, load_mw: int, now_s: int) -> PowerMeter:
    """One side of 2N: what it gives is lost on the way to the PDUs in small part, what it draws is more."""
    given = load_mw * _CABLES_MILLI // 1000
    loss = (_LOSS_PPM[0] + _LOSS_PPM[1] * given // _UPS_MW) * _UPS_MW // 1_000_000
    loss += _LOSS_PPM[2] * given // _UPS_MW * given // 1_000_000
    meter = PowerMeter(
        name,
        "ups",
        site,
        "",
        given,
        input_mw=given + loss,
        nominal_mw=_UPS_MW,
        load_milli=given * 1000 // _UPS_MW,
        efficiency_milli=given * 1000 // (given + loss),
    )
    return _register(meter, now_s)


def _pdus(site: str, nodes: list[Node], now_s: int) -> Iterator[PowerMeter]:
    by_rack: dict[str, list[Node]] = {}
    for node in nodes:
        by_rack.setdefault(node.rack or "", []).append(node)
    for rack, members in by_rack.items():
        load = sum(_draw(node) for node in members)
        names = ",".join(node.name for node in members)
        for side in ("a", "b"):
            yield _register(PowerMeter(f"{rack}-pdu-{side}", "pdu", site, names, load // 2), now_s)


def _processors(node: Node, now_s: int) -> PowerMeter:
    """Packages and memory by RAPL: what they draw at rest, and more with the processors that are busy."""
    busy = 0 if node.use is None else node.use.cpu_milli or 0
    threads = 1000 if node.system is None else (node.system.threads or 1) * 1000
    drawn = _CPUS_MW[0] + (_CPUS_MW[1] - _CPUS_MW[0]) * min(busy, threads) // threads
    return PowerMeter(node.name, "rapl", node.site, node.name, drawn, read_at_s=now_s)


def _draw(node: Node) -> int:
    """Nodes that nobody read still draw power, and the PDU measures it."""
    return 1_100_000 if node.use is None or node.use.power_mw is None else node.use.power_mw
