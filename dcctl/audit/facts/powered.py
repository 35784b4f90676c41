"""UPSes, PDUs, racks and sites as subjects of checks: meters of the fleet with what evidence adds to them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, cast

from dcctl.audit.facts.stored import joined
from dcctl.audit.scene import COUNTED, DERIVED, MADE_OF
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.evidence.plant import Plant
from dcctl.inventory.model import PowerMeter, Rack, Site  # noqa: TC001  # msgspec reads them
from dcctl.inventory.nodeexpr import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.devices import Accelerator

IT: Final = ("pdu", "ups", "bmc")
"""Meters of IT power, those nearest to it that cover a whole site first."""


class PowerSite(Subject, frozen=True, kw_only=True):
    """A site with its meters, each once, and its nodes."""

    site: Site
    meters: tuple[PowerMeter, ...] = ()
    nodes: int = 0
    boards: tuple[tuple[str, Accelerator], ...] = ()
    """Whole boards of its nodes, with the node's name."""

    @property
    def key(self) -> str:
        """`Site/dc1`."""
        return f"Site/{self.site.name}"

    def of(self, kind: str) -> tuple[PowerMeter, ...]:
        """Its meters of a kind."""
        return tuple(one for one in self.meters if one.kind == kind)


class PowerRack(Subject, frozen=True, kw_only=True):
    """A rack with the feeds of its nodes."""

    rack: Rack
    feeds: tuple[Plant, ...] = ()

    @property
    def key(self) -> str:
        """`Rack/rack07`."""
        return f"Rack/{self.rack.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """The nodes that it feeds."""
        return tuple(dict.fromkeys(name for one in self.feeds for name in one.nodes))


def _from_meter(meter: PowerMeter, sites: dict[str, str], racks: dict[str, str]) -> Plant:
    nodes = tuple(sorted(plain(meter.nodes))) if meter.nodes else ()
    stands_in = {racks[name] for name in nodes if racks.get(name)}
    lies_in = {sites[name] for name in nodes if sites.get(name)}
    return Plant(
        name=meter.name,
        kind="ups" if meter.kind == "ups" else "pdu",
        site=meter.site or (lies_in.pop() if len(lies_in) == 1 else ""),
        rack=stands_in.pop() if len(stands_in) == 1 else "",
        nodes=nodes,
        power_mw=meter.power_mw,
        nominal_mw=meter.nominal_mw,
        load_milli=meter.load_milli,
        efficiency_milli=meter.efficiency_milli,
        read_at_s=meter.read_at_s,
    )


def _feeds(scene: Scene) -> tuple[Plant, ...]:
    """UPSes and PDUs, by their meters and by what else is told of them."""
    nodes = scene.evidence.fleet.nodes
    sites = {one.name: one.site or "" for one in nodes}
    racks = {one.name: one.rack or "" for one in nodes}
    metered = [
        _from_meter(one, sites, racks) for one in scene.evidence.fleet.meters if one.kind in ("ups", "pdu")
    ]
    return joined((*metered, *cast("tuple[Plant, ...]", scene.of("plants"))))


def _supplies(scene: Scene) -> tuple[Plant, ...]:
    return tuple(one for one in scene.once(_feeds) if one.kind == "ups")


def _racks(scene: Scene) -> tuple[Subject, ...]:
    """PDUs by themselves, then racks that know what they may draw, with theirs."""
    pdus = tuple(one for one in scene.once(_feeds) if one.kind == "pdu")
    by_rack: dict[tuple[str, str], list[Plant]] = defaultdict(list)
    for one in pdus:
        by_rack[one.site, one.rack].append(one)
    racks = scene.evidence.fleet.racks
    return (
        *pdus,
        *(PowerRack(rack=one, feeds=tuple(by_rack.get((one.site or "", one.name), ()))) for one in racks),
    )


def _sites(scene: Scene) -> tuple[PowerSite, ...]:
    fleet = scene.evidence.fleet
    only = fleet.sites[0].name if len(fleet.sites) == 1 else ""
    of_node = {one.name: one.site or only for one in fleet.nodes}

    def place(meter: PowerMeter) -> str:
        known = {of_node.get(name, "") for name in plain(meter.nodes)} if meter.nodes else {only}
        return meter.site or (known.pop() if len(known) == 1 else "")

    found = []
    for site in fleet.sites:
        nodes = [one for one in fleet.nodes if of_node[one.name] == site.name]
        boards = tuple(
            (node.name, board) for node in nodes for board in node.accelerators or () if board.kind == "whole"
        )
        meters = tuple(one for one in fleet.meters if place(one) == site.name)
        found.append(PowerSite(site=site, meters=meters, nodes=len(nodes), boards=boards))
    return tuple(found)


def _sensed(scene: Scene) -> tuple[Plant, ...]:
    """Whatever has sensors of temperature, or was asked for them."""
    told = joined(cast("tuple[Plant, ...]", scene.of("plants")))
    return tuple(one for one in told if one.temperatures is not None or "temperatures" in one.silent)


def is_idle(board: Accelerator, idle_milli: int) -> bool:
    """True for a board that tells how busy it is, and is not."""
    return board.busy_milli is not None and board.busy_milli < idle_milli


def idle_counter(site: PowerSite, node: str, board: Accelerator) -> tuple[str, str]:
    """Return the row and the name under which since when a board is idle is kept."""
    return f"{site.key} idle {node}", str(board.index)


def idle_since(scene: Scene) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield, for the counters of this run, since when each board that is idle was seen so."""
    least = scene.policy.energy.idle_milli
    rows: defaultdict[str, list[str]] = defaultdict(list)
    for site in scene.once(_sites):
        for node, board in site.boards:
            row, name = idle_counter(site, node, board)
            if board.busy_milli is not None:
                rows[row] += [name] if is_idle(board, least) else []
    for row, names in rows.items():
        yield row, scene.since(row, names)


for _kind in ("power_supplies", "power_feeds", "sensed_plants"):
    MADE_OF[_kind] = ("plants",)
DERIVED.update(power_sites=_sites, power_supplies=_supplies, power_feeds=_racks, sensed_plants=_sensed)
COUNTED.append(idle_since)
